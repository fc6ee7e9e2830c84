/**
 * What is said on a SockJS connection (specification 13): `o`, `h`, `a["…"]` and `c[code,"…"]` from the server, a JSON
 * array of texts from the client. SockJS knows texts only: binary content goes out as the UTF-8 it may be, pings and
 * pongs do not go out at all.
 */
import type { Encoding } from '../hub/publication.js';
import type { Item, WebSocketMessageType } from '../protocol/item.js';
import { readJson } from '../protocol/json-shape.js';
import { encodeFrame, WS_OPCODES } from '../protocol/websocket-frame.js';

export const OPEN_FRAME = 'o';
export const HEARTBEAT_FRAME = 'h';
/** Milliseconds. */
export const HEARTBEAT_INTERVAL = 25_000;

const NOTHING = Buffer.alloc(0);
const BRACKET = 0x5b;

/** The frame that ends a connection; without a code it says no more than that. */
export function closeFrame(code: number | undefined, reason: string): string {
  return code === undefined ? 'c[0,"Connection closed"]' : `c[${code},${JSON.stringify(reason)}]`;
}

/** One message as an element of an array, with a comma in front, so that several can be joined as they are. */
export function arrayElement(type: WebSocketMessageType, content: Buffer): Buffer {
  return isText(type) ? Buffer.from(`,${quoted(content)}`) : NOTHING;
}

/** The frame with these elements, at least one. */
export function arrayFrame(elements: readonly Buffer[]): Buffer {
  const frame = Buffer.concat([Buffer.from('a'), ...elements, Buffer.from(']')]);
  // In the place of the first element's comma.
  frame[1] = BRACKET;
  return frame;
}

/** One message as a WebSocket frame of its own. */
export function messageInFrame(type: WebSocketMessageType, content: Buffer): Buffer {
  return isText(type) ? inFrame(`a[${quoted(content)}]`) : NOTHING;
}

/** A SockJS frame as a WebSocket frame. */
export function inFrame(text: string): Buffer {
  return encodeFrame(WS_OPCODES.text, Buffer.from(text));
}

/** The WebSocket format for clients that poll: an element of an array. */
export const elementEncoding: Encoding = { encode: (item) => encodeWith(item, arrayElement) };

/** The WebSocket format for clients with a WebSocket that carries SockJS frames. */
export const framedEncoding: Encoding = { encode: (item) => encodeWith(item, messageInFrame) };

/** The messages of a JSON array of texts; undefined when it is none. */
export function readMessages(payload: Buffer): Buffer[] | undefined {
  const reading = readJson(payload);
  if (reading.kind !== 'value' || !Array.isArray(reading.value)) return undefined;
  const messages: Buffer[] = [];
  for (const message of reading.value as unknown[]) {
    if (typeof message !== 'string') return undefined;
    messages.push(Buffer.from(message));
  }
  return messages;
}

function isText(type: WebSocketMessageType): boolean {
  return type === 'text' || type === 'binary';
}

function quoted(content: Buffer): string {
  return JSON.stringify(content.toString());
}

function encodeWith(
  { formats: { websocket } }: Item,
  encode: (type: WebSocketMessageType, content: Buffer) => Buffer,
): Buffer | undefined {
  if (websocket === undefined) return NOTHING;
  if (websocket.action !== 'send' || websocket.contentFilters !== undefined) return undefined;
  return encode(websocket.type, websocket.content);
}
