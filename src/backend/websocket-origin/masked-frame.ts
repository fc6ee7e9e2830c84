/** WebSocket frames from us to an origin, which are masked with random keys (RFC 6455 5.3). */
import * as ws from 'ws';
import { joinedBytes } from '../../protocol/joined-bytes.js';
import { encodeCloseFrame, WS_OPCODES } from '../../protocol/websocket-frame.js';

interface FrameOptions {
  readonly fin: boolean;
  readonly opcode: number;
  readonly rsv1: boolean;
  readonly mask: boolean;
  /** The payload is somebody else's and is not masked where it is. */
  readonly readOnly: boolean;
}

/** What `ws` exports and its types leave out. */
const { Sender } = ws as unknown as { Sender: { frame(payload: Buffer, options: FrameOptions): Buffer[] } };

/** Bytes of a frame's head when it is short and has no mask. */
const SHORT_HEAD = 2;

/** A whole message, or a control frame. */
export function maskedFrame(type: Exclude<keyof typeof WS_OPCODES, 'continuation'>, payload: Buffer): Buffer {
  const options = { fin: true, opcode: WS_OPCODES[type], rsv1: false, mask: true, readOnly: true };
  return joinedBytes(Sender.frame(payload, options));
}

/** A close frame; what no frame may carry is left out or cut as in one to a client. */
export function maskedCloseFrame(code: number | undefined, reason: string): Buffer {
  return maskedFrame('close', encodeCloseFrame(code, reason).subarray(SHORT_HEAD));
}
