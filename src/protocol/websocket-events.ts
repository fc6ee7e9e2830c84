/**
 * The body of WebSocket-over-HTTP requests and answers, `application/websocket-events` (specification 10.1).
 *
 *     TYPE CRLF                           an event without content
 *     TYPE SP HEXSIZE CRLF CONTENT CRLF   an event with content
 */
import { HoldfastError } from '../errors/holdfast-error.js';

/** The types that have a meaning. */
export type WebSocketEventType = 'OPEN' | 'TEXT' | 'BINARY' | 'PING' | 'PONG' | 'CLOSE' | 'DISCONNECT';

/** One event. Types beyond the known ones are kept for the reader to ignore; missing content counts as empty. */
export interface WebSocketEvent {
  readonly type: WebSocketEventType | (string & Record<never, never>);
  readonly content: Buffer | undefined;
}

/** A close: `code` undefined means that none was given, and then there is no reason. */
export interface CloseContent {
  readonly code: number | undefined;
  readonly reason: string;
}

const CRLF = '\r\n';
const SIZE = /^(?:0[xX])?[0-9a-fA-F]{1,8}$/;
const MAX_SIZE = 0x7fffffff;

function invalid(what: string): HoldfastError {
  return new HoldfastError('HOLDFAST_EVENTS_INVALID', `malformed websocket-events: ${what}`);
}

function contentOf(event: WebSocketEvent): Buffer | undefined {
  const { type, content } = event;
  if (content === undefined || content.length === 0 || type === 'OPEN' || type === 'DISCONNECT') return undefined;
  return content;
}

function headOf(event: WebSocketEvent): string {
  const content = contentOf(event);
  return content === undefined ? event.type + CRLF : `${event.type} ${content.length.toString(16)}${CRLF}`;
}

/** Encodes events in order. Empty content is written as none, and OPEN and DISCONNECT never have any. */
export function encodeEvents(events: readonly WebSocketEvent[]): Buffer {
  let size = 0;
  for (const event of events) {
    const content = contentOf(event);
    size += Buffer.byteLength(headOf(event)) + (content === undefined ? 0 : content.length + CRLF.length);
  }
  const body = Buffer.allocUnsafe(size);
  let position = 0;
  for (const event of events) {
    position += body.write(headOf(event), position);
    const content = contentOf(event);
    if (content === undefined) continue;
    position += content.copy(body, position);
    position += body.write(CRLF, position, 'latin1');
  }
  return body;
}

/**
 * Decodes a whole body. Content that the body ends short of is taken as it is, and the two bytes behind content are
 * not looked at, as origins differ there. Contents are views of `body`.
 *
 * @throws HoldfastError HOLDFAST_EVENTS_INVALID when a type line has no end or a size is not hexadecimal
 */
export function decodeEvents(body: Buffer): WebSocketEvent[] {
  const events: WebSocketEvent[] = [];
  let position = 0;
  while (position < body.length) {
    const lineEnd = body.indexOf(CRLF, position, 'latin1');
    if (lineEnd === -1) throw invalid(`line at byte ${position} has no end`);
    const line = body.toString('utf8', position, lineEnd);
    const contentStart = lineEnd + CRLF.length;
    const space = line.indexOf(' ');
    if (space === -1) {
      events.push({ type: line, content: undefined });
      position = contentStart;
      continue;
    }
    const sizeText = line.slice(space + 1);
    const size = SIZE.test(sizeText) ? Number.parseInt(sizeText, 16) : Number.NaN;
    if (!(size <= MAX_SIZE)) throw invalid(`size of the event at byte ${position} is not a hexadecimal number`);
    const contentEnd = Math.min(contentStart + size, body.length);
    events.push({ type: line.slice(0, space), content: body.subarray(contentStart, contentEnd) });
    position = contentEnd + CRLF.length;
  }
  return events;
}

/**
 * Content of a CLOSE event: two bytes of code, then the reason as UTF-8.
 *
 * @returns undefined when there is no code, or none that two bytes can hold
 */
export function encodeCloseContent(code: number | undefined, reason: string): Buffer | undefined {
  if (code === undefined || !Number.isInteger(code) || code < 0 || code > 0xffff) return undefined;
  const content = Buffer.allocUnsafe(2 + Buffer.byteLength(reason));
  content.writeUInt16BE(code, 0);
  content.write(reason, 2);
  return content;
}

/** Reads the content of a CLOSE event; fewer than two bytes hold no code (specification 10.6). */
export function decodeCloseContent(content: Buffer | undefined): CloseContent {
  if (content === undefined || content.length < 2) return { code: undefined, reason: '' };
  return { code: content.readUInt16BE(0), reason: content.toString('utf8', 2) };
}
