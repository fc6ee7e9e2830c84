/** Items on the bus: written once by the main process, whoever gets them. */
import { deserialize, serialize } from 'node:v8';
import type { Header } from '../../protocol/headers.js';
import type {
  Item,
  ItemFormats,
  PatchOperation,
  ResponseFormat,
  StreamFormat,
  WebSocketFormat,
  WebSocketMessageType,
} from '../../protocol/item.js';
import type { FramePayload, FrameWriter } from './frames.js';

const HAS_ID = 1;
const HAS_PREV_ID = 2;
const HAS_SIZE = 4;
const NO_SEQ = 8;
const HAS_META = 16;
const HAS_RESPONSE = 32;
const HAS_STREAM = 64;
const HAS_WEBSOCKET = 128;

const ACTIONS = ['send', 'hint', 'close', 'refresh'] as const;
const MESSAGE_TYPES: readonly WebSocketMessageType[] = ['text', 'binary', 'ping', 'pong'];
const NO_META: ReadonlyMap<string, string> = new Map();
/** What no body can be patched with. */
const IMPOSSIBLE: readonly PatchOperation[] = [{}];

export function writeItem(out: FrameWriter, item: Item): void {
  const { id, prevId, size, meta, noSeq } = item;
  const { response, stream, websocket } = item.formats;
  out.u8(
    (id === undefined ? 0 : HAS_ID) |
      (prevId === undefined ? 0 : HAS_PREV_ID) |
      (size === undefined ? 0 : HAS_SIZE) |
      (noSeq ? NO_SEQ : 0) |
      (meta.size === 0 ? 0 : HAS_META) |
      (response === undefined ? 0 : HAS_RESPONSE) |
      (stream === undefined ? 0 : HAS_STREAM) |
      (websocket === undefined ? 0 : HAS_WEBSOCKET),
  );
  out.text(item.channel);
  if (id !== undefined) out.text(id);
  if (prevId !== undefined) out.text(prevId);
  if (size !== undefined) out.number(size);
  if (meta.size > 0) writePairs(out, [...meta]);
  if (response !== undefined) writeResponse(out, response);
  if (stream !== undefined) writeStream(out, stream);
  if (websocket !== undefined) writeWebSocket(out, websocket);
}

/** Contents are views of the frame. */
export function readItem(from: FramePayload): Item {
  const flags = from.u8();
  const channel = from.text();
  const id = (flags & HAS_ID) !== 0 ? from.text() : undefined;
  const prevId = (flags & HAS_PREV_ID) !== 0 ? from.text() : undefined;
  const size = (flags & HAS_SIZE) !== 0 ? from.number() : undefined;
  const meta = (flags & HAS_META) !== 0 ? new Map(readPairs(from)) : NO_META;
  const formats: ItemFormats = {
    response: (flags & HAS_RESPONSE) !== 0 ? readResponse(from) : undefined,
    stream: (flags & HAS_STREAM) !== 0 ? readStream(from) : undefined,
    websocket: (flags & HAS_WEBSOCKET) !== 0 ? readWebSocket(from) : undefined,
  };
  return { channel, id, prevId, formats, meta, size, noSeq: (flags & NO_SEQ) !== 0 };
}

function writeAction(out: FrameWriter, { action }: { readonly action: (typeof ACTIONS)[number] }): void {
  out.u8(ACTIONS.indexOf(action));
}

function readAction(from: FramePayload): (typeof ACTIONS)[number] {
  return ACTIONS[from.u8()] ?? 'send';
}

function writeResponse(out: FrameWriter, format: ResponseFormat): void {
  writeAction(out, format);
  if (format.action !== 'send') return;
  const { code, reason, headers, body, patch, contentFilters } = format;
  out.u32(code);
  out.text(reason);
  writePairs(out, headers);
  writeFilters(out, contentFilters);
  out.u8(body === undefined ? 0 : 1);
  if (body !== undefined) out.raw(body);
  else out.raw(patchBytes(patch ?? []));
}

function readResponse(from: FramePayload): ResponseFormat {
  const action = readAction(from);
  if (action !== 'send') return { action };
  const code = from.u32();
  const reason = from.text();
  const headers = readPairs(from);
  const contentFilters = readFilters(from);
  if (from.u8() === 1) {
    return { action, code, reason, headers, body: from.raw(), patch: undefined, contentFilters };
  }
  const patch = deserialize(from.raw()) as PatchOperation[];
  return { action, code, reason, headers, body: undefined, patch, contentFilters };
}

/** A value that is nested too deeply to be written is nested too deeply to be applied: it fails at each hold, as it would. */
function patchBytes(patch: readonly PatchOperation[]): Buffer {
  try {
    return serialize(patch);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return serialize(IMPOSSIBLE);
  }
}

function writeStream(out: FrameWriter, format: StreamFormat): void {
  writeAction(out, format);
  if (format.action !== 'send') return;
  writeFilters(out, format.contentFilters);
  out.raw(format.content);
}

function readStream(from: FramePayload): StreamFormat {
  const action = readAction(from);
  if (action !== 'send') return { action };
  const contentFilters = readFilters(from);
  return { action, content: from.raw(), contentFilters };
}

function writeWebSocket(out: FrameWriter, format: WebSocketFormat): void {
  writeAction(out, format);
  if (format.action === 'close') {
    out.u32(format.code ?? 0);
    out.text(format.reason);
  } else if (format.action === 'send') {
    out.u8(MESSAGE_TYPES.indexOf(format.type));
    writeFilters(out, format.contentFilters);
    out.raw(format.content);
  }
}

function readWebSocket(from: FramePayload): WebSocketFormat {
  const action = readAction(from);
  if (action === 'close') {
    const code = from.u32();
    return { action, code: code === 0 ? undefined : code, reason: from.text() };
  }
  if (action !== 'send') return { action };
  const type = MESSAGE_TYPES[from.u8()] ?? 'text';
  const contentFilters = readFilters(from);
  return { action, type, content: from.raw(), contentFilters };
}

/** Names and values; header values are byte strings, which are text like any other here. */
function writePairs(out: FrameWriter, pairs: readonly (readonly [string, string])[]): void {
  out.u32(pairs.length);
  for (const [name, value] of pairs) {
    out.text(name);
    out.text(value);
  }
}

function readPairs(from: FramePayload): Header[] {
  const pairs: Header[] = [];
  for (let left = from.u32(); left > 0; left -= 1) pairs.push([from.text(), from.text()]);
  return pairs;
}

function writeFilters(out: FrameWriter, filters: readonly string[] | undefined): void {
  out.u8(filters === undefined ? 0 : 1);
  if (filters === undefined) return;
  out.u32(filters.length);
  for (const filter of filters) out.text(filter);
}

function readFilters(from: FramePayload): string[] | undefined {
  if (from.u8() === 0) return undefined;
  return Array.from({ length: from.u32() }, () => from.text());
}
