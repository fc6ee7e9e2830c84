/** One publisher's connection to our own PULL socket: bytes into the session, answers out, and when it has to go. */
import type { Socket } from 'node:net';
import { HoldfastError } from '../errors/holdfast-error.js';
import { PullSession, type PullSessionHandler, type SkipReason } from '../protocol/zmtp/pull-session.js';
import { Timed, type Wheel } from '../time/wheel.js';

/** Milliseconds that a peer may take from connecting to READY, as with libzmq. */
const HANDSHAKE_TIME = 30_000;
/** Milliseconds of silence before TCP asks whether the publisher is still there. */
const TCP_KEEP_ALIVE = 60_000;
/** Bytes of answers that may wait for a peer that only sends. */
const MAX_UNREAD_BYTES = 65_536;

export interface ConnectionHandler {
  message(message: Buffer): void;
  skipped(reason: SkipReason): void;
  /** Everything that came in one read has been handed over. */
  readOver(): void;
  /** The handshake is over. Not called for a connection that closes before. */
  ready(connection: ZmtpConnection): void;
  /** The connection is being closed for what its peer did or did not do. @param what - fit to stand behind its address */
  refused(peer: string, what: string): void;
  /** Called once, last. */
  closed(connection: ZmtpConnection): void;
}

/** The timer it is started with is that of what is expected next: READY, or anything behind a PING. */
export class ZmtpConnection extends Timed implements PullSessionHandler {
  private readonly session: PullSession;
  private isReady = false;
  private paused = false;

  /**
   * @param maxMessageBytes - a larger message is skipped
   * @param name - of the peer, for the log, where its address does not tell
   */
  constructor(
    private readonly socket: Socket,
    maxMessageBytes: number,
    private readonly wheel: Wheel,
    private readonly handler: ConnectionHandler,
    private readonly name: string | undefined,
  ) {
    super();
    this.session = new PullSession(maxMessageBytes, this);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE);
    socket.on('data', (bytes: Buffer) => this.read(bytes));
    // A publisher that has sent its last message wants no answer any more.
    socket.on('end', () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.stop();
      handler.closed(this);
    });
    wheel.start(this, HANDSHAKE_TIME);
    this.session.begin();
  }

  /** Lets what the peer sends wait: first here, then there. */
  pause(): void {
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.paused = false;
    this.socket.resume();
  }

  /** Closes at once; what has been read is handed over, what has not is lost. */
  destroy(): void {
    this.stop();
    this.socket.destroy();
  }

  send(bytes: Buffer): void {
    if (this.socket.writableLength > MAX_UNREAD_BYTES) this.refuse('it does not read our answers');
    else this.socket.write(bytes);
  }

  ready(): void {
    this.isReady = true;
    this.wheel.stop(this);
    this.handler.ready(this);
  }

  message(message: Buffer): void {
    this.handler.message(message);
  }

  skipped(reason: SkipReason): void {
    this.handler.skipped(reason);
  }

  expectWithin(time: number): void {
    this.wheel.start(this, time);
  }

  onTime(): void {
    // What it has sent by now may be waiting here.
    if (this.paused) this.wheel.start(this, HANDSHAKE_TIME);
    else this.refuse(this.isReady ? 'it was silent for longer than it had said' : 'it sent no READY in time');
  }

  private read(bytes: Buffer): void {
    if (this.isReady) this.wheel.stop(this);
    // One write for all answers to one read.
    this.socket.cork();
    try {
      this.session.read(bytes);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.refuse(error.message);
    } finally {
      this.socket.uncork();
    }
    this.handler.readOver();
  }

  private refuse(what: string): void {
    this.handler.refused(this.peer(), what);
    this.stop();
    // A peer of the wrong type knows so from our READY: this goes out first, or it would connect again and again. Later
    // there may be answers that it does not take, and nothing waits for that.
    if (this.isReady) this.socket.destroy();
    else this.socket.destroySoon();
  }

  private stop(): void {
    this.session.stop();
    this.wheel.stop(this);
  }

  private peer(): string {
    const { remoteAddress = 'that has gone', remotePort = '' } = this.socket;
    return this.name ?? `${remoteAddress}:${remotePort}`;
  }
}
