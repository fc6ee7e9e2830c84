/**
 * Answers of origins as bytes, some parts of which are wrong, doubled, cut off or in the wrong place: our own HTTP client
 * hears what undici hears, or refuses an answer for a reason that is listed here. It never takes for whole what undici
 * does not.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FuzzShare } from '../support/fuzz-budget.js';
import { AnswerStage, type Heard } from '../support/heard-answer.js';
import { byteMutationsOf } from './inputs.js';

const share = new FuzzShare('origin-answers', 1);

const LINES = [
  ...['Content-Length: 2', 'Content-Length: 0', 'Content-Length: 02', 'Content-Length: 2 ', 'Content-Length:'],
  ...['Content-Length: +2', 'Content-Length: 2, 2', 'Content-Length: 99999999999999999999', 'Upgrade: h2c'],
  ...['Transfer-Encoding: chunked', 'Transfer-Encoding: Chunked', 'Transfer-Encoding: gzip, chunked'],
  ...['Transfer-Encoding : chunked', 'Connection: close', 'Connection: keep-alive', 'Connection: x, close'],
  ...['Connection: upgrade', 'Keep-Alive: timeout=5', 'X-A: 1', 'X-A:1 ', 'X-A: \xe9', ' folded'],
  ...['Set-Cookie: a=b; c="d', 'X\x01: a', 'X: \x01', 'X: \x7f'],
];
const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
const BODIES = [
  ...['', 'ok', `ok${EVIL}`, '2\r\nok\r\n0\r\n\r\n', `2\r\nok\r\n0\r\n\r\n${EVIL}`],
  ...['2;x="y"\r\nok\r\n0\r\nX-A: 1\r\n\r\n', '2\nok\n0\n\n', '0\r\n\r\n'],
];
const INTERIM = [
  ...['', '', '', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early\r\nLink: a\r\n\r\n'],
  ...['HTTP/1.0 103 Early\r\n\r\n', 'HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n'],
];
const PIECES = [
  ...['\r\n', '\n', '\r', '\r\n\r\n', ' ', '\t', ':', '\0', '\x7f', '\x80', '0', '1', 'f', ',', ';', '"', 'chunked'],
  ...['HTTP/1.1', 'HTTP/1.0 ', 'HTTP/2.0', 'HTTP/1.1 200 OK\r\n', ...LINES, ...INTERIM],
];

const answer = fc
  .record({
    interim: fc.constantFrom(...INTERIM),
    version: fc.constantFrom('1.1', '1.1', '1.1', '1.0'),
    status: fc.constantFrom('200 OK', '200 OK', '200 OK', '204 No', '304 Not', '404', '404 ', '999 \xe9'),
    lines: fc.array(fc.constantFrom(...LINES), { maxLength: 4 }),
    body: fc.constantFrom(...BODIES),
  })
  .map(({ interim, version, status, lines, body }) =>
    Buffer.from(interim + [`HTTP/${version} ${status}`, ...lines, '', body].join('\r\n'), 'latin1'),
  );

const answering = fc
  .record({
    bytes: byteMutationsOf(answer, PIECES),
    method: fc.constantFrom('GET', 'GET', 'GET', 'GET', 'HEAD'),
    cuts: fc.array(fc.nat(200), { maxLength: 2 }),
  })
  .map(({ bytes, ...how }) => ({ ...how, bytes: bytes.toString('latin1'), after: 'end' as const }));

/** Where our own client may differ. */
const MEANT: readonly (readonly [what: string, where: RegExp])[] = [
  ['no answer has controls in its reason', /^HTTP\/\d\.\d \d{3} [^\r\n]*[^\t\r\n -~\x80-\xff]/m],
  ['no line ends with CR alone', /^HTTP\/\d\.\d \d{3}[^\r\n]*\r(?!\n)/m],
  ['no coding is told in two lines', /^transfer-encoding:[\s\S]*^transfer-encoding:/im],
  ['no length has more than fifteen digits', /^content-length:[\t ]*0*[1-9]\d{15}/im],
  ['a tab may stand behind a length (RFC 9110 5.5)', /^content-length:[\t ]*\d+[\t ]*\t/im],
  ['the extensions of chunks are not looked into', /^[\da-f]+;/im],
];

/** What both are to hear alike: reasons and the blanks behind values are a matter of their own. */
function comparable({ head, body, outcome }: Heard): unknown {
  const trimmed = head?.headers.map(([name, value]) => [name, value.replace(/[\t ]+$/, '')]);
  return { code: head?.code, headers: trimmed, body, outcome };
}

let ours: AnswerStage;
let theirs: AnswerStage;

beforeAll(async () => {
  ours = await AnswerStage.start('holdfast');
  theirs = await AnswerStage.start('undici');
});

afterAll(async () => {
  await ours.stop();
  await theirs.stop();
});

it(
  'are heard alike by both clients',
  async () => {
    await share.checkAsync(
      fc.asyncProperty(answering, async (one) => {
        const [own, reference] = await Promise.all([ours.hear(one), theirs.hear(one)]);
        if (MEANT.some(([, where]) => where.test(one.bytes))) return;
        expect(comparable(own)).toEqual(comparable(reference));
      }),
    );
  },
  share.timeout,
);
