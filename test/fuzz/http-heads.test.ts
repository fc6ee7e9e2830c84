/**
 * Requests as bytes on real connections: some parts are wrong, doubled, cut off or in the wrong place. Each connection
 * gets whole answers and an end, packets mean nothing, and the origin sees nothing but HTTP.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHoldfast, type Holdfast } from '../../src/index.js';
import { clientPort } from '../support/closing.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import { type Conversation, converse, Neighbour } from '../support/packet-client.js';
import { conversation, packets } from './http-conversations.js';

const share = new FuzzShare('http-heads', 2);

/** Ordinary requests that are served before a connection that has not ended is taken for one that waits for more. */
const ROUNDS = 3;

const origin: Server = createServer((incoming, response) => {
  response.sendDate = false;
  answer(incoming).then(
    (text) => response.end(text),
    () => response.destroy(),
  );
});
/** A request that was broken off, and a method that is a token but that this origin does not know. */
const HARMLESS = new Set(['HPE_INVALID_EOF_STATE', 'HPE_INVALID_METHOD']);
/** What the proxy sent that was no HTTP to its origin. */
const malformed: string[] = [];
/** What would have ended the process. */
const crashes: unknown[] = [];
let holdfast: Holdfast | undefined;

/** Tells what arrived, so that a request that was understood in two ways is seen. */
async function answer(incoming: IncomingMessage): Promise<string> {
  let bytes = 0;
  for await (const chunk of incoming) bytes += (chunk as Buffer).length;
  return `${incoming.method} ${incoming.url} ${incoming.headers.host} ${bytes}`;
}

function port(): number {
  if (holdfast === undefined) throw new Error('Holdfast is not running');
  return clientPort(holdfast);
}

function onCrash(error: unknown): void {
  crashes.push(error);
}

/** Nothing has come out of any call, and the origin has seen nothing but HTTP; told once, so that inputs can be told apart. */
function expectNoHarm(): void {
  expect(crashes.splice(0)).toEqual([]);
  expect(malformed.splice(0)).toEqual([]);
}

beforeAll(async () => {
  process.on('uncaughtException', onCrash);
  origin.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code?.startsWith('HPE_') === true && !HARMLESS.has(error.code)) malformed.push(error.code);
    socket.destroy();
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  const target = `127.0.0.1:${(origin.address() as AddressInfo).port}`;
  holdfast = await createHoldfast({ routes: [`* ${target}`] });
});

afterAll(async () => {
  process.off('uncaughtException', onCrash);
  await holdfast?.close();
  origin.closeAllConnections();
  await new Promise((resolve) => origin.close(resolve));
});

function converseBeside(neighbour: Neighbour, parts: readonly Buffer[]): Promise<Conversation> {
  return converse(port(), parts, {
    rounds: ROUNDS,
    wait: () => ordinaryRequest(neighbour),
    leave: (socket) => socket.end(),
  });
}

async function ordinaryRequest(neighbour: Neighbour): Promise<void> {
  expect(await neighbour.ordinaryRequest()).toBe('GET /ordinary n.example 0');
}

/** Whole answers, one behind the other; the text that is left when that is not so. */
function withoutAnswers(text: string): string {
  let rest = text;
  for (;;) {
    const head = /^HTTP\/1\.[01] (\d{3}) [^\r\n]*\r\n((?:[\w!#$%&'*+.^`|~-]+: [^\r\n\0]*\r\n)*)\r\n/.exec(rest);
    if (head === null) return rest;
    const [whole, code = '', lines = ''] = head;
    const body = rest.slice(whole.length);
    const size = code.startsWith('1') ? 0 : bodySize(lines, body);
    if (size === undefined || size > body.length) return rest;
    rest = body.slice(size);
  }
}

function bodySize(lines: string, body: string): number | undefined {
  if (/^transfer-encoding: chunked\r$/im.test(lines)) {
    const chunks = /^(?:[1-9a-f][0-9a-f]*\r\n[^\r\n]*\r\n)*0\r\n\r\n/.exec(body);
    return chunks?.[0].length;
  }
  const length = /^content-length: (\d+)\r$/im.exec(lines)?.[1];
  return length === undefined ? body.length : Number(length);
}

describe('bytes from clients', () => {
  it(
    'are answered with whole answers or nothing, and disturb neither the process nor the origin',
    async () => {
      const neighbour = await Neighbour.connect(port());
      await share.checkAsync(
        fc.asyncProperty(fc.array(conversation, { minLength: 6, maxLength: 12 }), async (batch) => {
          const ends = await Promise.all(batch.map((text) => converseBeside(neighbour, packets(text, []))));
          expect(ends.map(({ text }) => withoutAnswers(text))).toEqual(batch.map(() => ''));
          await ordinaryRequest(neighbour);
          expectNoHarm();
        }),
      );
      neighbour.close();
    },
    share.timeout,
  );

  it(
    'mean the same wherever they are cut into packets',
    async () => {
      const neighbour = await Neighbour.connect(port());
      const cut = fc.record({
        text: conversation,
        cuts: fc.array(fc.nat({ max: 500 }), { minLength: 1, maxLength: 5 }),
      });
      await share.checkAsync(
        fc.asyncProperty(fc.array(cut, { minLength: 4, maxLength: 8 }), async (batch) => {
          const [whole, inParts] = await Promise.all([
            Promise.all(batch.map(({ text }) => converseBeside(neighbour, packets(text, [])))),
            Promise.all(batch.map(({ text, cuts }) => converseBeside(neighbour, packets(text, cuts)))),
          ]);
          expectNoHarm();
          // What waits for more bytes is ended by the client, at a moment that says nothing.
          const both = batch.map((_one, at) => whole[at]?.byItself === true && inParts[at]?.byItself === true);
          expect(inParts.map(({ text }) => text).filter((_text, at) => both[at])).toEqual(
            whole.map(({ text }) => text).filter((_text, at) => both[at]),
          );
        }),
      );
      neighbour.close();
    },
    share.timeout,
  );
});
