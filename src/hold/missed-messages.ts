/** The answer of an origin that was asked what a WebSocket missed: read whole, because all of it is sent or nothing. */
import { getHeader } from '../protocol/headers.js';
import type { Instruct } from '../protocol/instruct.js';
import { decodeEvents, type WebSocketEvent } from '../protocol/websocket-events.js';
import type { LinkReceiver } from './next-link.js';

/** Exactly this type, as in answers to WebSocket-over-HTTP requests. */
const EVENTS_TYPE = 'application/websocket-events';
/** With these the origin says that it is no use to ask again. */
const FINAL_STATUSES: ReadonlySet<number> = new Set([404, 410]);

export type MissedMessages =
  /** TEXT and BINARY events, and by channel name the id of the last item that is known with them. */
  | {
      readonly kind: 'messages';
      readonly messages: readonly WebSocketEvent[];
      readonly ids: ReadonlyMap<string, string>;
    }
  /** There is no sense in another try. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'failed' };

export class MissedMessagesAnswer implements LinkReceiver {
  private readonly ids = new Map<string, string>();
  private readonly chunks: Buffer[] = [];
  private size = 0;
  private over = false;

  /**
   * @param channels - names, as the origin knows them, that the answer has to speak of
   * @param maxBytes - of the body
   * @param done - called once
   */
  constructor(
    private readonly channels: Iterable<string>,
    private readonly maxBytes: number,
    private readonly done: (result: MissedMessages) => void,
  ) {}

  opened({ channels, response }: Instruct): void {
    if (getHeader(response.headers, 'content-type') !== EVENTS_TYPE) {
      this.refused(`the answer is not ${EVENTS_TYPE}`);
      return;
    }
    for (const { name, prevId } of channels) if (prevId !== undefined) this.ids.set(name, prevId);
    for (const name of this.channels) {
      if (!this.ids.has(name)) this.refused(`the answer names no prev-id of channel '${name}'`);
    }
  }

  refused(why: string): void {
    this.finish({ kind: 'refused', why });
  }

  data(chunk: Buffer): boolean {
    if (this.over) return true;
    this.chunks.push(chunk);
    this.size += chunk.length;
    if (this.size > this.maxBytes) this.refused(`the answer is longer than ${this.maxBytes} bytes`);
    return true;
  }

  ended(): void {
    const messages = messagesOf(Buffer.concat(this.chunks));
    if (messages === undefined) this.refused('the answer is broken, or has other events than TEXT and BINARY');
    else this.finish({ kind: 'messages', messages, ids: this.ids });
  }

  failed(status?: number): void {
    if (status !== undefined && FINAL_STATUSES.has(status)) this.refused(`the origin answered ${status}`);
    else this.finish({ kind: 'failed' });
  }

  private finish(result: MissedMessages): void {
    if (this.over) return;
    this.over = true;
    this.done(result);
  }
}

/** The messages of an answer; undefined when there is anything else in it. */
function messagesOf(body: Buffer): readonly WebSocketEvent[] | undefined {
  let events: readonly WebSocketEvent[];
  try {
    events = decodeEvents(body);
  } catch {
    return undefined;
  }
  return events.every(({ type }) => type === 'TEXT' || type === 'BINARY') ? events : undefined;
}
