/**
 * Our side of one ZMTP 3 connection from a PUSH socket, as a state machine over bytes (RFC 23, RFC 37; mechanism NULL;
 * PUSH and PULL as in RFC 30).
 *
 *     greeting ──64 bytes──► handshake ──READY of a PUSH──► traffic        any ──fault──► over
 *
 * Only messages of one part are of use: nothing is kept of the parts of others, nor of a message that is too large.
 */
import { encodePong, encodeReady, readCommand, readMetadata, readPing } from './commands.js';
import { zmtpFault } from './fault.js';
import { COMMAND, FrameDecoder, type FrameTaker, MORE } from './frames.js';
import { GREETING, GreetingReader } from './greeting.js';

/** Bytes of a command. READY with an identity and a few properties has less than 600. */
const MAX_COMMAND_BYTES = 8_192;
/** A frame that claims more is not passed by: whoever sends it will not come to its end. */
const MAX_FRAME_BYTES = 2_147_483_647;
/** Parts of a message that is passed by; more are taken for a message without end. */
const MAX_PARTS = 100_000;

const READY = encodeReady(new Map([['Socket-Type', 'PULL']]));

/** Why a message was passed by: it has several parts, or one that is too large. */
export type SkipReason = 'parts' | 'size';

export interface PullSessionHandler {
  /** Bytes for the peer. */
  send(bytes: Buffer): void;
  /** The handshake is over. */
  ready(): void;
  /** @param message - may be a view of the bytes that were read */
  message(message: Buffer): void;
  skipped(reason: SkipReason): void;
  /** The peer means to send something within this time, in milliseconds. Called after its PING is answered. */
  expectWithin(time: number): void;
}

export class PullSession implements FrameTaker {
  private state: 'greeting' | 'handshake' | 'traffic' | 'over' = 'greeting';
  private readonly greeting = new GreetingReader();
  private readonly decoder = new FrameDecoder(this);
  /** Parts of the message under way that have begun. */
  private parts = 0;

  /** @param maxMessageBytes - a larger message is passed by */
  constructor(
    private readonly maxMessageBytes: number,
    private readonly handler: PullSessionHandler,
  ) {}

  /** Sends the greeting, to be called first: a peer may wait for it. */
  begin(): void {
    this.handler.send(GREETING);
  }

  /**
   * Takes the next bytes of the peer, and calls the handler for what is complete.
   * @throws HoldfastError HOLDFAST_ZMTP_INVALID; the session is over, and the connection is to be closed
   */
  read(bytes: Buffer): void {
    try {
      if (this.state === 'greeting') {
        const used = this.greeting.read(bytes);
        if (!this.greeting.complete) return;
        this.state = 'handshake';
        this.handler.send(READY);
        this.decoder.read(bytes.subarray(used));
      } else if (this.state !== 'over') {
        this.decoder.read(bytes);
      }
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** Ends it: nothing is handed on any more. */
  stop(): void {
    this.state = 'over';
    this.decoder.stop();
  }

  head(flags: number, length: number): boolean {
    if ((flags & COMMAND) !== 0) {
      if ((flags & MORE) !== 0) throw zmtpFault('it sent a command of several parts');
      if (length > MAX_COMMAND_BYTES) throw zmtpFault(`it sent a command of ${length} bytes`);
      return true;
    }
    if (this.state !== 'traffic') throw zmtpFault('it sent a message before READY');
    if (length > MAX_FRAME_BYTES) throw zmtpFault(`it sent a frame of ${length} bytes`);
    if (this.parts === MAX_PARTS) throw zmtpFault(`it sent a message of more than ${MAX_PARTS} parts`);
    this.parts += 1;
    return this.parts === 1 && (flags & MORE) === 0 && length <= this.maxMessageBytes;
  }

  frame(flags: number, body: Buffer | undefined): void {
    if ((flags & COMMAND) !== 0) {
      if (body !== undefined) this.command(body);
      return;
    }
    if ((flags & MORE) !== 0) return;
    const { parts } = this;
    this.parts = 0;
    if (parts > 1) this.handler.skipped('parts');
    else if (body === undefined) this.handler.skipped('size');
    else this.handler.message(body);
  }

  private command(body: Buffer): void {
    const { name, data } = readCommand(body);
    if (this.state === 'handshake') {
      this.handshake(name, data);
    } else if (name === 'PING') {
      const { timeToLive, context } = readPing(data);
      this.handler.send(encodePong(context));
      if (timeToLive > 0) this.handler.expectWithin(timeToLive);
    }
    // Others may come with a later minor version, and mean nothing to us.
  }

  private handshake(name: string, data: Buffer): void {
    if (name === 'ERROR') throw zmtpFault(`it refused us: ${reasonIn(data)}`);
    if (name !== 'READY') throw zmtpFault('it sent another command before READY');
    const type = readMetadata(data).get('socket-type')?.toString('latin1');
    if (type !== 'PUSH') throw zmtpFault(`it is ${type === undefined ? 'no socket' : JSON.stringify(type)}, not PUSH`);
    this.state = 'traffic';
    this.handler.ready();
  }
}

/** The reason in an ERROR command, fit for a log line. */
function reasonIn(data: Buffer): string {
  return JSON.stringify(data.toString('latin1', 1, 1 + (data[0] ?? 0)));
}
