/**
 * An origin that speaks whenever it wants, as a held client sees it (specification 11.1), whatever carries its messages: a
 * socket, or packets. Messages go through whole, pings and pongs as they come; neither side's are ever answered here.
 *
 *     open ──origin's close──► origin-closing ──client's answer──► over
 *       │──client's close, publish──► closing ──origin's answer──► over
 *       └──client gone, origin lost, bad messages────────────────► over
 *
 * Over means that nothing more is said. What was written still goes out; then the connection ends.
 */
import type { WebSocketClient, WebSocketOrigin } from '../../hold/websocket-origin.js';
import type { WebSocketMessageType } from '../../protocol/item.js';
import { Timed, type Wheel } from '../../time/wheel.js';
import type { ClientFlow } from '../websocket-verdict.js';
import { ClientFeed } from './client-feed.js';

/** Milliseconds an origin may take to answer a close. */
export const CLOSE_TIMEOUT = 5_000;
/** What a close without a code says on the other side. */
const NORMAL = 1000;

type State = 'open' | 'origin-closing' | 'closing' | 'over';

export interface TwoWayOptions {
  readonly wheel: Wheel;
  /** Bytes of one message of the origin. */
  readonly maxMessageBytes: number;
  /** Bytes that may wait for the origin before the client has to. */
  readonly originWindow: number;
  /** Bytes that may wait for the client before the origin has to. */
  readonly clientWindow: number;
  /** Told why when it is the origin's fault that the connection ends. */
  readonly broken: (text: string) => void;
}

export abstract class TwoWayOrigin extends Timed implements WebSocketOrigin {
  protected state: State = 'open';
  /** Undefined before the client's 101 and after it has gone. */
  private client: WebSocketClient | undefined = undefined;
  private feed: ClientFeed | undefined = undefined;
  private flow: ClientFlow | undefined = undefined;
  /** The client is not read, because the origin does not take what it has said. */
  private clientWaits = false;

  constructor(protected readonly options: TwoWayOptions) {
    super();
  }

  /** Makes the origin wait for a slow client; called before `attached`, where it can be known how slow it is. */
  readonly pace = (flow: ClientFlow): void => {
    this.flow = flow;
  };

  attached(client: WebSocketClient): void {
    const { options } = this;
    if (this.state === 'over') {
      client.drop();
      return;
    }
    this.client = client;
    this.feed = new ClientFeed(client, this.flow, {
      window: options.clientWindow,
      full: () => this.stopReading(),
      room: () => this.readOn(),
    });
    this.listen();
  }

  message(type: 'text' | 'binary', content: Buffer): void {
    this.say(type, content);
  }

  ping(content: Buffer): void {
    this.say('ping', content);
  }

  pong(content: Buffer): void {
    this.say('pong', content);
  }

  closed(code: number | undefined, reason: string): void {
    if (this.state === 'open') {
      this.state = 'closing';
      this.sendClose(code ?? NORMAL, reason);
      this.options.wheel.start(this, CLOSE_TIMEOUT);
    } else if (this.state === 'origin-closing') {
      this.sendClose(code ?? NORMAL, reason);
      this.finish();
    }
  }

  closedByPublish(): void {
    this.closed(undefined, '');
  }

  gone(): void {
    this.client = undefined;
    this.feed?.stop();
    if (this.state === 'closing') {
      // The answer is still to come, whoever was waited for before.
      this.readAnyway();
    } else if (this.state !== 'over') {
      this.finish();
    }
  }

  /** There is no request that could be made. */
  refresh(): void {}

  onMessage(type: 'text' | 'binary', content: Buffer): void {
    this.feed?.message(type, content);
  }

  onPing(content: Buffer): void {
    this.feed?.message('ping', content);
  }

  onPong(content: Buffer): void {
    this.feed?.message('pong', content);
  }

  onClose(code: number | undefined, reason: string): void {
    const answered = this.state === 'closing';
    // Telling the client may bring its answer at once.
    if (answered) this.finish();
    else this.state = 'origin-closing';
    this.feed?.close(code ?? NORMAL, reason);
  }

  onViolation(code: number): void {
    if (this.state === 'over') return;
    if (this.state === 'open') this.sendClose(code, '');
    this.options.broken(`the origin broke the WebSocket protocol or a limit (${code})`);
    this.dropClient();
  }

  /** The origin did not answer a close in time, or does not end the connection. */
  onTime(): void {
    if (this.state !== 'over') this.dropClient();
    this.breakTransport();
  }

  /** What waited for the origin has gone out. */
  drained(): void {
    if (!this.clientWaits) return;
    this.clientWaits = false;
    this.client?.resume();
  }

  /** The origin says no more, with or without a close before. */
  ended(): void {
    if (this.state === 'over') return;
    // After its close it is the client that everybody waits for.
    if (this.state === 'origin-closing') this.finish();
    else this.dropClient();
  }

  /** Bytes that wait for the origin. */
  protected abstract readonly queuedBytes: number;
  /** Sends; whether the origin takes it at once does not matter. */
  protected abstract send(type: WebSocketMessageType, content: Buffer): void;
  protected abstract sendClose(code: number, reason: string): void;
  /** The client is there to hear what the origin says, and has said before. */
  protected abstract listen(): void;
  /** The client takes no more for now. */
  protected abstract stopReading(): void;
  protected abstract readOn(): void;
  /** Reads on, whoever does not take it. */
  protected abstract readAnyway(): void;
  /** Lets what was sent go out, and ends; may start the timer for it. */
  protected abstract endTransport(): void;
  /** Ends at once. */
  protected abstract breakTransport(): void;

  /** The connection was lost on this side: the client's is broken off. */
  protected dropClient(): void {
    const { client } = this;
    this.client = undefined;
    this.feed?.stop();
    this.finish();
    client?.drop();
  }

  private say(type: WebSocketMessageType, content: Buffer): void {
    const { client } = this;
    if (client === undefined || (this.state !== 'open' && this.state !== 'origin-closing')) return;
    this.send(type, content);
    if (this.clientWaits || this.queuedBytes <= this.options.originWindow) return;
    this.clientWaits = true;
    client.pause();
  }

  private finish(): void {
    this.state = 'over';
    this.options.wheel.stop(this);
    this.endTransport();
  }
}
