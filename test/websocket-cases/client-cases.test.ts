/** How a client may use its WebSocket, and how it may not (RFC 6455, RFC 7692): a table of bytes and what comes of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { turnUntil } from '../support/deadline.js';
import { type ClientCase, countTable, type Group } from './case.js';
import { ClientRunner, type Terms } from './client-runner.js';
import { closing } from './tables/closing.js';
import { compressedAnswers, compressedLimits, compression } from './tables/compression.js';
import { opcodes, pings, reserved } from './tables/control.js';
import { fragments, limits } from './tables/fragments.js';
import { framing } from './tables/framing.js';
import { offers } from './tables/offers.js';
import { utf8 } from './tables/utf8.js';

const SMALL = { maxMessageBytes: 1_000 };
const COMPRESSED = { allowCompression: true, compressionThreshold: 1_000_000 };
const OFFER = 'permessage-deflate';

const GROUPS: readonly (Group<ClientCase> & Terms)[] = [
  { name: 'framing', rows: framing },
  { name: 'pings and pongs', rows: pings },
  { name: 'reserved bits', rows: reserved },
  { name: 'opcodes', rows: opcodes },
  { name: 'fragments', rows: fragments },
  { name: 'UTF-8', rows: utf8 },
  { name: 'closing', rows: closing },
  { name: 'limits', rows: limits, settings: { websocket: SMALL } },
  { name: 'compression', rows: compression, settings: { websocket: COMPRESSED }, offer: OFFER },
  {
    name: 'limits of compression',
    rows: compressedLimits,
    settings: { websocket: { ...COMPRESSED, ...SMALL } },
    offer: OFFER,
  },
  {
    name: 'compressed answers',
    rows: compressedAnswers,
    settings: { websocket: { allowCompression: true, compressionThreshold: 0 } },
    offer: OFFER,
  },
];

describe.each(GROUPS)('what a client says: $name', ({ rows, ...terms }) => {
  let runner: ClientRunner;

  beforeAll(async () => {
    runner = await ClientRunner.start(terms);
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

describe('what a client offers', () => {
  let runner: ClientRunner;

  beforeAll(async () => {
    runner = await ClientRunner.start({ settings: { websocket: { allowCompression: true } } });
  });

  afterAll(() => runner.stop());

  it.each(offers.map((row) => [row.name, row] as const))('%s', async (_name, { offer, expect: expected }) => {
    const { wire, head } = await runner.knock(offer);
    wire.destroy();
    const status = Number(head.split(' ')[1]);
    const answer = /^sec-websocket-extensions: (.*)\r$/im.exec(head)?.[1];
    if (expected === 'none or 400') {
      expect([status, answer]).toEqual([status === 400 ? 400 : 101, undefined]);
      return;
    }
    expect(status).toBe(101);
    if (expected === 'none') {
      expect(answer).toBeUndefined();
      return;
    }
    // Without a window on either side, what is published is compressed once for all.
    const wanted = ['permessage-deflate', 'server_no_context_takeover', 'client_no_context_takeover', expected];
    const said = answer?.split(';').map((part) => part.trim()) ?? [];
    expect(said).toEqual(expect.arrayContaining(wanted.filter((one) => one !== '')));
    // No more than was offered (RFC 7692 7.1.2): a client that names no window of its own is not told of one.
    if (!offer.includes('client_max_window_bits')) expect(answer).not.toContain('client_max_window_bits');
  });
});

const all = [...GROUPS, { name: 'offers', rows: offers }];

describe('the table', () => {
  it('has names of their own for all cases of a group', () => {
    for (const { name, rows } of all) {
      const names = rows.map((row) => row.name);
      expect([name, names.filter((one, at) => names.indexOf(one) !== at)]).toEqual([name, []]);
    }
  });

  afterAll(() => console.info(countTable('cases with the proxy as the server', all)));
});
