/**
 * Close frames that the proxy makes itself: every byte in them is one that was given. An odd reason, by its length or its
 * type, must neither break the frame nor bring bytes of other people's memory to a client (RFC 6455 5.5.1, 8.1).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/index.js';
import { clientPort, Opened } from '../support/closing.js';
import { EventsOrigin } from '../support/events-origin.js';
import { HANDSHAKE } from '../support/websocket-client.js';
import { ClientRunner } from './client-runner.js';
import { bytesOf, wordsOf } from './notation.js';
import { Wire } from './wire.js';

/** Reasons around the 123 bytes there is room for, with characters of all lengths at the end; and what is left of them. */
const REASONS: readonly (readonly [what: string, reason: string, left: string])[] = [
  ['nothing', '', ''],
  ['one byte', 'r', 'r'],
  ['122 bytes', 'r'.repeat(122), 'r'.repeat(122)],
  ['123 bytes', 'r'.repeat(123), 'r'.repeat(123)],
  ['124 bytes', 'r'.repeat(124), 'r'.repeat(123)],
  ['100,000 bytes', 'r'.repeat(100_000), 'r'.repeat(123)],
  ['two bytes too many behind 122', `${'r'.repeat(122)}ß`, 'r'.repeat(122)],
  ['two bytes that just fit', `${'r'.repeat(121)}ß`, `${'r'.repeat(121)}ß`],
  ['three bytes of which two fit', `${'r'.repeat(121)}€`, 'r'.repeat(121)],
  ['three bytes of which one fits', `${'r'.repeat(122)}€`, 'r'.repeat(122)],
  ['four bytes of which three fit', `${'r'.repeat(120)}😀`, 'r'.repeat(120)],
  ['four bytes that just fit', `${'r'.repeat(119)}😀`, `${'r'.repeat(119)}😀`],
  ['nothing but long characters', '€'.repeat(60), '€'.repeat(41)],
  ['half of a pair of surrogates', 'a\ud83d', 'a\ufffd'],
  ['the wrong half first', '\ude00\ud83d', '\ufffd\ufffd'],
  ['zero bytes', 'a\u0000b', 'a\u0000b'],
  ['line breaks', 'a\r\nb', 'a\r\nb'],
];

/** What is no text, though some of it has a length. */
const NO_TEXTS: readonly unknown[] = [
  0,
  100,
  -1,
  1e9,
  true,
  ['a', 'b'],
  Array(100).fill(0),
  {},
  { length: 100 },
  { type: 'Buffer', data: [1, 2, 3] },
  { byteLength: 60, length: 3 },
];

/** Codes that no frame may carry (RFC 6455 7.4). */
const UNSENT_CODES = [1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535];

describe('a close that is published', () => {
  let runner: ClientRunner;

  beforeAll(async () => {
    runner = await ClientRunner.start();
  });

  afterAll(() => runner.stop());

  function publish(code: number, reason: unknown): void {
    const close = { action: 'close', code, reason };
    runner.holdfast.publish({ channel: 'test', formats: { 'ws-message': close } });
  }

  it.each(REASONS)('carries a reason of %s', async (_what, reason, left) => {
    const wire = await runner.open();
    publish(4_000, reason);
    expect(await wire.frame()).toBe(closeWord(4_000, left));
    expect(wire.rest).toBe('');
    wire.destroy();
  });

  it.each(NO_TEXTS.map((reason) => [JSON.stringify(reason).slice(0, 40), reason]))(
    'is refused with a reason that is no text: %s',
    async (_what, reason) => {
      const wire = await runner.open();
      expect(() => publish(4_000, reason)).toThrow(HoldfastError);
      publish(4_001, 'after it');
      expect(await wire.frame()).toBe(closeWord(4_001, 'after it'));
      wire.destroy();
    },
  );

  it.each(UNSENT_CODES)('is none or an ordinary one when the code is %i', async (code) => {
    const wire = await runner.open();
    publish(code, 'bye');
    expect(['close', 'close:(1000)', 'close:(1000),bye']).toContain(await wire.frame());
    expect(wire.rest).toBe('');
    wire.destroy();
  });
});

describe('a close of an origin over HTTP', () => {
  const opened = new Opened();

  /** Contents of CLOSE events, in the notation, and the frame the client sees. */
  const rows: readonly (readonly [content: string, word: string])[] = [
    ['', 'close'],
    ['#03', 'close'],
    ['(4000)', 'close:(4000)'],
    ['(4000),bye', 'close:(4000),bye'],
    ['(4000),r*123', 'close:(4000),r*123'],
    ['(4000),r*124', 'close:(4000),r*123'],
    ['(4000),r*60000', 'close:(4000),r*123'],
    ['(4000),r*122,€', 'close:(4000),r*122'],
    ['(4000),€*60', 'close:(4000),€*41'],
    ['(4000),a,#ff,b', 'close:(4000),a\ufffdb'],
    ['(4000),#e282', 'close:(4000),\ufffd'],
    ['(4000),#00', 'close:(4000),#00'],
    ...UNSENT_CODES.map((code) => [`(${code}),bye`, 'close'] as const),
  ];

  it.each(rows)('with the content %s', async (content, word) => {
    const bytes = bytesOf(`text!:${content}`, 'client');
    const size = bytes.length < 128 ? 2 : bytes.length < 65_540 ? 4 : 10;
    const close = Buffer.concat([
      Buffer.from(`CLOSE ${(bytes.length - size).toString(16)}\r\n`),
      bytes.subarray(size),
      Buffer.from('\r\n'),
    ]);
    const origin = opened.add(await EventsOrigin.start((request) => request.answer(['OPEN', close])), (one) =>
      one.stop(),
    );
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target},over_http`] });
    const wire = opened.add(await Wire.connect(clientPort(holdfast)), (one) => one.destroy());
    wire.socket.write(['GET /chat HTTP/1.1', 'Host: example.com', ...HANDSHAKE, '', ''].join('\r\n'));
    await wire.head();
    expect(await wire.frame()).toBe(wordsOf(word, 'server')[0]);
    expect(wire.rest).toBe('');
    wire.socket.write(bytesOf('close:(1000)', 'client'));
    await wire.untilClosed();
  });
});

/** The word of a close frame with this reason. */
function closeWord(code: number, reason: string): string {
  const bytes = Buffer.from(reason).toString('hex');
  return wordsOf(bytes === '' ? `close:(${code})` : `close:(${code}),#${bytes}`, 'server')[0] ?? '';
}
