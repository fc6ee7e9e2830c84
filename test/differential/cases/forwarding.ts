/** What the origin is sent (specification 3.3, 3.4, 12.1). */
import { answer, type Case, get, post } from '../case.js';

const ok = () => answer('200 OK', [], 'ok\n');

function forwarded(name: string, request: (key: string) => string | Buffer): Case {
  return {
    name,
    origin: ok,
    run: async (script) => {
      const client = await script.client(request(script.key));
      await client.answered();
    },
  };
}

const LONG = 'x'.repeat(30_000);
const TOO_LONG = 'x'.repeat(100_001);

export const FORWARDING: readonly Case[] = [
  forwarded('3.3 the method is any token', (key) => `PURGE /${key} HTTP/1.1\r\nHost: plain.example\r\n\r\n`),
  forwarded('3.3 a method nobody knows', (key) => `BREW /${key} HTTP/1.1\r\nHost: plain.example\r\n\r\n`),
  forwarded('3.3 as_host is the host', (key) => get('as-host.example', `/${key}`)),
  forwarded('3.3 the host of a target is the host', (key) => get('target-host.example', `/${key}`)),
  forwarded('2.2 a header of letters that are no ASCII', (key) => get('letters.example', `/${key}`)),
  forwarded('3.4 orig_headers pass on a copy of each header', (key) =>
    post('original.example', `/${key}`, ['X-A: 1', 'eb9bf0f5-X-B: 2', 'Connection: keep-alive', 'X-C: 3'], 'body'),
  ),
  forwarded('3.4 an Upgrade header is passed on', (key) => get('plain.example', `/${key}`, ['Upgrade: foo', 'X-A: 1'])),
  {
    name: '3.2 a long request and a Grip header without a hold',
    origin: () => answer('200 OK', ['Grip-Foo: 1'], 'ok\n'),
    run: async (script) => {
      const client = await script.client(post('plain.example', `/${script.key}`, [], TOO_LONG));
      await client.answered();
    },
  },
  {
    name: '3.2 a long request and a hold',
    origin: () => answer('200 OK', ['Grip-Hold: response', 'Grip-Channel: a'], 'ok\n'),
    run: async (script) => {
      const client = await script.client(post('plain.example', `/${script.key}`, [], TOO_LONG));
      await client.answered();
    },
  },
  forwarded(
    '3.3 an OPTIONS request without a body has no length',
    (key) => `OPTIONS /${key} HTTP/1.1\r\nHost: plain.example\r\n\r\n`,
  ),
  forwarded('3.3 a DELETE request without a body', (key) => `DELETE /${key} HTTP/1.1\r\nHost: plain.example\r\n\r\n`),
  forwarded('3.3 the target is forwarded as it was encoded', (key) =>
    get('plain.example', `/${key}/a%2Fb%20c/%C3%A9;v=1?x=%2B&y=a+b&&z`),
  ),
  forwarded('3.3 letters that need no escape stay escaped', (key) => get('plain.example', `/${key}/%41%7e?x=%2d`)),
  forwarded('3.3 dots and empty segments of a path are left alone', (key) =>
    get('plain.example', `/${key}/a/../b/./c//d/`),
  ),
  forwarded('3.3 a body with a length', (key) =>
    post('plain.example', `/${key}`, ['Content-Type: text/plain'], 'a body'),
  ),
  forwarded(
    '3.3 a short chunked body arrives with a length',
    (key) =>
      `POST /${key} HTTP/1.1\r\nHost: plain.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n`,
  ),
  forwarded('3.3 a long body with a length', (key) => post('plain.example', `/${key}`, [], LONG)),
  forwarded(
    '3.3 a GET request with a body',
    (key) => `GET /${key} HTTP/1.1\r\nHost: plain.example\r\nContent-Length: 4\r\n\r\nbody`,
  ),
  forwarded('3.4 hop-by-hop headers are removed', (key) =>
    get('plain.example', `/${key}`, [
      'Keep-Alive: timeout=5',
      'Accept-Encoding: gzip',
      'Content-Encoding: identity',
      'Connection: keep-alive',
      'TE: trailers',
      'X-Kept: 1',
    ]),
  ),
  forwarded('3.4 duplicates and their order are kept', (key) =>
    get('plain.example', `/${key}`, ['X-A: 1', 'X-B: 1', 'x-a: 2', 'X-A: 3', 'Cookie: a=1', 'Cookie: b=2']),
  ),
  forwarded('3.4 a header without a value is passed on', (key) =>
    get('plain.example', `/${key}`, ['X-Empty:', 'X-A: 1']),
  ),
  forwarded('3.4 an Accept header is passed on', (key) =>
    get('plain.example', `/${key}`, ['Accept: text/html, */*;q=0.1']),
  ),
  forwarded('3.4 Grip headers of a client are removed', (key) =>
    get('plain.example', `/${key}`, ['Grip-Sig: forged', 'grip-last: a; last-id=1', 'GRIP-FOO: 1', 'Gripe: 1']),
  ),
  forwarded('3.4 original-header marks are removed when the route has no orig_headers', (key) =>
    get('plain.example', `/${key}`, ['eb9bf0f5-User-Agent: forged', 'X-Kept: 1']),
  ),
  forwarded('3.4 X-Forwarded-For values are joined', (key) =>
    get('plain.example', `/${key}`, ['X-Forwarded-For: 1.1.1.1,2.2.2.2', 'X-Forwarded-For:  3.3.3.3 ']),
  ),
  forwarded('3.4 X-Forwarded-Proto is not taken over from a client', (key) =>
    get('plain.example', `/${key}`, ['X-Forwarded-Proto: https', 'X-Forwarded-Protocol: https']),
  ),
  forwarded('3.4 a route without GRIP sends neither signature nor features', (key) =>
    get('signless.example', `/${key}`),
  ),
];
