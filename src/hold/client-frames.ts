/**
 * Reads a client's WebSocket frames with the receiver of `ws`: whole messages, unmasked, UTF-8 checked, with limits on
 * size and on the number of pieces. Made when the first bytes come: an idle socket that never speaks costs none.
 */
import * as ws from 'ws';

/** What `ws` exports and its types leave out. */
interface Receiver extends NodeJS.WritableStream {
  on(event: 'message', listener: (content: Buffer, binary: boolean) => void): this;
  on(event: 'ping' | 'pong', listener: (content: Buffer) => void): this;
  on(event: 'conclude', listener: (code: number, reason: Buffer) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: 'drain', listener: () => void): this;
  removeAllListeners(): this;
}
interface ReceiverOptions {
  readonly isServer: boolean;
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly skipUTF8Validation: boolean;
  readonly allowSynchronousEvents: boolean;
}
const { Receiver: ReceiverClass } = ws as unknown as { Receiver: new (options: ReceiverOptions) => Receiver };

/** Pieces of one message, and pieces of it that may be waiting to be joined. */
const MAX_PIECES = 4_096;
/** Close code of a frame that had none (RFC 6455 7.4.1). */
const NO_STATUS = 1005;

export interface FrameHandler {
  onMessage(type: 'text' | 'binary', content: Buffer): void;
  onPing(content: Buffer): void;
  onPong(content: Buffer): void;
  /** `code` undefined when the frame had none. */
  onClose(code: number | undefined, reason: string): void;
  /** The client broke the protocol; `code` is the close code for it. */
  onViolation(code: number): void;
}

export class ClientFrames {
  private readonly receiver: Receiver;

  /** @param maxMessageBytes - size of one message, joined */
  constructor(maxMessageBytes: number, handler: FrameHandler) {
    const receiver = new ReceiverClass({
      isServer: true,
      maxPayload: maxMessageBytes,
      maxFragments: MAX_PIECES,
      maxBufferedChunks: MAX_PIECES,
      skipUTF8Validation: false,
      allowSynchronousEvents: true,
    });
    receiver.on('message', (content, binary) => handler.onMessage(binary ? 'binary' : 'text', content));
    receiver.on('ping', (content) => handler.onPing(content));
    receiver.on('pong', (content) => handler.onPong(content));
    receiver.on('conclude', (code, reason) =>
      handler.onClose(code === NO_STATUS ? undefined : code, reason.toString()),
    );
    receiver.on('error', (error) => handler.onViolation(closeCodeOf(error)));
    this.receiver = receiver;
  }

  /** Takes bytes from the socket. */
  read(bytes: Buffer): void {
    this.receiver.write(bytes);
  }

  /** Reads no more; later events are without effect. */
  stop(): void {
    this.receiver.removeAllListeners();
    this.receiver.on('error', () => {});
  }
}

/** `ws` puts the close code under a symbol of its own; the error code says the same. */
function closeCodeOf(error: Error & { code?: string }): number {
  switch (error.code) {
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
      return 1009;
    case 'WS_ERR_INVALID_UTF8':
      return 1007;
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return 1008;
    default:
      return 1002;
  }
}
