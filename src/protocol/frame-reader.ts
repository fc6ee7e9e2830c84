/**
 * Reads WebSocket frames with the receiver of `ws`: whole messages, UTF-8 checked, with limits on size and on the number
 * of pieces; inflated where compression was agreed on (RFC 6455, 7692). To be made when the first bytes come: an idle
 * connection that never speaks costs none.
 */
import * as ws from 'ws';

/** What `ws` exports and its types leave out. */
interface Receiver extends NodeJS.WritableStream {
  on(event: 'message', listener: (content: Buffer, binary: boolean) => void): this;
  on(event: 'ping' | 'pong', listener: (content: Buffer) => void): this;
  on(event: 'conclude', listener: (code: number, reason: Buffer) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: 'drain' | 'finish', listener: () => void): this;
  removeAllListeners(): this;
  readonly destroyed: boolean;
}
interface ReceiverOptions {
  readonly isServer: boolean;
  readonly maxPayload: number;
  readonly maxFragments: number;
  readonly maxBufferedChunks: number;
  readonly skipUTF8Validation: boolean;
  readonly allowSynchronousEvents: boolean;
  readonly extensions?: Readonly<Record<string, Inflater>>;
}
interface Inflater {
  accept(agreed: Record<string, (string | boolean)[]>[]): unknown;
  cleanup(): void;
}
const { Receiver: ReceiverClass, PerMessageDeflate } = ws as unknown as {
  Receiver: new (options: ReceiverOptions) => Receiver;
  PerMessageDeflate: new (options: { readonly isServer: boolean; readonly maxPayload: number }) => Inflater;
};

/** What a receiver keeps of a message whose end has not come. */
interface Pieces extends Receiver {
  readonly _fin: boolean;
  readonly _fragments: Buffer[];
  dataMessage(done: unknown): void;
}

/**
 * A receiver that keeps a small piece of a message as a copy: `ws` keeps it as a part of the read it came in, and pieces of
 * one byte would each hold on to a whole read, past every limit.
 */
class FrugalReceiver extends (ReceiverClass as unknown as new (options: ReceiverOptions) => Pieces) {
  override dataMessage(done: unknown): void {
    const last = this._fin ? undefined : this._fragments.at(-1);
    if (last !== undefined && last.length * 2 < last.buffer.byteLength) {
      const own = Buffer.allocUnsafeSlow(last.length);
      last.copy(own);
      this._fragments[this._fragments.length - 1] = own;
    }
    super.dataMessage(done);
  }
}

/** Pieces of one message, and pieces of it that may be waiting to be joined, at least. */
const MIN_PIECES = 4_096;
/** Bytes that a piece of a large message may be expected to have: half of what a network carries at once. */
const PIECE = 512;
/** Close code of a frame that had none (RFC 6455 7.4.1). */
const NO_STATUS = 1005;

export interface FrameHandler {
  onMessage(type: 'text' | 'binary', content: Buffer): void;
  onPing(content: Buffer): void;
  onPong(content: Buffer): void;
  /** `code` undefined when the frame had none. */
  onClose(code: number | undefined, reason: string): void;
  /** The sender broke the protocol; `code` is the close code for it. */
  onViolation(code: number): void;
  /** More bytes may be read, after `read` returned false. */
  onFramesDrained?(): void;
}

/** How the sender compresses: each message by itself. */
export interface InflateTerms {
  /** Bits of its window, 8 to 15. */
  readonly bits: number;
}

export interface FrameReaderOptions {
  /** Clients mask their frames, origins must not. */
  readonly sender: 'client' | 'origin';
  /** Size of one message in bytes, joined and inflated. */
  readonly maxMessageBytes: number;
  /** Undefined: messages may not be compressed. */
  readonly inflate?: InflateTerms | undefined;
}

export class FrameReader {
  private readonly receiver: Receiver;
  private readonly inflater: Inflater | undefined;

  constructor(options: FrameReaderOptions, handler: FrameHandler) {
    const { sender, maxMessageBytes } = options;
    this.inflater = inflaterFor(options);
    const pieces = Math.max(MIN_PIECES, Math.ceil(maxMessageBytes / PIECE));
    const receiver = new FrugalReceiver({
      isServer: sender === 'client',
      maxPayload: maxMessageBytes,
      maxFragments: pieces,
      maxBufferedChunks: pieces,
      skipUTF8Validation: false,
      allowSynchronousEvents: true,
      ...(this.inflater === undefined ? {} : { extensions: { 'permessage-deflate': this.inflater } }),
    });
    receiver.on('drain', () => handler.onFramesDrained?.());
    receiver.on('message', (content, binary) => handler.onMessage(binary ? 'binary' : 'text', content));
    receiver.on('ping', (content) => handler.onPing(content));
    receiver.on('pong', (content) => handler.onPong(content));
    receiver.on('conclude', (code, reason) =>
      handler.onClose(code === NO_STATUS ? undefined : code, reason.toString()),
    );
    receiver.on('error', (error) => handler.onViolation(closeCodeOf(error)));
    this.receiver = receiver;
  }

  /** Takes bytes from the socket. False: a message is being inflated, and no more may come until `onFramesDrained`. */
  read(bytes: Buffer): boolean {
    return this.receiver.write(bytes);
  }

  /** Reads no more; later events are without effect. */
  stop(): void {
    const { receiver, inflater } = this;
    receiver.removeAllListeners();
    receiver.on('error', () => inflater?.cleanup());
    if (inflater === undefined) return;
    // What is being inflated has to come to its end first: it has a place in a queue that all share.
    receiver.on('finish', () => inflater.cleanup());
    if (receiver.destroyed) inflater.cleanup();
    else receiver.end();
  }
}

function inflaterFor({ sender, maxMessageBytes, inflate }: FrameReaderOptions): Inflater | undefined {
  if (inflate === undefined) return undefined;
  const isServer = sender === 'client';
  const inflater = new PerMessageDeflate({ isServer, maxPayload: maxMessageBytes });
  const side = isServer ? 'client' : 'server';
  inflater.accept([
    {
      [`${side}_max_window_bits`]: [String(inflate.bits)],
      [`${side}_no_context_takeover`]: [true],
    },
  ]);
  return inflater;
}

/** `ws` puts the close code under a symbol of its own; the error code says the same. */
function closeCodeOf(error: Error & { code?: string }): number {
  switch (error.code) {
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
      return 1009;
    case 'WS_ERR_INVALID_UTF8':
    case 'Z_DATA_ERROR':
    case 'Z_BUF_ERROR':
      return 1007;
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return 1008;
    default:
      return 1002;
  }
}
