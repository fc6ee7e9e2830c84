/** The headers that open an answer to scripts of any origin, byte by byte. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getHeaders, type HeaderList } from '../../src/protocol/headers.js';
import { withCorsHeaders } from '../../src/proxy/cors.js';

const METHODS: HeaderList[number] = ['Access-Control-Allow-Methods', 'OPTIONS, HEAD, GET, POST, PUT, DELETE'];
const CREDENTIALS: HeaderList[number] = ['Access-Control-Allow-Credentials', 'true'];
const ANYONE: HeaderList[number] = ['Access-Control-Allow-Origin', '*'];
const AGE: HeaderList[number] = ['Access-Control-Max-Age', '3600'];

const expose = (names: string): HeaderList[number] => ['Access-Control-Expose-Headers', names];
const allow = (names: string): HeaderList[number] => ['Access-Control-Allow-Headers', names];

describe('withCorsHeaders', () => {
  const cases: [name: string, request: HeaderList, response: HeaderList, added: HeaderList][] = [
    ['opens an answer without headers', [], [], [METHODS, CREDENTIALS, ANYONE, AGE]],
    [
      'names the origin that asked',
      [['origin', 'http://o']],
      [],
      [METHODS, CREDENTIALS, ['Access-Control-Allow-Origin', 'http://o'], AGE],
    ],
    [
      'names the first of two origins',
      [
        ['Origin', 'a'],
        ['Origin', 'b'],
      ],
      [],
      [METHODS, CREDENTIALS, ['Access-Control-Allow-Origin', 'a'], AGE],
    ],
    ['takes an empty origin for none', [['Origin', '']], [], [METHODS, CREDENTIALS, ANYONE, AGE]],
    [
      'allows the method that was asked for',
      [['Access-Control-Request-Method', 'PATCH']],
      [],
      [['Access-Control-Allow-Methods', 'PATCH'], CREDENTIALS, ANYONE, AGE],
    ],
    [
      'takes an empty method for none',
      [['Access-Control-Request-Method', '']],
      [],
      [METHODS, CREDENTIALS, ANYONE, AGE],
    ],
    [
      'allows the headers that were asked for, joined anew',
      [
        ['Access-Control-Request-Headers', 'a,b ,  C'],
        ['access-control-request-headers', 'd'],
      ],
      [],
      [METHODS, allow('a, b, C, d'), CREDENTIALS, ANYONE, AGE],
    ],
    [
      'leaves out empty names',
      [['Access-Control-Request-Headers', 'a,,b,']],
      [],
      [METHODS, allow('a, b'), CREDENTIALS, ANYONE, AGE],
    ],
    [
      'allows no headers when an empty list asks',
      [['Access-Control-Request-Headers', '']],
      [],
      [METHODS, CREDENTIALS, ANYONE, AGE],
    ],
    [
      'does not cut inside quotes',
      [['Access-Control-Request-Headers', '"a,b", c']],
      [],
      [METHODS, allow('"a,b", c'), CREDENTIALS, ANYONE, AGE],
    ],
    [
      'exposes the headers of the answer, each once and as first written',
      [],
      [
        ['X-A', '1'],
        ['ETag', '"x"'],
        ['x-a', '2'],
        ['Date', 'now'],
      ],
      [METHODS, expose('X-A, ETag, Date'), CREDENTIALS, ANYONE, AGE],
    ],
    [
      'does not expose what scripts may read anyway, nor what is not for them',
      [],
      [
        ['Cache-Control', '1'],
        ['content-language', '1'],
        ['Content-Length', '1'],
        ['Content-Type', '1'],
        ['Expires', '1'],
        ['LAST-MODIFIED', '1'],
        ['Pragma', '1'],
        ['access-control-anything', '1'],
        ['Grip-Foo', '1'],
      ],
      [METHODS, CREDENTIALS, ANYONE, AGE],
    ],
    [
      'leaves alone what the answer says itself, be it empty',
      [['Origin', 'z']],
      [
        ['access-control-allow-methods', 'X'],
        ['Access-Control-Allow-Origin', 'me'],
        ['Access-Control-Expose-Headers', ''],
        ['X-Q', '1'],
      ],
      [CREDENTIALS, AGE],
    ],
    [
      'adds nothing to an answer that says everything',
      [['Access-Control-Request-Headers', 'a']],
      [METHODS, allow('b'), expose('c'), CREDENTIALS, ANYONE, AGE, ['X', '1']],
      [],
    ],
  ];
  it.each(cases)('%s', (_name, request, response, added) => {
    expect(withCorsHeaders(request, response)).toEqual([...response, ...added]);
  });

  it('does not change the list it is given', () => {
    const response: HeaderList = [['X', '1']];
    withCorsHeaders([], response);
    expect(response).toEqual([['X', '1']]);
  });

  it('adds to any answer, in front of which nothing moves, and adds nothing a second time', () => {
    const name = fc.oneof(
      fc.constantFrom('Origin', 'Access-Control-Request-Headers', 'Access-Control-Allow-Origin', 'Grip-X', 'X-A'),
      fc.string({ minLength: 1 }),
    );
    const headers = fc.array(fc.tuple(name, fc.string()));
    fc.assert(
      fc.property(headers, headers, (request, response) => {
        const open = withCorsHeaders(request, response);
        expect(open.slice(0, response.length)).toEqual(response);
        const origins = getHeaders(response, 'Access-Control-Allow-Origin').length;
        expect(getHeaders(open, 'Access-Control-Allow-Origin')).toHaveLength(Math.max(1, origins));
        const again = withCorsHeaders(request, open);
        expect(again).toEqual(open);
      }),
    );
  });
});
