/** JSON-P: any query is a request that can be sent, none, or an error; any answer is a call that a script can parse. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHeaderName, isHeaderValue } from '../../src/protocol/headers.js';
import { isJsonObject } from '../../src/protocol/json-shape.js';
import {
  JsonpStream,
  type JsonpWrapping,
  readJsonpRequest,
  wrapHeldResponse,
  wrapResponse,
} from '../../src/proxy/jsonp.js';
import type { JsonpOptions } from '../../src/routes/route.js';
import { chunkings } from '../protocol/filters/chunkings.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import { expectCleanPrototypes, jsonObject, jsonString, longTextOf, mutationsOf, NAMES_OF_OBJECTS } from './inputs.js';

const share = new FuzzShare('jsonp', 5);

const PIECES = [
  ...['?', '&', '=', '%', '%2', '%zz', '%00', '%0d%0a', '%7b', '%22', '+', 'callback', '_method', '_headers', '_body'],
  ...['body', 'GET', 'POST', 'get', '{}', '[]', '"', '\xff', '\ud800', 'a', 'b=1', 'callback=f', ...NAMES_OF_OBJECTS],
];

const headersJson = jsonObject({
  'X-A': jsonString(fc.constantFrom('1', '', 'é', '\r\nX: y', '\ud800')),
  Host: jsonString(fc.constantFrom('evil.example')),
  'content-type': jsonString(fc.constantFrom('text/plain')),
  'bad name': jsonString(fc.constantFrom('1')),
});

const options: fc.Arbitrary<JsonpOptions> = fc.record({
  mode: fc.constantFrom('basic', 'extended'),
  callback: fc.constantFrom('callback', 'cb', '__proto__', '_method'),
  body: fc.constantFrom(undefined, 'body', '_body'),
  defaultCallback: fc.constantFrom(undefined, 'jpcb'),
  defaultMethod: fc.constantFrom('GET', 'POST', 'bad method'),
});

function encoded(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

const parameter = fc.oneof(
  fc.constantFrom(
    'callback=f',
    'cb=f',
    'a=1',
    'b',
    '_method=PUT',
    '_body=%7B%7D',
    '__proto__=x',
    'callback=',
    '_method=%20',
  ),
  headersJson.map((json) => `_headers=${encoded(json)}`),
  fc
    .tuple(fc.constantFrom('callback', 'body', '_body', '_method'), fc.string({ maxLength: 5 }))
    .map(([name, value]) => {
      return `${name}=${encoded(value)}`;
    }),
);
const query = mutationsOf(
  fc.array(parameter, { maxLength: 6 }).map((parameters) => `?${parameters.join('&')}`),
  PIECES,
);

const wrapping: fc.Arbitrary<JsonpWrapping> = fc.record({
  mode: fc.constantFrom('basic', 'extended'),
  callback: fc.constantFrom('f', 'a.b', 'é', '').map((text) => Buffer.from(text)),
});
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  fc
    .array(fc.constantFrom('é', '\u2028', '\u{1f600}', '"', '\\', '</script>', '\r', '\n', '\ufeff', 'a'))
    .map((parts) => Buffer.from(parts.join(''))),
);
const answer = fc.record({
  code: fc.integer({ min: 100, max: 999 }),
  reason: fc.constantFrom('OK', '', 'Fine "so"', '\xff'),
  headers: fc.array(
    fc.tuple(
      fc.constantFrom('X-A', 'x-a', 'Cache-Control', 'Content-Type', '7', '__proto__'),
      fc.constantFrom('1', '', '"', '\xc3\xa9', '\xff', '</script>'),
    ),
    { maxLength: 4 },
  ),
});

const CLIENT: [string, string][] = [
  ['Host', 'a.example'],
  ['User-Agent', 'test'],
];

describe('a JSON-P query', () => {
  it(
    'is a request that can be sent, none at all, or an error',
    () =>
      share.check(
        fc.property(options, query, (route, text) => {
          const reading = readJsonpRequest(route, { method: 'GET', query: text, headers: CLIENT });
          expectCleanPrototypes();
          if (reading.kind === 'error') expect(reading.text).toMatch(/^Invalid \w+ parameter\.$/);
          if (reading.kind !== 'request') return;
          const { request } = reading;
          expect(isHeaderName(request.method)).toBe(true);
          expect(request.headers.every(([name, value]) => isHeaderName(name) && isHeaderValue(value))).toBe(true);
          expect(request.headers.filter(([name]) => name.toLowerCase() === 'host')).toEqual([['Host', 'a.example']]);
          expect(request.query === '' || request.query.startsWith('?')).toBe(true);
          expect(request.query.length).toBeLessThanOrEqual(text.length + 1);
        }),
      ),
    share.timeout,
  );

  it(
    'means exactly the request it was made of',
    () => {
      const filled = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 });
      const name = fc.stringMatching(/^X-[A-Za-z0-9]{1,4}$/);
      const others = fc.array(
        fc.tuple(fc.constantFrom('a', 'b', 'é', ''), fc.string({ unit: 'binary', maxLength: 3 })),
      );
      const value = fc.string({ unit: 'grapheme', maxLength: 5 });
      const headers = fc.array(fc.tuple(name, value), { maxLength: 3 }).map((members) => new Map(members));
      share.check(
        fc.property(
          filled,
          fc.constantFrom('GET', 'POST', 'X!'),
          headers,
          filled,
          others,
          (callback, method, meant, body, rest) => {
            const route: JsonpOptions = {
              mode: 'extended',
              callback: 'callback',
              body: undefined,
              defaultCallback: undefined,
              defaultMethod: 'GET',
            };
            const json = JSON.stringify(Object.fromEntries(meant));
            const kept = rest.map(([key, text]) => `${encoded(key)}=${encoded(text)}`);
            const own = [
              `callback=${encoded(callback)}`,
              `_method=${method}`,
              `_headers=${encoded(json)}`,
              `_body=${encoded(body)}`,
            ];
            const reading = readJsonpRequest(route, {
              method: 'GET',
              query: `?${[...kept, ...own].join('&')}`,
              headers: [],
            });
            if (reading.kind !== 'request') throw new Error(JSON.stringify(reading));
            const { request } = reading;
            expect(request.wrapping.callback.toString()).toBe(callback);
            expect([request.method, request.body?.toString()]).toEqual([method, body]);
            expect(request.query).toBe(kept.length === 0 ? '' : `?${kept.join('&')}`);
            const sent = request.headers.filter(([key]) => meant.has(key));
            expect(new Map(sent.map(([key, text]) => [key, Buffer.from(text, 'latin1').toString()]))).toEqual(meant);
          },
        ),
      );
    },
    share.timeout,
  );

  it(
    'is read in time when it is long',
    () =>
      share.check(
        fc.property(options, longTextOf(PIECES), (route, text) => {
          const reading = readJsonpRequest(route, { method: 'GET', query: `?${text}`, headers: CLIENT });
          expect(['none', 'request', 'error']).toContain(reading.kind);
        }),
      ),
    share.timeout,
  );
});

describe('a wrapped answer', () => {
  it(
    'is the same in chunks as at once, wherever the body is cut',
    () =>
      share.check(
        fc.property(wrapping, answer, chunkings(bodies), (how, head, { whole, chunks }) => {
          fc.pre(how.mode === 'extended' || whole.length > 0);
          const stream = new JsonpStream(how, head);
          const pieces = [stream.start, ...chunks.map((chunk) => stream.update(chunk)), stream.finish()];
          expect(Buffer.concat(pieces).equals(wrapResponse(how, { ...head, body: whole }).body)).toBe(true);
        }),
      ),
    share.timeout,
  );

  it(
    'is a call of the function with what the origin said',
    () =>
      share.check(
        fc.property(answer, bodies, (head, body) => {
          const how: JsonpWrapping = { mode: 'extended', callback: Buffer.from('f') };
          for (const wrapped of [wrapResponse(how, { ...head, body }), wrapHeldResponse(how, { ...head, body })]) {
            const text = wrapped.body.toString();
            expect(text.startsWith('/**/f({') && text.endsWith('});\n')).toBe(true);
            expect(text).not.toMatch(/[\u2028\u2029]/);
            const argument: unknown = JSON.parse(text.slice('/**/f('.length, -');\n'.length));
            if (!isJsonObject(argument)) throw new Error('the argument is no object');
            expect(argument.code).toBe(head.code);
            expect(argument.body).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(body));
          }
        }),
      ),
    share.timeout,
  );
});
