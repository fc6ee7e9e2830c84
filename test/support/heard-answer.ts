/** What each HTTP client of ours hears of an origin's answer, given as bytes: for tests that compare the clients. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { HttpOrigin } from '../../src/backend/http-origin.js';
import type { Failure } from '../../src/backend/verdict.js';
import type { Target } from '../../src/routes/route.js';
import { systemClock } from '../../src/time/clock.js';
import { Wheel } from '../../src/time/wheel.js';
import { turnUntil } from './deadline.js';
import { CLIENT_LIMITS, type OriginClientName } from './origin-clients.js';
import { originRequest, target } from './origin-requests.js';
import { cutAt } from './pieces.js';
import { RecordingReceiver } from './recording-receiver.js';

export interface Answering {
  /** One character for each byte. */
  readonly bytes: string;
  /** Where the bytes are cut into packets. */
  readonly cuts?: readonly number[];
  readonly method?: string;
  /** What the origin does behind its last byte; default `keep`. */
  readonly after?: 'keep' | 'end' | 'reset';
}

/** What the receiver was told. */
export interface Heard {
  readonly head: RecordingReceiver['first'];
  readonly body: string;
  readonly outcome: 'end' | Failure['kind'];
  /** Whether the connection is kept for another request. */
  readonly kept: boolean;
}

/** An origin that answers its next request with given bytes, and one client in front of it. */
export class AnswerStage {
  private answering: Answering = { bytes: '' };
  private readonly sockets = new Set<Socket>();
  private readonly wheel = new Wheel(systemClock);
  private readonly origin: HttpOrigin;
  private readonly target: Target;

  private constructor(
    client: OriginClientName,
    private readonly server: Server,
  ) {
    this.target = target(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    this.origin = new HttpOrigin({ client, wheel: this.wheel, ...CLIENT_LIMITS, maxIdle: 1 });
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('data', () => this.answer(socket));
    });
  }

  static async start(client: OriginClientName): Promise<AnswerStage> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new AnswerStage(client, server);
  }

  /** One exchange, and what was heard of it. */
  async hear(answering: Answering): Promise<Heard> {
    this.answering = answering;
    const receiver = new RecordingReceiver();
    const { method = 'GET', after } = answering;
    this.origin.send(originRequest({ method }), this.target, receiver);
    await receiver.over();
    // A connection that is not kept is ended within a few turns, whoever is the client.
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const kept = this.origin.idleConnections > 0;
    // The next exchange is to be on a new one, or its beginning would be the end of this one.
    for (const socket of this.sockets) socket.resetAndDestroy();
    await turnUntil('the end of the connection', () => this.origin.idleConnections === 0);
    const { first, body, failure } = receiver;
    return { head: first, body, outcome: failure?.kind ?? 'end', kept: after === undefined && kept };
  }

  async stop(): Promise<void> {
    await this.origin.close(0);
    this.wheel.close();
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private answer(socket: Socket): void {
    const { bytes, cuts = [], after = 'keep' } = this.answering;
    const pieces = cutAt(Buffer.from(bytes, 'latin1'), cuts);
    const next = (index: number): void => {
      const piece = pieces[index];
      if (piece !== undefined) socket.write(piece, () => setImmediate(next, index + 1));
      else if (after === 'end') socket.end();
      else if (after === 'reset') socket.resetAndDestroy();
    };
    next(0);
  }
}
