/** What an origin's answer says: the events in it, and how they reach the client (specification 10.3, 10.6). */
import { HoldfastError } from '../../errors/holdfast-error.js';
import type { WebSocketClient } from '../../hold/websocket-origin.js';
import { parseControlMessage } from '../../protocol/control-message.js';
import {
  type CloseContent,
  decodeCloseContent,
  decodeEvents,
  type WebSocketEvent,
} from '../../protocol/websocket-events.js';
import type { WebSocketVerdict } from '../websocket-verdict.js';
import type { WholeResult } from '../whole-answer.js';
import { isEventsResponse } from './response-headers.js';

/** The events of a body; undefined when it is malformed. */
export function readEvents(body: Buffer): WebSocketEvent[] | undefined {
  try {
    return decodeEvents(body);
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

/** The first answer promised events and did not begin with the right one. */
export const NOT_OPENED: WebSocketVerdict = {
  kind: 'failed',
  failure: { kind: 'other', detail: 'the origin did not answer with an OPEN event' },
};

/** Whether the origin may take the WebSocket for open after this end of an OPEN request. */
export function mayHaveOpened(result: WholeResult): boolean {
  return result.kind === 'response' ? isEventsResponse(result.response) : result.failure.kind !== 'connect';
}

/** Channels that events subscribe the client to, as the origin names them. */
export function channelsIn(events: readonly WebSocketEvent[]): string[] {
  const channels: string[] = [];
  for (const { type, content } of events) {
    if (type !== 'TEXT' || content === undefined || content.toString('latin1', 0, 2) !== 'c:') continue;
    const parsed = parseControlMessage(content.subarray(2));
    if (parsed.kind === 'message' && parsed.message.type === 'subscribe') channels.push(parsed.message.channel);
  }
  return channels;
}

/** How the origin ended the WebSocket. */
export type OriginEnding = ({ readonly kind: 'close' } & CloseContent) | { readonly kind: 'disconnect' };

/** Hands messages to the client up to the event that ends the WebSocket, which is returned. */
export function deliverEvents(events: readonly WebSocketEvent[], client: WebSocketClient): OriginEnding | undefined {
  for (const { type, content = Buffer.alloc(0) } of events) {
    switch (type) {
      case 'TEXT':
        client.fromOrigin('text', content);
        break;
      case 'BINARY':
        client.fromOrigin('binary', content);
        break;
      case 'PING':
        client.fromOrigin('ping', content);
        break;
      case 'PONG':
        client.fromOrigin('pong', content);
        break;
      case 'CLOSE':
        return { kind: 'close', ...decodeCloseContent(content) };
      case 'OPEN':
      case 'DISCONNECT':
        return { kind: 'disconnect' };
      default:
        break;
    }
  }
  return undefined;
}
