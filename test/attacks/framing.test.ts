/**
 * Request smuggling: every way to make two programs disagree about where a request ends. Nothing of a refused request
 * may reach the origin, and nothing behind it may be taken for a request.
 */
import { describe, expect, it } from 'vitest';
import { AttackStage, early, INVALID_LENGTH, INVALID_TOKEN, OK_ANSWER } from '../support/attack-stage.js';
import { Opened, PARSERS } from '../support/closing.js';

const CODING = 'Failed to parse request: unsupported transfer encoding';
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: victim.example\r\n\r\n';

function post(headers: string, body: string): string {
  return `POST /attack HTTP/1.1\r\nHost: example.com\r\n${headers}\r\n\r\n${body}${SMUGGLED}`;
}

const CHUNKED = '3\r\nabc\r\n0\r\n\r\n';

const REFUSED: readonly (readonly [what: string, request: string, answer: string])[] = [
  ['two equal lengths', post('Content-Length: 3\r\nContent-Length: 3', 'abc'), INVALID_LENGTH],
  ['two different lengths', post('Content-Length: 3\r\nContent-Length: 9', 'abc'), INVALID_LENGTH],
  ['two lengths that differ in case', post('Content-Length: 3\r\ncontent-LENGTH: 0', 'abc'), INVALID_LENGTH],
  ['a list of equal lengths', post('Content-Length: 3, 3', 'abc'), INVALID_LENGTH],
  ['a length with a trailing comma', post('Content-Length: 3,', 'abc'), INVALID_LENGTH],
  ['two lengths in one value', post('Content-Length: 3 9', 'abc'), INVALID_LENGTH],
  ['no length in the value', post('Content-Length:', 'abc'), INVALID_LENGTH],
  ['a length with a plus sign', post('Content-Length: +3', 'abc'), INVALID_LENGTH],
  ['a negative length', post('Content-Length: -3', 'abc'), INVALID_LENGTH],
  ['a hexadecimal length', post('Content-Length: 0x3', 'abc'), INVALID_LENGTH],
  ['a length with a fraction', post('Content-Length: 3.0', 'abc'), INVALID_LENGTH],
  ['a length beyond 64 bits', post('Content-Length: 18446744073709551619', 'abc'), INVALID_LENGTH],
  ['a length in another alphabet', post('Content-Length: \xd9\xa3', 'abc'), INVALID_LENGTH],
  ['a blank before the colon of a length', post('Content-Length : 3', 'abc'), INVALID_TOKEN],
  ['a tab before the colon of a length', post('Content-Length\t: 3', 'abc'), INVALID_TOKEN],
  ['a length on a folded line', post('Content-Length:\r\n 3', 'abc'), INVALID_TOKEN],
  ['a length folded behind another header', post('X-A: b\r\n\tContent-Length: 3', ''), INVALID_TOKEN],
  [
    'a header line before the first that begins with a blank',
    post(' X-A: b\r\nContent-Length: 3', 'abc'),
    INVALID_TOKEN,
  ],
  ['a length and chunked', post('Content-Length: 3\r\nTransfer-Encoding: chunked', CHUNKED), early(CODING)],
  ['chunked and a length', post('Transfer-Encoding: chunked\r\nContent-Length: 3', CHUNKED), INVALID_LENGTH],
  ['a length of nothing and chunked', post('Content-Length: 0\r\nTransfer-Encoding: chunked', CHUNKED), early(CODING)],
  ['chunked twice', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', CHUNKED), early(CODING)],
  ['chunked twice in a list', post('Transfer-Encoding: chunked, chunked', CHUNKED), early(CODING)],
  ['chunked, then gzip', post('Transfer-Encoding: chunked, gzip', CHUNKED), early(CODING)],
  ['chunked, then identity', post('Transfer-Encoding: chunked, identity', CHUNKED), early(CODING)],
  [
    'identity, then chunked in another line',
    post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked', CHUNKED),
    early(CODING),
  ],
  ['gzip, then chunked', post('Transfer-Encoding: gzip, chunked', CHUNKED), early(CODING)],
  ['identity alone', post('Transfer-Encoding: identity', 'abc'), early(CODING)],
  ['a coding that ends like chunked', post('Transfer-Encoding: xchunked', CHUNKED), early(CODING)],
  ['a coding that begins like chunked', post('Transfer-Encoding: chunkedx', CHUNKED), early(CODING)],
  ['chunked in quotes', post('Transfer-Encoding: "chunked"', CHUNKED), early(CODING)],
  ['chunked with a parameter', post('Transfer-Encoding: chunked;q=1', CHUNKED), early(CODING)],
  ['chunked with a trailing comma', post('Transfer-Encoding: chunked,', CHUNKED), early(CODING)],
  ['no coding in the value', post('Transfer-Encoding:', CHUNKED), early(CODING)],
  ['a vertical tab before chunked', post('Transfer-Encoding: \x0bchunked', CHUNKED), INVALID_TOKEN],
  ['a blank before the colon of a coding', post('Transfer-Encoding : chunked', CHUNKED), INVALID_TOKEN],
  ['a coding on a folded line', post('Transfer-Encoding:\r\n chunked', CHUNKED), INVALID_TOKEN],
  ['a NUL in the name of a coding', post('Transfer-Encoding\0: chunked', CHUNKED), INVALID_TOKEN],
  ['lines that end with LF alone', post('X: y', '').replaceAll('\r\n', '\n'), INVALID_TOKEN],
  ['one line that ends with LF alone', post('X-A: b\nContent-Length: 3', 'abc'), INVALID_TOKEN],
  ['one line that ends with CR alone', post('X-A: b\rContent-Length: 3', 'abc'), INVALID_TOKEN],
  ['a head that ends with LF LF', 'GET /attack HTTP/1.1\r\nHost: a\n\nGET /smuggled HTTP/1.1\r\n\r\n', INVALID_TOKEN],
  ['a chunk size with 0x', post('Transfer-Encoding: chunked', '0x3\r\nabc\r\n0\r\n\r\n'), INVALID_TOKEN],
  ['a chunk size with a plus sign', post('Transfer-Encoding: chunked', '+3\r\nabc\r\n0\r\n\r\n'), INVALID_TOKEN],
  ['a negative chunk size', post('Transfer-Encoding: chunked', '-3\r\nabc\r\n0\r\n\r\n'), INVALID_TOKEN],
  ['a chunk size behind a blank', post('Transfer-Encoding: chunked', ' 3\r\nabc\r\n0\r\n\r\n'), INVALID_TOKEN],
  ['a chunk size before a blank', post('Transfer-Encoding: chunked', '3 \r\nabc\r\n0\r\n\r\n'), INVALID_TOKEN],
  [
    'a chunk size beyond 64 bits',
    post('Transfer-Encoding: chunked', 'fffffffffffffffff\r\nabc\r\n0\r\n\r\n'),
    INVALID_TOKEN,
  ],
  ['no chunk size', post('Transfer-Encoding: chunked', '\r\nabc\r\n0\r\n\r\n'), INVALID_TOKEN],
  ['a chunk longer than its size', post('Transfer-Encoding: chunked', '3\r\nabcd\r\n0\r\n\r\n'), INVALID_TOKEN],
  ['a chunk without its line end', post('Transfer-Encoding: chunked', '3\r\nabc0\r\n\r\n'), INVALID_TOKEN],
  ['chunk lines that end with LF alone', post('Transfer-Encoding: chunked', '3\nabc\n0\n\n'), INVALID_TOKEN],
  ['a chunk line that ends with CR alone', post('Transfer-Encoding: chunked', '3\rabc\r\n0\r\n\r\n'), INVALID_TOKEN],
  [
    'a chunk extension that ends with LF alone',
    post('Transfer-Encoding: chunked', '3;a\nabc\r\n0\r\n\r\n'),
    INVALID_TOKEN,
  ],
  [
    'chunk extensions without end',
    post('Transfer-Encoding: chunked', `3;${'a'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n`),
    INVALID_TOKEN,
  ],
  ['a length among the trailers', post('Transfer-Encoding: chunked', '0\r\nContent-Length: 5\r\n\r\n'), INVALID_LENGTH],
  [
    'a coding among the trailers',
    post('Transfer-Encoding: chunked', '0\r\nTransfer-Encoding: gzip\r\n\r\n'),
    early(CODING),
  ],
];

describe.each(PARSERS)('a request whose end is in doubt (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  it.each(REFUSED)('is refused and closes the connection: %s', async (_what, request, answer) => {
    const stage = await AttackStage.start(opened);
    expect(await stage.untilEnd(request)).toEqual({ text: answer, how: 'fin' });
    expect(stage.forwarded).toEqual([]);
    expect(stage.holdfast.counters.badRequests).toBe(1);
    await stage.undisturbed();
  });
});

describe.each(PARSERS)('an unusual request whose end is clear (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  const TAKEN: readonly (readonly [what: string, headers: string, body: string])[] = [
    ['a tab before a length', 'Content-Length:\t3', 'abc'],
    ['blanks around a length', 'Content-Length:   3  ', 'abc'],
    ['leading zeros of a length', 'Content-Length: 0003', 'abc'],
    ['chunked in capitals', 'Transfer-Encoding: CHUNKED', CHUNKED],
    ['a tab before chunked', 'Transfer-Encoding:\tchunked', CHUNKED],
    ['chunk extensions', 'Transfer-Encoding: chunked', '3;name="value";x\r\nabc\r\n0;y\r\n\r\n'],
    ['leading zeros and capitals of a chunk size', 'Transfer-Encoding: chunked', '0003\r\nabc\r\n000\r\n\r\n'],
    ['trailers', 'Transfer-Encoding: chunked', '3\r\nabc\r\n0\r\nX-Trailer: evil\r\nHost: other\r\n\r\n'],
  ];

  it.each(TAKEN)('reaches the origin in one clean form: %s', async (_what, headers, body) => {
    const stage = await AttackStage.start(opened);
    const client = await stage.client();
    client.write(post(headers, body).replace('/smuggled', '/second'));
    expect(await client.readAsLongAs(OK_ANSWER + OK_ANSWER)).toBe(OK_ANSWER + OK_ANSWER);
    expect(stage.forwarded).toEqual(['POST /attack', 'GET /second']);
    const { head, body: sent } = await stage.origin.request('/attack');
    expect(sent).toBe('abc');
    expect(head.match(/^(?:content-length|transfer-encoding|host|x-trailer):.*$/gim)).toEqual([
      'host: example.com',
      'content-length: 3',
    ]);
    await stage.undisturbed();
  });

  it('is the last on its connection when HTTP/1.0 announces chunks', async () => {
    const stage = await AttackStage.start(opened);
    const request = post('Connection: keep-alive\r\nTransfer-Encoding: chunked', CHUNKED).replace(
      'HTTP/1.1',
      'HTTP/1.0',
    );
    const { text } = await stage.untilEnd(request);
    expect(text).toBe('HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok');
    expect(stage.forwarded).toEqual(['POST /attack']);
  });
});
