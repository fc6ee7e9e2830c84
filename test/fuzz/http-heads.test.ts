/**
 * Requests as bytes on real connections: some parts are wrong, doubled, cut off or in the wrong place. Each connection
 * gets whole answers and an end, packets mean nothing, and the origin sees nothing but HTTP.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHoldfast, type Holdfast } from '../../src/index.js';
import { clientPort } from '../support/closing.js';
import { within } from '../support/deadline.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import { RawClient } from '../support/raw-client.js';
import { conversation, packets } from './http-conversations.js';

const share = new FuzzShare('http-heads', 2);

/** Ordinary requests that are served before a connection that has not ended is taken for one that waits for more. */
const ROUNDS = 3;

interface Ended {
  readonly text: string;
  /** Holdfast ended it, before the client did. */
  readonly byItself: boolean;
}

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

/** Sends the parts one after the other, each in a packet of its own, and reads until the end. */
async function converse(parts: readonly Buffer[], neighbour: RawClient): Promise<Ended> {
  const socket = connect({ port: port(), host: '127.0.0.1', noDelay: true });
  let text = '';
  let byItself = true;
  let over = false;
  const closed = new Promise<void>((resolve) => {
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
    });
    socket.on('end', () => {
      over = true;
    });
    socket.on('error', () => {
      over = true;
    });
    socket.on('close', () => resolve());
  });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  for (const part of parts) {
    if (over) break;
    await new Promise<void>((resolve) => socket.write(part, () => resolve()));
    // Holdfast reads in this process: after a turn it has had the chance to read this packet alone.
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let round = 0; round < ROUNDS && !over; round += 1) await ordinaryRequest(neighbour);
  if (!over) {
    byItself = false;
    socket.end();
  }
  await within('the end of a connection', closed);
  return { text, byItself };
}

let turn: Promise<unknown> = Promise.resolve();

/** One after the other on the neighbour's connection, which stays open through everything. */
function ordinaryRequest(neighbour: RawClient): Promise<void> {
  const next = turn.then(async () => {
    neighbour.write('GET /ordinary HTTP/1.1\r\nHost: n.example\r\n\r\n');
    expect((await neighbour.readAnswer()).body.toString()).toBe('GET /ordinary n.example 0');
  });
  turn = next.catch(() => {});
  return next;
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
      const neighbour = await RawClient.connect(port());
      await share.checkAsync(
        fc.asyncProperty(fc.array(conversation, { minLength: 6, maxLength: 12 }), async (batch) => {
          const ends = await Promise.all(batch.map((text) => converse(packets(text, []), neighbour)));
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
      const neighbour = await RawClient.connect(port());
      const cut = fc.record({
        text: conversation,
        cuts: fc.array(fc.nat({ max: 500 }), { minLength: 1, maxLength: 5 }),
      });
      await share.checkAsync(
        fc.asyncProperty(fc.array(cut, { minLength: 4, maxLength: 8 }), async (batch) => {
          const [whole, inParts] = await Promise.all([
            Promise.all(batch.map(({ text }) => converse(packets(text, []), neighbour))),
            Promise.all(batch.map(({ text, cuts }) => converse(packets(text, cuts), neighbour))),
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
