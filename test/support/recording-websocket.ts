/** A held WebSocket that keeps what is said to its client, and an origin that keeps what it is told of it. */
import type { HoldParts } from '../../src/hold/hold-parts.js';
import { WebSocketHold, type WebSocketHoldOptions } from '../../src/hold/websocket-hold.js';
import type { WebSocketClient, WebSocketOrigin } from '../../src/hold/websocket-origin.js';
import type { Encoding } from '../../src/hub/publication.js';
import type { WebSocketMessageType } from '../../src/protocol/item.js';

/** One line for each message, so that several in one piece can be told apart. */
const lines: Encoding = {
  encode({ formats: { websocket } }) {
    if (websocket === undefined) return Buffer.alloc(0);
    if (websocket.action !== 'send' || websocket.contentFilters !== undefined) return undefined;
    return line(websocket.type, websocket.content);
  },
};

function line(type: WebSocketMessageType, content: Buffer): Buffer {
  return Buffer.from(`${type} ${content}\n`);
}

export class RecordingOrigin implements WebSocketOrigin {
  /** `text hello`, `closed 1000 bye`, `gone`, in the order they came. */
  readonly calls: string[] = [];

  attached(_client: WebSocketClient): void {}

  message(type: 'text' | 'binary', content: Buffer): void {
    this.calls.push(`${type} ${content}`);
  }

  ping(content: Buffer): void {
    this.calls.push(`ping ${content}`);
  }

  pong(content: Buffer): void {
    this.calls.push(`pong ${content}`);
  }

  closed(code: number | undefined, reason: string): void {
    this.calls.push(`closed ${code ?? ''} ${reason}`.trimEnd());
  }

  gone(): void {
    this.calls.push('gone');
  }

  closedByPublish(): void {
    this.calls.push('closed by publish');
  }

  refresh(): void {
    this.calls.push('refresh');
  }
}

export class RecordingWebSocket extends WebSocketHold {
  readonly encoding = lines;
  /** `text hello`, `close 1000 bye`, `pause`, `resume`, `end`, `break`, in the order they came. */
  readonly calls: string[] = [];
  queuedBytes = 0;

  constructor(
    parts: HoldParts,
    readonly recordedOrigin = new RecordingOrigin(),
    options: Partial<WebSocketHoldOptions> = {},
  ) {
    super(parts, recordedOrigin, {
      messagePrefix: Buffer.from('m:'),
      debug: false,
      rateBucket: '',
      channelPrefix: '',
      uri: 'ws://example.com/chat',
      ...options,
    });
  }

  /** The origin sends a control message. */
  control(message: object): void {
    this.fromOrigin('text', Buffer.from(`c:${JSON.stringify(message)}`));
  }

  /** The origin sends text for the client. */
  say(text: string): void {
    this.fromOrigin('text', Buffer.from(`m:${text}`));
  }

  pause(): void {
    this.calls.push('pause');
  }

  resume(): void {
    this.calls.push('resume');
  }

  protected encode(type: WebSocketMessageType, content: Buffer): Buffer {
    return line(type, content);
  }

  protected transmit(bytes: Buffer): void {
    this.calls.push(...bytes.toString().split('\n').slice(0, -1));
  }

  protected transmitClose(code: number | undefined, reason: string): void {
    this.calls.push(`close ${code ?? ''} ${reason}`.trimEnd());
  }

  protected awaitAnswer(): void {}

  protected endTransport(): void {
    this.calls.push('end');
  }

  protected stopReading(): void {}

  protected breakTransport(): void {
    this.calls.push('break');
  }
}
