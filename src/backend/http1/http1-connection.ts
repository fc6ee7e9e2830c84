/**
 * A connection to an origin on a socket of our own.
 *
 *     unused ──send──► waiting ──connected, its turn has come──► busy ──answer read to its end──► unused …
 *        └──────────────────┴─ the origin hangs up, or says what nobody asked for ─┴──────────► over
 *
 * One timer, which is not touched with each byte: it looks at what has happened when it fires. Listeners are shared by all
 * connections, and an exchange allocates nothing here but its bytes and the head of its answer.
 */
import type { Socket } from 'node:net';
import type { ResponseHead } from '../../protocol/http1/response-head.js';
import { Timed, type Wheel } from '../../time/wheel.js';
import { hearOut } from '../hear-out.js';
import type { OriginConnection, OriginConnectionOptions, OriginExchange } from '../origin-connection.js';
import { asError, ConnectionLostError, OriginSilentError } from '../origin-failure.js';
import type { OriginServer } from '../origin-server.js';
import type { OriginRequest } from '../verdict.js';
import { AnswerReader, type AnswerSink } from './answer-reader.js';
import { BodyFeed, type StreamedBody } from './body-feed.js';
import { requestHead } from './request-head.js';
import { kReading, type Reading, type ReadSocket } from './shared-read.js';
import { leavesAtOnce, writeWhole } from './whole-request.js';
import type { WriteTurn } from './write-turn.js';

/** Milliseconds before an origin closes an unused connection at which we do: a request may be on its way that long. */
const HINT_MARGIN = 2_000;

export interface Http1ConnectionOptions extends OriginConnectionOptions {
  readonly wheel: Wheel;
  readonly turn: WriteTurn;
}

/** A socket that knows whose it is, so that listeners need no closures. */
interface OwnSocket extends ReadSocket {
  [kReading]?: Http1Connection;
}

export class Http1Connection extends Timed implements OriginConnection, AnswerSink, Reading {
  private state: 'unused' | 'waiting' | 'busy' | 'over' = 'unused';
  private socket: Socket | undefined = undefined;
  private exchange: OriginExchange | undefined = undefined;
  private request: OriginRequest | undefined = undefined;
  private head = '';
  private feed: BodyFeed | undefined = undefined;
  private readonly reader: AnswerReader;
  private requests = 0;
  /** Whether another request may follow the answer that is read, and for how many milliseconds it is waited for. */
  private persistent = false;
  private keepAlive = 0;
  /** Whether a head has come, so that what is missing is the origin's to send. */
  private answered = false;
  /** The receiver wants no more for now. */
  private full = false;
  private paused = false;
  private hearsOut = false;
  /** Clock time of what happened last, in milliseconds. */
  private since = 0;

  constructor(
    private readonly server: OriginServer,
    private readonly options: Http1ConnectionOptions,
    private readonly lost: (connection: OriginConnection) => void,
  ) {
    super();
    this.reader = new AnswerReader(options.maxHeadBytes, this);
  }

  get reused(): boolean {
    return this.requests > 1;
  }

  get used(): boolean {
    return this.requests > 0;
  }

  send(request: OriginRequest, exchange: OriginExchange): void {
    this.head = requestHead(request);
    this.request = request;
    this.exchange = exchange;
    this.state = 'waiting';
    if (this.socket === undefined) this.server.connect((result) => this.connected(result));
    else this.options.turn.add(this);
  }

  resume(): void {
    this.full = false;
    if (!this.paused) return;
    this.paused = false;
    this.happened();
    this.socket?.resume();
  }

  async destroy(): Promise<void> {
    this.end();
    const { socket } = this;
    if (socket === undefined || socket.closed) return;
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.destroy();
    });
  }

  /** Writes the request that waits. */
  write(): void {
    const { socket, request, exchange, head } = this;
    if (this.state !== 'waiting' || socket === undefined || request === undefined) return;
    const { method, body } = request;
    this.state = 'busy';
    this.request = undefined;
    this.head = '';
    this.requests += 1;
    this.answered = false;
    this.happened();
    this.watch(this.options.idleTimeout);
    this.reader.expect(method);
    exchange?.requestStarts();
    if (!Buffer.isBuffer(body)) {
      this.feedBody(socket, head, method, body);
    } else {
      if (!leavesAtOnce(body)) this.hearAnswerOut(socket);
      writeWhole(socket, head, method, body);
    }
  }

  answerBegins(): void {
    this.exchange?.answerBegins();
  }

  answerHead(head: ResponseHead): void {
    const { keepAlive } = this.options;
    this.answered = true;
    this.keepAlive =
      head.keepAlive === undefined ? keepAlive : Math.min(head.keepAlive * 1_000 - HINT_MARGIN, keepAlive);
    this.persistent = head.persistent && this.keepAlive > 0;
    this.exchange?.head(head.code, head.reason, head.headers);
  }

  answerData(piece: Buffer): void {
    if (this.exchange?.data(Buffer.from(piece)) === false) this.full = true;
  }

  received(bytes: Buffer): boolean {
    if (this.state !== 'busy') {
      this.broken(new ConnectionLostError('the origin sent what nobody asked for'));
      return false;
    }
    try {
      this.happened();
      this.full = false;
      const over = this.reader.read(bytes);
      // The receiver may have called it off.
      if (this.state !== 'busy') return false;
      if (over) this.answerIsRead();
      this.paused = !over && this.full;
    } catch (error) {
      // What a receiver does wrong costs its own exchange, and not those of all others.
      this.broken(asError(error));
    }
    return !this.paused;
  }

  /** The origin has ended the connection in order. */
  hungUp(): void {
    if (this.state === 'busy' && this.reader.endsWithConnection) {
      this.persistent = false;
      this.answerEnds();
    } else {
      this.broken(new ConnectionLostError('the origin closed the connection'));
    }
  }

  /** The connection is no more. */
  broken(error: Error): void {
    if (this.state === 'unused') this.lost(this);
    else this.fail(error);
  }

  /** The origin has taken all that was written. */
  drained(): void {
    this.feed?.drain();
  }

  onTime(): void {
    const { idleTimeout, wheel } = this.options;
    if (this.state === 'waiting' || this.waitsForUs()) this.happened();
    const limit = this.state === 'unused' ? this.keepAlive : idleTimeout;
    const left = this.since + limit - wheel.clock.now();
    if (left > 0) wheel.start(this, left);
    else if (this.state === 'unused') this.lost(this);
    else this.fail(new OriginSilentError());
  }

  private connected(result: Socket | Error): void {
    if (result instanceof Error) {
      this.fail(result);
      return;
    }
    if (this.state !== 'waiting') {
      result.destroy();
      return;
    }
    const own: OwnSocket = result;
    own[kReading] = this;
    this.socket = own;
    own.on('end', onEnd).on('error', onError).on('close', onClose).on('drain', onDrain);
    this.write();
  }

  private feedBody(socket: Socket, head: string, method: string, body: StreamedBody): void {
    this.hearAnswerOut(socket);
    const feed = new BodyFeed(socket, head, method, body, () => this.happened());
    this.feed = feed;
    feed.run().then(
      () => {
        if (this.feed === feed) this.feed = undefined;
      },
      (error: unknown) => {
        if (this.feed === feed) this.fail(asError(error));
      },
    );
  }

  private hearAnswerOut(socket: Socket): void {
    if (this.hearsOut) return;
    this.hearsOut = true;
    hearOut(socket);
  }

  private answerIsRead(): void {
    const { fault } = this.reader;
    if (fault === undefined) this.answerEnds();
    else this.fail(new Error(fault));
  }

  private answerEnds(): void {
    const { exchange } = this;
    // Half a request in front of the next one would be the end of both.
    const reusable = this.persistent && this.feed === undefined && !this.reader.excess;
    this.exchange = undefined;
    if (reusable) {
      this.state = 'unused';
      this.watch(this.keepAlive);
    } else {
      this.end();
    }
    exchange?.ended(reusable);
  }

  private fail(error: Error): void {
    const { exchange } = this;
    this.end();
    exchange?.failed(error);
  }

  private end(): void {
    this.state = 'over';
    this.exchange = undefined;
    this.request = undefined;
    this.options.wheel.stop(this);
    this.feed?.stop();
    this.feed = undefined;
  }

  /** Whether the silence is not the origin's: we take nothing, or the client has not sent all of its body. */
  private waitsForUs(): boolean {
    return this.paused || (this.state === 'busy' && !this.answered && this.feed !== undefined && !this.feed.blocked);
  }

  private happened(): void {
    this.since = this.options.wheel.clock.now();
  }

  /** Sees to it that the timer fires when `limit` milliseconds have gone by, or before. */
  private watch(limit: number): void {
    const { wheel } = this.options;
    if (this.due === 0 || this.due > this.since + limit) wheel.start(this, limit);
  }
}

function onEnd(this: OwnSocket): void {
  this[kReading]?.hungUp();
}

function onError(this: OwnSocket, error: Error): void {
  this[kReading]?.broken(error);
}

function onClose(this: OwnSocket): void {
  this[kReading]?.broken(new ConnectionLostError('the connection to the origin was closed'));
}

function onDrain(this: OwnSocket): void {
  this[kReading]?.drained();
}
