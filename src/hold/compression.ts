/**
 * Compressed messages to WebSocket clients that agreed on permessage-deflate (RFC 7692). Nobody keeps a window from one
 * message to the next, so what is published is compressed once for all clients with the same window.
 */
import { constants, deflateRawSync } from 'node:zlib';
import type { Encoding } from '../hub/publication.js';
import type { WebSocketMessageType } from '../protocol/item.js';
import { encodeFrame, WS_OPCODES } from '../protocol/websocket-frame.js';
import { frameEncoding } from './encodings.js';

/** What a flush leaves at the end of a message and RFC 7692 7.2.1 takes off. */
const TAIL_BYTES = 4;

export class Compression {
  private readonly encodings = new Map<number, Encoding>();

  /** @param threshold - bytes; shorter messages go out as they are */
  constructor(private readonly threshold: number) {}

  /** The frames of clients with this window; the same encoding for all of them. */
  encodingFor(bits: number): Encoding {
    const known = this.encodings.get(bits);
    if (known !== undefined) return known;
    const encoding: Encoding = {
      encode: (item) => {
        const { websocket } = item.formats;
        if (websocket?.action !== 'send' || websocket.contentFilters !== undefined) return frameEncoding.encode(item);
        return this.frame(websocket.type, websocket.content, bits);
      },
    };
    this.encodings.set(bits, encoding);
    return encoding;
  }

  /** One frame; pings and pongs are never compressed (RFC 7692, 6). */
  frame(type: WebSocketMessageType, content: Buffer, bits: number): Buffer {
    if (type === 'ping' || type === 'pong' || content.length < this.threshold) {
      return encodeFrame(WS_OPCODES[type], content);
    }
    const flushed = deflateRawSync(content, { windowBits: bits, finishFlush: constants.Z_SYNC_FLUSH });
    const compressed = flushed.subarray(0, flushed.length - TAIL_BYTES);
    if (compressed.length >= content.length) return encodeFrame(WS_OPCODES[type], content);
    return encodeFrame(WS_OPCODES[type], compressed, true, true);
  }
}
