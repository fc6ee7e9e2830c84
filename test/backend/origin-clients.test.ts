/**
 * The answers of origins as bytes, and what both HTTP clients make of them: the same, but for what stands at the end of
 * this file. What our own client hears does not depend on the packets the bytes came in.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answering, AnswerStage, type Heard } from '../support/heard-answer.js';
import { ORIGIN_CLIENTS, type OriginClientName } from '../support/origin-clients.js';

const stages = new Map<OriginClientName, AnswerStage>();

beforeAll(async () => {
  for (const client of ORIGIN_CLIENTS) stages.set(client, await AnswerStage.start(client));
});

afterAll(async () => {
  for (const stage of stages.values()) await stage.stop();
});

async function heard(client: OriginClientName, answering: Answering): Promise<Heard> {
  const stage = stages.get(client);
  if (stage === undefined) throw new Error('unreachable');
  return stage.hear(answering);
}

/** `200 ok, kept`, `200 ok`, `200 half, broken`, `nothing`. */
function summary({ head, body, outcome, kept }: Heard): string {
  if (head === undefined) return outcome === 'other' ? 'nothing' : outcome;
  return `${head.code} ${body}${outcome === 'end' ? '' : ', broken'}${kept ? ', kept' : ''}`;
}

const byteByByte = ({ bytes }: Answering): readonly number[] => Array.from(bytes, (_, index) => index);

const LENGTH = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const END = { after: 'end' } as const;
const RESET = { after: 'reset' } as const;
const HEAD = { method: 'HEAD' } as const;

type Row = readonly [what: string, bytes: string, expected: string, how?: Partial<Answering>];

const WHOLE: readonly Row[] = [
  ['a body with a length', `${LENGTH}\r\nok`, '200 ok, kept'],
  ['a length with zeros in front', 'HTTP/1.1 200 OK\r\nContent-Length: 0002\r\n\r\nok', '200 ok, kept'],
  ['an empty body', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', '200 , kept'],
  ['a body in chunks', `${CHUNKED}1\r\no\r\n1;x="y"\r\nk\r\n0\r\n\r\n`, '200 ok, kept'],
  ['a coding in capitals', `${CHUNKED.replace('chunked', 'Chunked')}2\r\nok\r\n0\r\n\r\n`, '200 ok, kept'],
  ['trailers', `${CHUNKED}2\r\nok\r\n0\r\nX-A: 1\r\nTransfer-Encoding: gzip\r\n\r\n`, '200 ok, kept'],
  ['no reason', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', '200 ok, kept'],
  ['an empty reason', 'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok', '200 ok, kept'],
  ['a code that nobody knows', 'HTTP/1.1 999 Denied\r\nContent-Length: 2\r\n\r\nok', '999 ok, kept'],
  ['empty lines in front', `\r\n\r\n${LENGTH}\r\nok`, '200 ok, kept'],
  ['an interim answer in front', `HTTP/1.1 103 Early\r\nContent-Length: 9\r\n\r\n${LENGTH}\r\nok`, '200 ok, kept'],
  [
    'an interim answer with a coding',
    `HTTP/1.1 103 E\r\nTransfer-Encoding: gzip\r\n\r\n${LENGTH}\r\nok`,
    '200 ok, kept',
  ],
  [
    'an interim answer of HTTP/1.0 that lasts',
    `HTTP/1.0 103 E\r\nConnection: keep-alive\r\n\r\n${LENGTH}\r\nok`,
    '200 ok, kept',
  ],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', '204 , kept'],
  ['304', 'HTTP/1.1 304 Not Modified\r\n\r\n', '304 , kept'],
  ['304 that announces nothing', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n', '304 , kept'],
  ['HTTP/1.0 that lasts', `${LENGTH.replace('1.1', '1.0')}Connection: keep-alive\r\n\r\nok`, '200 ok, kept'],
  ['an origin that waits for five seconds', `${LENGTH}Keep-Alive: timeout=5, max=9\r\n\r\nok`, '200 ok, kept'],
];

const LAST: readonly Row[] = [
  ['a body until the end', 'HTTP/1.1 200 OK\r\n\r\nok', '200 ok', END],
  ['an empty body until the end', 'HTTP/1.1 200 OK\r\n\r\n', '200 ', END],
  ['a body with a length, and the end', `${LENGTH}\r\nok`, '200 ok', END],
  ['a body in chunks, and the end', `${CHUNKED}2\r\nok\r\n0\r\n\r\n`, '200 ok', END],
  ['Connection: close', `${LENGTH}Connection: close\r\n\r\nok`, '200 ok'],
  ['close among other words', `${LENGTH}Connection: x, Close\r\n\r\nok`, '200 ok'],
  ['HTTP/1.0', `${LENGTH.replace('1.1', '1.0')}\r\nok`, '200 ok'],
  ['another version', `${LENGTH.replace('1.1', '2.0')}\r\nok`, '200 ok'],
  ['an origin that waits for two seconds', `${LENGTH}Keep-Alive: timeout=2\r\n\r\nok`, '200 ok'],
  ['304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n', '304 '],
  ['204 with a body', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok', '204 '],
  ['HEAD', `${LENGTH}\r\n`, '200 ', HEAD],
  ['HEAD with chunks announced', CHUNKED, '200 ', HEAD],
  ['HEAD with a body', `${LENGTH}\r\nok`, '200 ', HEAD],
  ['a second answer that nobody asked for', `${LENGTH}\r\nok${LENGTH}\r\nno`, '200 ok'],
  ['an interim answer behind it', `${LENGTH}\r\nokHTTP/1.1 100 Continue\r\n\r\n`, '200 ok'],
  ['something else behind it', `${LENGTH}\r\nok!`, '200 ok'],
  ['something else behind the chunks', `${CHUNKED}2\r\nok\r\n0\r\n\r\n!`, '200 ok'],
];

const BROKEN: readonly Row[] = [
  ['a body that is cut off', `${LENGTH}\r\no`, '200 o, broken', END],
  ['a body that is reset', `${LENGTH}\r\no`, '200 o, broken', RESET],
  ['chunks that are cut off', `${CHUNKED}2\r\nok\r\n`, '200 ok, broken', END],
  ['chunks that are cut off before their last line', `${CHUNKED}2\r\nok\r\n0\r\n`, '200 ok, broken', END],
  ['a chunk without its end', `${CHUNKED}2\r\nok0\r\n\r\n`, '200 ok, broken'],
  ['a chunk whose size is none', `${CHUNKED}2\r\nok\r\nx\r\n`, '200 ok, broken'],
  ['a chunk whose size has a sign', `${CHUNKED}2\r\nok\r\n+2\r\nok\r\n`, '200 ok, broken'],
  ['a chunk whose size ends with LF', `${CHUNKED}2\r\nok\r\n2\nok\r\n`, '200 ok, broken'],
  ['a blank behind a size', `${CHUNKED}2\r\nok\r\n2 \r\nok\r\n`, '200 ok, broken'],
  ['a size that cannot be counted', `${CHUNKED}2\r\nok\r\n${'f'.repeat(17)}\r\n`, '200 ok, broken'],
  ['a length among the trailers', `${CHUNKED}2\r\nok\r\n0\r\nContent-Length: 2\r\n\r\n`, '200 ok, broken'],
  ['a trailer that is none', `${CHUNKED}2\r\nok\r\n0\r\nX\r\n\r\n`, '200 ok, broken'],
  ['trailers without end', `${CHUNKED}2\r\nok\r\n0\r\n${`X: ${'y'.repeat(98)}\r\n`.repeat(90)}`, '200 ok, broken'],
];

const NOTHING: readonly Row[] = [
  ['no byte', '', 'nothing', END],
  ['half a head', 'HTTP/1.1 200 OK\r\nX-A', 'nothing', END],
  ['an interim answer alone', 'HTTP/1.1 100 Continue\r\n\r\n', 'nothing', END],
  ['an interim answer of HTTP/1.0', `HTTP/1.0 100 Continue\r\n\r\n${LENGTH}\r\nok`, 'nothing', END],
  ['an interim answer of another version', `HTTP/2.0 103 Early\r\n\r\n${LENGTH}\r\nok`, 'nothing', END],
  ['an interim answer that closes', `HTTP/1.1 103 E\r\nConnection: close\r\n\r\n${LENGTH}\r\nok`, 'nothing', END],
  ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n', 'nothing'],
  ['no HTTP', 'ICY 200 OK\r\n\r\n', 'nothing'],
  ['small letters', 'http/1.1 200 OK\r\n\r\n', 'nothing'],
  ['a version that there is not', 'HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok', 'nothing'],
  ['a version with more digits', 'HTTP/1.10 200 OK\r\nContent-Length: 2\r\n\r\nok', 'nothing'],
  ['two blanks before the code', 'HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok', 'nothing'],
  ['a code of two digits', 'HTTP/1.1 20 OK\r\n\r\n', 'nothing'],
  ['a code of four digits', 'HTTP/1.1 2000 OK\r\n\r\n', 'nothing'],
  ['101', 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 'nothing'],
  ['lines that end with LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', 'nothing'],
  ['a status line that ends with LF', 'HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok', 'nothing'],
  ['a header that ends with LF', 'HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\r\nok', 'nothing'],
  ['a CR in a header', 'HTTP/1.1 200 OK\r\nX: a\rY: b\r\nContent-Length: 2\r\n\r\nok', 'nothing'],
  ['a NUL in a header', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok', 'nothing'],
  ['a control in a name', 'HTTP/1.1 200 OK\r\nX\x01: a\r\nContent-Length: 2\r\n\r\nok', 'nothing'],
  ['a blank before a colon', 'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok', 'nothing'],
  ['a blank before a name', 'HTTP/1.1 200 OK\r\n Content-Length: 2\r\n\r\nok', 'nothing'],
  ['a folded header', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok', 'nothing'],
  ['a header without a colon', 'HTTP/1.1 200 OK\r\nX\r\nContent-Length: 2\r\n\r\nok', 'nothing'],
  ['a header without a name', 'HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 2\r\n\r\nok', 'nothing'],
  ['two lengths', `${LENGTH}Content-Length: 2\r\n\r\nok`, 'nothing'],
  ['two lengths in one line', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok', 'nothing'],
  ['a length with a sign', 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok', 'nothing'],
  ['an empty length', 'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok', 'nothing'],
  ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok', 'nothing'],
  ['a length that cannot be counted', `HTTP/1.1 200 OK\r\nContent-Length: ${'9'.repeat(30)}\r\n\r\nok`, 'nothing'],
  ['a length and a coding', `${LENGTH}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, 'nothing'],
  ['the same without a body', `HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n`, 'nothing'],
  ['another coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok', 'nothing', END],
  ['another coding before chunks', CHUNKED.replace('chunked', 'gzip, chunked'), 'nothing'],
  ['another coding behind chunks', CHUNKED.replace('chunked', 'chunked, gzip'), 'nothing', END],
  ['a coding of an answer without a body', 'HTTP/1.1 204 No\r\nTransfer-Encoding: gzip\r\n\r\n', 'nothing'],
  ['a head that is too large', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(8_200)}\r\nContent-Length: 2\r\n\r\nok`, 'nothing'],
];

const GROUPS: readonly (readonly [what: string, rows: readonly Row[]])[] = [
  ['is passed on, and another request may follow', WHOLE],
  ['is passed on, and is the last on its connection', LAST],
  ['is passed on as far as it goes, and is broken', BROKEN],
  ['is none', NOTHING],
];

describe.each(GROUPS)('an answer that %s', (_what, rows) => {
  const cases = rows.map(([what, bytes, expected, how]): readonly [string, Answering, string] => [
    what,
    { bytes, ...how },
    expected,
  ]);

  it.each(cases)('for both clients: %s', async (_row, answering, expected) => {
    for (const client of ORIGIN_CLIENTS) expect(summary(await heard(client, answering)), client).toBe(expected);
  });

  it.each(cases.filter(([, { bytes }]) => bytes.length < 200))(
    'in whatever packets it comes: %s',
    async (_row, answering, expected) => {
      const inBytes = await heard('holdfast', { ...answering, cuts: byteByByte(answering) });
      // What comes behind an answer comes too late to be seen with its end.
      expect(summary(inBytes).replace(', kept', '')).toBe(expected.replace(', kept', ''));
    },
  );
});

describe('the head of an answer', () => {
  it('is the same for both clients, name by name and byte by byte', async () => {
    const bytes =
      'HTTP/1.1 200 All Right\r\nX-B: 1\r\nSet-Cookie: a\r\nx-a:\t\xe9\xff\r\nset-cookie: b\r\nEmpty:\r\nContent-Length: 0\r\n\r\n';
    const [ours, theirs] = await Promise.all(ORIGIN_CLIENTS.map((client) => heard(client, { bytes })));
    expect(ours).toEqual(theirs);
    expect(ours?.head?.headers).toEqual([
      ['X-B', '1'],
      ['Set-Cookie', 'a'],
      ['x-a', '\xe9\xff'],
      ['set-cookie', 'b'],
      ['Empty', ''],
      ['Content-Length', '0'],
    ]);
  });
});

describe('what our own client does not hear as undici does', () => {
  const differences: readonly (readonly [what: string, bytes: string, ours: string, theirs: string])[] = [
    [
      'a control in the reason is no answer',
      'HTTP/1.1 200 a\x01b\r\nContent-Length: 2\r\n\r\nok',
      'nothing',
      '200 ok, kept',
    ],
    [
      'a coding in two lines is no answer',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      'nothing',
      '200 ok, kept',
    ],
    [
      'a blank behind a coding means nothing',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked \r\n\r\n2\r\nok\r\n0\r\n\r\n',
      '200 ok, kept',
      'nothing',
    ],
    [
      'the extension of a chunk is not looked into',
      `${CHUNKED}2;=;\r\nok\r\n0\r\n\r\n`,
      '200 ok, kept',
      '200 , broken',
    ],
    [
      'the whole head counts, not only its names and values',
      `HTTP/1.1 200 OK\r\n${'a:b\r\n'.repeat(1_700)}Content-Length: 2\r\n\r\nok`,
      'nothing',
      '200 ok, kept',
    ],
    [
      'a coding before its time ends the connection',
      `${CHUNKED.replace('1.1', '1.0').replace('\r\n\r\n', '\r\nConnection: keep-alive\r\n\r\n')}2\r\nok\r\n0\r\n\r\n`,
      '200 ok',
      '200 ok, kept',
    ],
    [
      '304 with chunks announced ends the connection',
      'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n',
      '304 ',
      '304 , kept',
    ],
    ['an empty line behind the answer ends the connection', `${LENGTH}\r\nok\r\n`, '200 ok', '200 ok, kept'],
  ];

  it.each(differences)('%s', async (_what, bytes, ours, theirs) => {
    expect(summary(await heard('holdfast', { bytes }))).toBe(ours);
    expect(summary(await heard('undici', { bytes }))).toBe(theirs);
  });

  it('blanks behind a value are not part of it', async () => {
    const bytes = `${LENGTH}X-A: 1 \t\r\n\r\nok`;
    expect((await heard('holdfast', { bytes })).head?.headers).toContainEqual(['X-A', '1']);
    expect((await heard('undici', { bytes })).head?.headers).toContainEqual(['X-A', '1 \t']);
  });

  it('a reason keeps its bytes, as values do', async () => {
    const bytes = 'HTTP/1.1 200 \xe9\xc3\xa9\r\nContent-Length: 0\r\n\r\n';
    expect((await heard('holdfast', { bytes })).head?.reason).toBe('\xe9\xc3\xa9');
    expect((await heard('undici', { bytes })).head?.reason).toBe('\ufffd\u00e9');
  });
});
