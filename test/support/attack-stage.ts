/**
 * What every attack is made against: a Holdfast with a recording origin behind it, and a neighbour who holds a stream
 * on a connection of its own and must not notice anything.
 */
import { createConnection } from 'node:net';
import { expect } from 'vitest';
import type { Holdfast, HoldfastOptions } from '../../src/index.js';
import { clientPort, type Opened } from './closing.js';
import { within } from './deadline.js';
import type { RawClient } from './raw-client.js';
import { RawOrigin, streamHold } from './raw-origin.js';

export const INVALID_TOKEN = early('Failed to parse request: invalid token');
export const INVALID_LENGTH = early('Failed to parse request: invalid content length');
export const ORIGIN_ERROR =
  'HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: 32\r\n\r\nError while proxying to origin.\n';

/** The whole answer to what is refused before it is a request. */
export function early(text: string, version = '1.0', status = '400 Bad Request'): string {
  return `HTTP/${version} ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${text.length + 1}\r\n\r\n${text}\n`;
}

/** The answer of the recording origin's `OK`, as it reaches a client. */
export const OK_ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A whole chunk of a stream. */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

/** What a client that holds a stream of `streamHold` sees at first. */
export const STREAM_OPENED = `HTTP/1.1 200 OK\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n${chunk('open\n')}`;

/** How a connection ended, and everything that came on it. */
export interface Ended {
  readonly text: string;
  /** `fin`: closed in order; `reset`: broken off. */
  readonly how: 'fin' | 'reset';
}

export class AttackStage {
  private spoken = 0;

  private constructor(
    readonly holdfast: Holdfast,
    readonly origin: RawOrigin,
    readonly port: number,
    private readonly neighbour: RawClient,
    private readonly opened: Opened,
  ) {}

  /** @param options - `routes` are lines in which `ORIGIN` stands for the recording origin */
  static async start(opened: Opened, options: HoldfastOptions = {}): Promise<AttackStage> {
    const origin = opened.add(await RawOrigin.start(), (one) => one.stop());
    origin.reply('/neighbour', streamHold('neighbour'));
    const routes = (options.routes ?? ['* ORIGIN']).map((line) => line.replaceAll('ORIGIN', origin.target));
    const holdfast = await opened.holdfast({ ...options, routes });
    const port = clientPort(holdfast);
    const neighbour = await opened.get(port, '/neighbour');
    await neighbour.readUntil(chunk('open\n'));
    return new AttackStage(holdfast, origin, port, neighbour, opened);
  }

  client(): Promise<RawClient> {
    return this.opened.client(this.port);
  }

  /** A client that holds a stream of the channel `news`. @param behind - sent in one packet with its request */
  async stream(behind = ''): Promise<RawClient> {
    this.origin.reply('/stream', streamHold('news'));
    const client = await this.client();
    client.write(`GET /stream HTTP/1.1\r\nHost: example.com\r\n\r\n${behind}`);
    expect(await client.readAsLongAs(STREAM_OPENED)).toBe(STREAM_OPENED);
    return client;
  }

  /** Sends bytes on a new connection and resolves with everything that comes until the proxy ends it. */
  async untilEnd(bytes: string | Buffer): Promise<Ended> {
    return within('the end of the connection', conversation(this.port, bytes));
  }

  /** Requests other than the neighbour's that reached the origin, as `METHOD target`. */
  get forwarded(): string[] {
    return this.origin.requests
      .filter(({ target }) => target !== '/neighbour')
      .map(({ method, target }) => `${method} ${target}`);
  }

  /** Publishes to a stream. */
  say(channel: string, text: string): void {
    this.holdfast.publish({ channel, formats: { 'http-stream': { content: text } } });
  }

  /** Publishes the end of a stream. */
  endStream(channel: string): void {
    this.holdfast.publish({ channel, formats: { 'http-stream': { action: 'close' } } });
  }

  /** Publishes an answer to those who wait for one. */
  answerPoll(channel: string, body: string): void {
    this.holdfast.publish({ channel, formats: { 'http-response': { body } } });
  }

  /** The neighbour's stream carries exactly the next item, and new clients are served: the process is well. */
  async undisturbed(): Promise<void> {
    this.spoken += 1;
    const line = `still here ${this.spoken}\n`;
    this.say('neighbour', line);
    expect(await this.neighbour.readAsLongAs(chunk(line))).toBe(chunk(line));
    const other = await this.client();
    other.write('GET /neighbourly HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n');
    const answer = await other.readAnswer();
    expect([answer.status, answer.body.toString()]).toEqual([200, 'ok']);
    other.close();
    const at = this.origin.requests.findIndex(({ target }) => target === '/neighbourly');
    this.origin.requests.splice(at, 1);
  }

  /** Resolves when only the neighbour is still connected. */
  async onlyNeighbourLeft(): Promise<void> {
    const { counters } = this.holdfast;
    // Closing is told by no event: each turn of the loop brings it nearer.
    const left = async (): Promise<void> => {
      while (counters.openConnections > 1) await new Promise((resolve) => setImmediate(resolve));
    };
    await within('the end of all connections but the neighbour’s', left());
  }
}

function conversation(port: number, bytes: string | Buffer): Promise<Ended> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    let text = '';
    socket.on('data', (some) => {
      text += some.toString('latin1');
    });
    socket.on('end', () => resolve({ text, how: 'fin' }));
    socket.on('error', () => resolve({ text, how: 'reset' }));
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  });
}
