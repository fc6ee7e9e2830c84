/** How plain items become bytes, once for all holds of a kind (`hub` keeps the result beside the item). */
import type { Encoding } from '../hub/publication.js';
import { encodeFrame, WS_OPCODES } from '../protocol/websocket-frame.js';
import type { BodyFraming } from './client-connection.js';

const NOTHING = Buffer.alloc(0);

/** One HTTP/1.1 chunk; no bytes for no content, because an empty chunk would end the body. */
export function encodeChunk(content: Buffer): Buffer {
  if (content.length === 0) return NOTHING;
  const size = `${content.length.toString(16)}\r\n`;
  const end = size.length + content.length;
  const chunk = Buffer.allocUnsafe(end + 2);
  chunk.write(size, 0, 'latin1');
  chunk.set(content, size.length);
  chunk[end] = 0x0d;
  chunk[end + 1] = 0x0a;
  return chunk;
}

/** The stream format as it is: for bodies that end with the connection. */
const raw: Encoding = {
  encode({ formats: { stream } }) {
    if (stream === undefined) return NOTHING;
    if (stream.action !== 'send' || stream.contentFilters !== undefined) return undefined;
    return stream.content;
  },
};

/** The stream format as one chunk. */
const chunked: Encoding = {
  encode(item) {
    const content = raw.encode(item);
    return content === undefined ? undefined : encodeChunk(content);
  },
};

/** A HEAD request that is held: nothing is ever sent, but actions still count. */
const none: Encoding = {
  encode(item) {
    return raw.encode(item) === undefined ? undefined : NOTHING;
  },
};

export const STREAM_ENCODINGS: Readonly<Record<BodyFraming, Encoding>> = { chunked, 'until-close': raw, none };

/** The WebSocket format as one unmasked frame. */
export const frameEncoding: Encoding = {
  encode({ formats: { websocket } }) {
    if (websocket === undefined) return NOTHING;
    if (websocket.action !== 'send' || websocket.contentFilters !== undefined) return undefined;
    return encodeFrame(WS_OPCODES[websocket.type], websocket.content);
  },
};
