/**
 * Floods of what is small: each frame is good, and together they are a message that never ends. What they leave in memory
 * is bounded, and they end with 1008 or 1009 (RFC 6455 7.4.1, 10.4).
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { turnUntil } from '../support/deadline.js';
import { keptBytes } from '../support/memory.js';
import { ClientRunner } from './client-runner.js';
import { answerHandshake } from './hostile-origin.js';
import { bytesOf } from './notation.js';
import { OriginRunner } from './origin-runner.js';
import { turns, type Wire } from './wire.js';

const CLIENTS = 10;
/** What a WebSocket may keep: a message of the largest size, and as much again for thousands of pieces. */
const BOUND = 200_000 + 1_000_000;
const COMPRESSED = { settings: { websocket: { allowCompression: true } }, offer: 'permessage-deflate' };

/** Fewer pieces than are too many, and more. */
const FLOODS = [
  { what: 'pieces of one byte', first: 'binary-:x', more: 'cont-:x', terms: {} },
  { what: 'empty pieces', first: 'text-', more: 'cont-', terms: {} },
  {
    what: 'compressed pieces of one byte',
    first: 'binary-+1:{x},#0000ffff',
    more: 'cont-:{x},#0000ffff',
    terms: COMPRESSED,
  },
  { what: 'empty compressed pieces', first: 'binary-+1', more: 'cont-', terms: COMPRESSED },
  {
    what: 'compressed pieces of nothing',
    first: 'binary-+1:#00,#0000ffff',
    more: 'cont-:#00,#0000ffff',
    terms: COMPRESSED,
  },
];

describe.each(FLOODS)('a flood of $what', ({ first, more, terms }) => {
  let runner: ClientRunner;
  let wires: Wire[];

  beforeEach(async () => {
    runner = await ClientRunner.start(terms);
    wires = [];
    for (let count = 0; count < CLIENTS; count += 1) wires.push(await runner.open());
  });

  afterEach(async () => {
    for (const wire of wires) wire.destroy();
    await runner.stop();
  });

  it('below the limit keeps no more than its due', async () => {
    const before = keptBytes();
    const flood = bytesOf(`${first} ${more}^4000 ping:all-read`, 'client');
    for (const wire of wires) wire.socket.write(flood);
    for (const wire of wires) expect(await wire.frame()).toBe('ping:all-read');
    expect(keptBytes() - before).toBeLessThan(CLIENTS * BOUND);
    expect(runner.holdfast.counters.holds.ws).toBe(CLIENTS);
  });

  it('above the limit is ended with 1008, and nothing is left of it', async () => {
    const before = keptBytes();
    const flood = bytesOf(`${first} ${more}^5000`, 'client');
    for (const wire of wires) wire.socket.write(flood);
    for (const wire of wires) {
      expect(await wire.frame()).toBe('close:(1008)');
      await wire.untilClosed();
      wire.destroy();
    }
    const { counters } = runner.holdfast;
    await turnUntil('the end of all connections', () => counters.openConnections === 0);
    expect(counters.holds.ws).toBe(0);
    expect(keptBytes() - before).toBeLessThan(2_000_000);
  });
});

describe('a flood that inflates', () => {
  it('is ended with 1009 before it is there', async () => {
    const runner = await ClientRunner.start(COMPRESSED);
    const wires: Wire[] = [];
    for (let count = 0; count < CLIENTS; count += 1) wires.push(await runner.open());
    const before = keptBytes();
    // Fifty million bytes out of fifty thousand, from each of them.
    const bomb = bytesOf('binary+1:{#00*50000000}', 'client');
    for (const wire of wires) wire.socket.write(bomb);
    for (const wire of wires) {
      expect(await wire.frame()).toBe('close:(1009)');
      wire.destroy();
    }
    const { counters } = runner.holdfast;
    await turnUntil('the end of all connections', () => counters.openConnections === 0);
    expect(keptBytes() - before).toBeLessThan(2_000_000);
    await runner.stop();
  });

  it('in small pieces is ended with 1009 as soon as they are too much together', async () => {
    const runner = await ClientRunner.start(COMPRESSED);
    const wire = await runner.open();
    wire.socket.write(bytesOf('binary-+1:{x*1000},#0000ffff cont-:{x*1000},#0000ffff^300', 'client'));
    expect(await wire.frame()).toBe('close:(1009)');
    await runner.stop();
  });
});

describe('a message that comes byte by byte', () => {
  it('is ended with 1008 when the network has cut it into more parts than make sense', async () => {
    const runner = await ClientRunner.start();
    const wire = await runner.open();
    wire.socket.write(bytesOf('binary=150000', 'client'));
    const before = keptBytes();
    for (let count = 0; count < 20_000 && !wire.closed; count += 1) {
      wire.socket.write('x');
      // Each byte is read by itself.
      await turns(2);
    }
    expect(await wire.frame()).toBe('close:(1008)');
    expect(keptBytes() - before).toBeLessThan(BOUND);
    wire.destroy();
    await runner.stop();
  });
});

describe('an origin that floods', () => {
  let runner: OriginRunner;

  beforeEach(async () => {
    runner = await OriginRunner.start({ websocket: { maxRelayedMessageBytes: 200_000 } });
  });

  afterEach(() => runner.stop());

  it('with pieces of one byte below the limit keeps no more than its due', async () => {
    const pairs = [];
    for (let count = 0; count < CLIENTS; count += 1) pairs.push(await runner.open());
    const before = keptBytes();
    const flood = bytesOf('binary-:x cont-:x^4000 ping:all-read', 'server');
    for (const { origin } of pairs) origin.socket.write(flood);
    for (const { client } of pairs) expect(await client.frame()).toBe('ping:all-read');
    expect(keptBytes() - before).toBeLessThan(CLIENTS * BOUND);
    for (const { client, origin } of pairs) {
      client.destroy();
      origin.destroy();
    }
  });

  it('with pieces above the limit is ended with 1008, its client without a close', async () => {
    const { client, origin } = await runner.open();
    origin.socket.write(bytesOf('binary-:x cont-:x^5000', 'server'));
    expect(await origin.frame()).toBe('close:(1008)');
    await client.untilClosed();
    expect(client.rest).toBe('');
    origin.destroy();
  });

  it('behind its answer to the handshake is ended in the same way', async () => {
    const { client, origin } = await runner.knock();
    await answerHandshake(origin);
    origin.socket.write(bytesOf('binary-:x cont-:x^5000', 'server'));
    expect(await client.head()).toMatch(/^HTTP\/1\.1 101 /);
    expect(await origin.frame()).toBe('close:(1008)');
    await client.untilClosed();
    origin.destroy();
  });
});
