/** What each HTTP client of ours hears of an origin's answer, given as bytes: for tests that compare the clients. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { HttpOrigin } from '../../src/backend/http-origin.js';
import type { AnswerReceiver, Failure } from '../../src/backend/verdict.js';
import type { HeaderList } from '../../src/protocol/headers.js';
import type { Target } from '../../src/routes/route.js';
import { parseTarget } from '../../src/routes/targets.js';
import { tokenizeLine } from '../../src/routes/tokenizer.js';
import { systemClock } from '../../src/time/clock.js';
import { Wheel } from '../../src/time/wheel.js';
import { Watch } from './deadline.js';
import type { OriginClientName } from './origin-clients.js';
import { cutAt } from './pieces.js';

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
  readonly head: { readonly code: number; readonly reason: string; readonly headers: HeaderList } | undefined;
  readonly body: string;
  readonly outcome: 'end' | Failure['kind'];
  /** Whether the connection is kept for another request. */
  readonly kept: boolean;
}

export function target(text: string): Target {
  const [section] = tokenizeLine(text);
  if (section === undefined) throw new Error('no target');
  return parseTarget(section, () => '');
}

class Listening implements AnswerReceiver {
  first: Heard['head'] = undefined;
  body = '';
  outcome: Heard['outcome'] | undefined = undefined;
  private readonly watch = new Watch();

  head(code: number, reason: string, headers: HeaderList): void {
    if (this.first !== undefined || this.outcome !== undefined) throw new Error('a head out of turn');
    this.first = { code, reason, headers };
  }

  data(piece: Buffer): boolean {
    if (this.first === undefined || this.outcome !== undefined) throw new Error('a piece out of turn');
    this.body += piece.toString('latin1');
    return true;
  }

  end(): void {
    this.over('end');
  }

  failed(failure: Failure): void {
    this.over(failure.kind);
  }

  async heard(): Promise<Heard['outcome']> {
    await this.watch.until('the end of the call', () => this.outcome !== undefined);
    return this.outcome ?? 'other';
  }

  private over(outcome: Heard['outcome']): void {
    if (this.outcome !== undefined) throw new Error('a second end');
    this.outcome = outcome;
    this.watch.changed();
  }
}

/** An origin that answers its next request with given bytes, and one client in front of it. */
export class AnswerStage {
  private answering: Answering = { bytes: '' };
  private readonly sockets = new Set<Socket>();
  private readonly wheel = new Wheel(systemClock);
  private readonly origin: HttpOrigin;
  private target: Target | undefined = undefined;

  private constructor(
    client: OriginClientName,
    private readonly server: Server,
    idleTimeout: number,
  ) {
    const { wheel } = this;
    this.origin = new HttpOrigin({
      client,
      wheel,
      connectTimeout: 5,
      idleTimeout,
      keepAlive: 60,
      maxHeadBytes: 8_192,
      maxIdle: 1,
    });
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('data', () => this.answer(socket));
    });
  }

  /** @param idleTimeout - seconds of silence after which the client gives up */
  static async start(client: OriginClientName, idleTimeout = 60): Promise<AnswerStage> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const stage = new AnswerStage(client, server, idleTimeout);
    stage.target = target(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    return stage;
  }

  /** One exchange, and what was heard of it. */
  async hear(answering: Answering): Promise<Heard> {
    this.answering = answering;
    const listening = new Listening();
    const { method = 'GET' } = answering;
    const request = { method, scheme: 'http' as const, authority: 'a', path: '/', headers: [], body: Buffer.alloc(0) };
    if (this.target === undefined) throw new Error('unreachable');
    this.origin.send(request, this.target, listening);
    const outcome = await listening.heard();
    // A connection that is not kept is ended within a few turns, whoever is the client.
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const kept = this.origin.idleConnections > 0;
    // The next exchange is to be on a new one, or its beginning would be the end of this one.
    for (const socket of this.sockets) socket.resetAndDestroy();
    while (this.origin.idleConnections > 0) await new Promise((resolve) => setImmediate(resolve));
    const { first, body } = listening;
    return { head: first, body, outcome, kept: answering.after === undefined && kept };
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
