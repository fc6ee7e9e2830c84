/** Two thousand held streams on one channel and a thousand items: every byte at every client, in order. */
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Holdfast } from '../../src/index.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { Watch } from '../support/deadline.js';

const CLIENTS = 2_000;
const ITEMS = 1_000;
/** Items published in one turn of the event loop. */
const BATCH = 50;
const CHANNEL = 'fan-out';

const OPENING = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n' +
    '10\r\n[stream opened]\n\r\n',
);

function contentOf(index: number): string {
  return `item ${String(index).padStart(6, '0')}\n`;
}

/** Clients that compare what comes with what has to come, byte for byte, and keep nothing. */
class Crowd {
  private readonly sockets: Socket[] = [];
  private readonly watch = new Watch();
  private finished = 0;
  private opened = 0;
  private wrong: string | undefined = undefined;

  /** @param expected - everything that each client has to get */
  constructor(private readonly expected: Buffer) {}

  async join(port: number, count: number): Promise<void> {
    for (let start = 0; start < count; start += 200) {
      const upTo = Math.min(count, start + 200);
      for (let index = start; index < upTo; index += 1) this.add(port, index);
      await this.watch.until(`the opening of ${upTo} streams`, () => this.opened === upTo || this.wrong !== undefined);
      expect(this.wrong).toBeUndefined();
    }
  }

  async isComplete(): Promise<void> {
    const done = (): boolean => this.finished === this.sockets.length || this.wrong !== undefined;
    await this.watch.until('the last byte at every client', done, () => `; ${this.finished} clients have it`);
    expect(this.wrong).toBeUndefined();
    expect(this.finished).toBe(this.sockets.length);
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private add(port: number, index: number): void {
    const socket = connect({ host: '127.0.0.1', port });
    this.sockets.push(socket);
    let at = 0;
    socket.write(`GET /stream?channel=${CHANNEL} HTTP/1.1\r\nHost: a\r\n\r\n`);
    socket.on('data', (bytes: Buffer) => {
      const end = at + bytes.length;
      if (end > this.expected.length || !bytes.equals(this.expected.subarray(at, end))) {
        this.wrong ??= `client ${index} got ${JSON.stringify(bytes.toString().slice(0, 200))} at byte ${at}`;
      }
      if (at < OPENING.length && end >= OPENING.length) this.opened += 1;
      if (at < this.expected.length && end === this.expected.length) this.finished += 1;
      at = end;
      this.watch.changed();
    });
    socket.on('error', (error) => {
      this.wrong ??= `client ${index}: ${error.message}`;
      this.watch.changed();
    });
  }
}

describe('a fan-out', { timeout: 60_000 }, () => {
  const opened = new Opened();

  async function start() {
    const chunks = Array.from({ length: ITEMS }, (_, index) => {
      const content = contentOf(index);
      return Buffer.from(`${content.length.toString(16)}\r\n${content}\r\n`);
    });
    const holdfast = await opened.holdfast({ routes: ['* test'] });
    const crowd = opened.add(new Crowd(Buffer.concat([OPENING, ...chunks])), (one) => one.close());
    await crowd.join(clientPort(holdfast), CLIENTS);
    expect(holdfast.counters.holds.stream).toBe(CLIENTS);
    return { crowd, holdfast };
  }

  function itemOf(index: number): object {
    return { channel: CHANNEL, formats: { 'http-stream': { content: contentOf(index) } } };
  }

  function everythingArrived(holdfast: Holdfast): void {
    expect(holdfast.counters.delivered).toBe(CLIENTS * ITEMS);
    expect(Object.values(holdfast.counters.dropped).every((count) => count === 0)).toBe(true);
  }

  it('of a thousand items in many turns reaches two thousand streams complete and in order', async () => {
    const { crowd, holdfast } = await start();
    for (let index = 0; index < ITEMS; index += 1) {
      expect(holdfast.publish(itemOf(index))).toEqual({ kind: 'sent', receivers: CLIENTS });
      if (index % BATCH === BATCH - 1) await new Promise((resolve) => setImmediate(resolve));
    }
    await crowd.isComplete();
    everythingArrived(holdfast);
  });

  it('through the control port reaches them complete and in order too', async () => {
    const { crowd, holdfast } = await start();
    const uri = `${controlUri(holdfast)}/publish`;
    for (let index = 0; index < ITEMS; index += BATCH) {
      const items = Array.from({ length: BATCH }, (_, offset) => itemOf(index + offset));
      const answer = await fetch(uri, { method: 'POST', body: JSON.stringify({ items }) });
      expect(await answer.text()).toBe('Published\n');
    }
    await crowd.isComplete();
    everythingArrived(holdfast);
  });
});
