/** How an origin may speak WebSocket, and how it may not (RFC 6455): a table of bytes, and what both sides see of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeepPartial, Settings } from '../../src/index.js';
import { turnUntil } from '../support/deadline.js';
import { countTable } from './case.js';
import { answerHandshake } from './hostile-origin.js';
import { OriginRunner } from './origin-runner.js';
import { deflateHandshakes, type HandshakeCase, handshakes } from './tables/handshakes.js';
import { originGroups } from './tables/origin.js';

describe.each(originGroups)('what an origin says: $name', ({ rows, settings, more = [] }) => {
  let runner: OriginRunner;

  beforeAll(async () => {
    runner = await OriginRunner.start(settings, ...more);
  });

  afterAll(() => runner.stop());

  it.each(rows.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    const { seen, expected } = await runner.run(row);
    expect(seen).toEqual(expected);
  });

  it('leaves nothing behind', async () => {
    const { counters } = runner.holdfast;
    await turnUntil('the end of all connections', () => counters.holds.ws + counters.openConnections === 0);
  });
});

const ANSWERS: readonly { name: string; rows: readonly HandshakeCase[]; settings?: DeepPartial<Settings> }[] = [
  { name: 'handshakes', rows: handshakes },
  { name: 'answers to an offer', rows: deflateHandshakes, settings: { websocket: { allowCompression: true } } },
];

describe.each(ANSWERS)('what an origin answers: $name', ({ rows, settings }) => {
  let runner: OriginRunner;

  beforeAll(async () => {
    runner = await OriginRunner.start(settings);
  });

  afterAll(() => runner.stop());

  it.each(rows.map((row) => [row.name, row] as const))('%s', async (_name, { answer, status }) => {
    const { client, origin } = await runner.knock();
    await answerHandshake(origin, answer);
    origin.socket.end();
    expect(Number((await client.head()).split(' ')[1])).toBe(status);
    // Whatever became of it, the proxy does not keep the connection to this origin.
    await origin.untilClosed();
    client.destroy();
    origin.destroy();
  });

  it('is asked with what a handshake needs', async () => {
    const { client, origin } = await runner.knock();
    const head = await answerHandshake(origin);
    expect(head).toMatch(/^GET \/chat HTTP\/1\.1\r\n/);
    for (const line of ['Host: example.com', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'])
      expect(head).toContain(`\r\n${line}\r\n`);
    // Sixteen bytes of its own, not the client's (4.1).
    expect(head).toMatch(/\r\nSec-WebSocket-Key: [A-Za-z0-9+/]{22}==\r\n/);
    expect(head).not.toContain('dGhlIHNhbXBsZSBub25jZQ==');
    client.destroy();
    await origin.untilClosed();
    origin.destroy();
  });
});

const all = [...originGroups, ...ANSWERS];

describe('the table', () => {
  it('has names of their own for all cases of a group', () => {
    for (const { name, rows } of all) {
      const names = rows.map((row) => row.name);
      expect([name, names.filter((one, at) => names.indexOf(one) !== at)]).toEqual([name, []]);
    }
  });

  afterAll(() => console.info(countTable('cases with a hostile origin', all)));
});
