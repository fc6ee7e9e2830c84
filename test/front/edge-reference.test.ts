/**
 * Our own parser beside the reference, `node:http`: both are sent the same bytes, and their answers are the same byte
 * for byte, but for the differences that are explained here.
 */
import { createServer, type IncomingMessage, METHODS, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHoldfast, type Holdfast } from '../../src/index.js';
import { headerListOf } from '../../src/protocol/raw-headers.js';
import { conversation, packets } from '../fuzz/http-conversations.js';
import { clientPort, PARSERS, type Parser } from '../support/closing.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import { converse, Neighbour } from '../support/packet-client.js';

const share = new FuzzShare('edge-reference', 1);

/** Ordinary requests that are served before a connection that has not ended is taken for one that waits for more. */
const ROUNDS = 10;
const WAITS = ' (waits for more)';

/** Answered before the request could be read: what is wrong with it is a matter of where one looks first. */
const REFUSED = /^HTTP\/1\.[01] (?:400|501) [^\0]*$/;

interface Difference {
  readonly why: string;
  /** Whether it may show in the answers to these bytes. */
  readonly explains: (sent: string, own: string, reference: string) => boolean;
}

const DIFFERENCES: readonly Difference[] = [
  {
    why: 'any token is a method; node:http has a list',
    explains: (sent) =>
      [...sent.matchAll(/([!#$%&'*+\-.^_`|~0-9A-Za-z]+) [!-~]/g)].some(([, method = '']) => !METHODS.includes(method)),
  },
  {
    why: 'one blank stands between the parts of a request line; node:http takes more',
    explains: (sent) => / {2}/.test(sent),
  },
  {
    why: 'where several things are wrong, another may be named',
    explains: (_sent, own, reference) => REFUSED.test(own) && REFUSED.test(reference),
  },
  {
    why: 'a length that cannot be counted exactly is refused; node:http takes all of 64 bits',
    explains: (sent) => /\d{16}/.test(sent),
  },
  {
    why: 'a request that waits behind an upgrade to another protocol is an ordinary one; node:http refuses it',
    explains: (sent, _own, reference) => /upgrade/i.test(sent) && reference.includes('an upgrade cannot follow'),
  },
];

/** Headers of a request to the origin that are new each time. */
const BY_CHANCE = new Set(['grip-sig', 'sec-websocket-key']);

const origin: Server = createServer((incoming, response) => {
  response.sendDate = false;
  answer(incoming).then(
    (text) => response.end(text),
    () => response.destroy(),
  );
});
const sides = new Map<Parser, { readonly holdfast: Holdfast; readonly neighbour: Neighbour }>();

async function answer(incoming: IncomingMessage): Promise<string> {
  let size = 0;
  for await (const chunk of incoming) size += (chunk as Buffer).length;
  const { method, url, rawHeaders } = incoming;
  const lines = headerListOf(rawHeaders).filter(([name]) => !BY_CHANCE.has(name.toLowerCase()));
  return `${method} ${url} ${lines.map((line) => line.join(': ')).join('|')} ${size}`;
}

beforeAll(async () => {
  origin.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  const routes = [`* 127.0.0.1:${(origin.address() as AddressInfo).port}`];
  for (const parser of PARSERS) {
    const holdfast = await createHoldfast({ routes, settings: { http: { parser } } });
    sides.set(parser, { holdfast, neighbour: await Neighbour.connect(clientPort(holdfast)) });
  }
});

afterAll(async () => {
  for (const { holdfast, neighbour } of sides.values()) {
    neighbour.close();
    await holdfast.close();
  }
  origin.closeAllConnections();
  await new Promise((resolve) => origin.close(resolve));
});

/** All that comes until the end, or until nothing more does. */
async function answered(parser: Parser, parts: readonly Buffer[]): Promise<string> {
  const side = sides.get(parser);
  if (side === undefined) throw new Error(`no Holdfast parses with ${parser}`);
  const { text, byItself } = await converse(clientPort(side.holdfast), parts, {
    rounds: ROUNDS,
    wait: () => side.neighbour.ordinaryRequest(),
    leave: (socket) => void socket.destroy(),
  });
  return byItself ? text : text + WAITS;
}

/** What the two answer, when that is neither the same nor explained. */
async function disagreement(text: string, cuts: readonly number[]): Promise<object | undefined> {
  const parts = packets(text, cuts);
  const [own, reference] = await Promise.all([answered('holdfast', parts), answered('node', parts)]);
  const sent = Buffer.concat(parts).toString('latin1');
  if (own === reference || DIFFERENCES.some(({ explains }) => explains(sent, own, reference))) return undefined;
  return { text, cuts, own, reference };
}

function get(line: string, ...headers: readonly string[]): string {
  return [line, ...headers, '', ''].join('\r\n');
}

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const VERSION = 'Sec-WebSocket-Version: 13';
const UPGRADE = ['Upgrade: websocket', 'Connection: Upgrade'];

const SAME: readonly (readonly [what: string, text: string])[] = [
  ['a request', get('GET / HTTP/1.1', 'Host: a')],
  ['HTTP/1.0', get('GET / HTTP/1.0')],
  ['HTTP/1.0 that stays', get('GET / HTTP/1.0', 'Connection: Keep-Alive')],
  ['HEAD', get('HEAD /a HTTP/1.1', 'Host: a')],
  ['requests in a row', get('GET /1 HTTP/1.1') + get('GET /2 HTTP/1.1') + get('GET /3 HTTP/1.0')],
  ['a close among the options', get('GET / HTTP/1.1', 'Connection: x, Close')],
  ['options in two lines', get('GET / HTTP/1.1', 'Connection: x', 'Connection: close')],
  ['empty lines before a request', `\r\n\n\r${get('GET / HTTP/1.1')}\r\n${get('GET / HTTP/1.1')}`],
  ['a body', `${get('POST / HTTP/1.1', 'Content-Length: 5')}hello${get('GET / HTTP/1.1')}`],
  ['a body of nothing', get('POST / HTTP/1.1', 'Content-Length: 0') + get('GET / HTTP/1.1')],
  ['a body in chunks', `${get('POST / HTTP/1.1', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`],
  ['a body of HTTP/1.0 in chunks', `${get('POST / HTTP/1.0', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`],
  ['trailers', `${get('POST / HTTP/1.1', 'Transfer-Encoding: chunked')}0\r\nX-A: 1\r\n\r\n`],
  ['a wait for the body', `${get('POST / HTTP/1.1', 'Expect: 100-Continue', 'Content-Length: 2')}ok`],
  ['a wait in HTTP/1.0', `${get('POST / HTTP/1.0', 'Expect: 100-continue', 'Content-Length: 2')}ok`],
  ['an expectation nobody knows', `${get('POST / HTTP/1.1', 'Expect: wonders', 'Content-Length: 2')}ok`],
  ['a wait without a body', get('GET / HTTP/1.1', 'Expect: 100-continue')],
  ['a large body', `${get('POST / HTTP/1.1', 'Content-Length: 200000')}${'x'.repeat(200_000)}`],
  [
    'an upgrade nobody offers',
    get('GET / HTTP/1.1', 'Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: A'),
  ],
  ['an upgrade without its option', get('GET / HTTP/1.1', 'Upgrade: h2c')],
  ['an upgrade of a body', `${get('POST / HTTP/1.1', 'Upgrade: h2c', 'Connection: Upgrade', 'Content-Length: 2')}ok`],
  ['half a handshake', get('GET / HTTP/1.1', 'Upgrade: websocket', KEY, VERSION)],
  ['a handshake without a key', get('GET / HTTP/1.1', ...UPGRADE, VERSION)],
  ['a handshake without a version', get('GET / HTTP/1.1', ...UPGRADE, KEY)],
  ['a handshake with a body', `${get('GET / HTTP/1.1', ...UPGRADE, KEY, VERSION, 'Content-Length: 2')}ok`],
  ['a handshake of POST', get('POST / HTTP/1.1', ...UPGRADE, KEY, VERSION)],
  ['a handshake that the origin refuses', get('GET / HTTP/1.1', ...UPGRADE, KEY, VERSION)],
  ['a handshake behind a request', get('GET / HTTP/1.1') + get('GET / HTTP/1.1', ...UPGRADE, KEY, VERSION)],
  ['a tunnel', get('CONNECT a:80 HTTP/1.1')],
  ['a tunnel of HTTP/1.0', get('CONNECT a:80 HTTP/1.0')],
  ['a tunnel behind a request', get('GET / HTTP/1.1') + get('CONNECT a:80 HTTP/1.1')],
  ['the server itself', get('OPTIONS * HTTP/1.1')],
  ['absolute targets', get('GET http://b/c HTTP/1.1') + get('GET HTTPS://b?c HTTP/1.1') + get('GET ws://b HTTP/1.1')],
  ['a target with a user', get('GET http://u@b/ HTTP/1.1')],
  ['a fragment', get('GET /a#b HTTP/1.1')],
  ['signs in a target', get('GET /"<>\\^`{|} HTTP/1.1')],
  ['a header without a value', get('GET / HTTP/1.1', 'X:', 'Y: ')],
  ['garbage behind a request', `${get('GET / HTTP/1.1')}\0\0`],
  ['garbage behind the last request', `${get('GET / HTTP/1.1', 'Connection: close')}\0\0`],
  ['a broken chunk', `${get('POST / HTTP/1.1', 'Transfer-Encoding: chunked')}5\r\nhelloX`],
  ['two versions', get('GET / HTTP/0.9') + get('GET / HTTP/1.1')],
  ['no version', 'GET /\r\n\r\n'],
];

describe('our own parser', () => {
  it.each(SAME)('answers exactly as the reference does: %s', async (_what, text) => {
    const [own, reference] = await Promise.all([
      answered('holdfast', packets(text, [])),
      answered('node', packets(text, [])),
    ]);
    expect(own).toBe(reference);
    expect(own).not.toBe('');
  });

  it(
    'answers as the reference does whatever it is sent, but for what is explained',
    async () => {
      const input = fc.record({ text: conversation, cuts: fc.array(fc.nat({ max: 500 }), { maxLength: 3 }) });
      await share.checkAsync(
        fc.asyncProperty(fc.array(input, { minLength: 4, maxLength: 8 }), async (batch) => {
          const all = await Promise.all(batch.map(({ text, cuts }) => disagreement(text, cuts)));
          expect(all.filter((one) => one !== undefined)).toEqual([]);
        }),
      );
    },
    share.timeout,
  );
});
