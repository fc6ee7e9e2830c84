/** Fifty megabytes in each direction: all of it arrives, little of it is ever in memory, and the slower side sets the pace. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { Opened } from '../support/closing.js';
import { within } from '../support/deadline.js';
import type { Script } from '../support/origin.js';

const MEGABYTE = 1_048_576;
const SIZE = 50 * MEGABYTE;
/** Bodies under way at once where memory is measured: 200 MB together. */
const AT_ONCE = 4;
/** What the process may grow by meanwhile. Most of it is garbage: Node lets 64 MB of dead buffers lie before it looks. */
const ROOM = 120 * MEGABYTE;
/** What the buffers of the kernel and of the proxy may take of a body that nobody reads. */
const ON_THE_WAY = 25 * MEGABYTE;
/** Milliseconds without progress after which a sender counts as stopped. */
const QUIET = 400;
/** Milliseconds for what takes about two seconds on an idle machine. */
const PATIENCE = 50_000;
const PIECE = Buffer.from(Array.from({ length: 65_536 }, (_, index) => index % 251));
const PIECES = SIZE / PIECE.length;

function expectedDigest(): string {
  const hash = createHash('sha256');
  for (let count = 0; count < PIECES; count += 1) hash.update(PIECE);
  return hash.digest('hex');
}

async function digestOf(source: IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of source) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Writes the large body at the pace at which it is taken, and ends it. */
class Pouring {
  written = 0;
  private progressed: () => void = () => {};

  constructor(private readonly sink: NodeJS.WritableStream) {}

  async run(): Promise<void> {
    for (let count = 0; count < PIECES; count += 1) {
      if (!this.sink.write(PIECE)) await once(this.sink, 'drain');
      this.written += PIECE.length;
      this.progressed();
    }
    this.sink.end();
  }

  /** Resolves when nothing has been taken for a while. */
  async stalls(): Promise<void> {
    await within(
      'the stop of the sender',
      new Promise<void>((resolve) => {
        let timer = setTimeout(resolve, QUIET);
        this.progressed = () => {
          clearTimeout(timer);
          timer = setTimeout(resolve, QUIET);
        };
      }),
    );
  }
}

const digesting: Script = async (asked, response) => {
  response.end(await digestOf(asked.incoming));
};

const pouring: Script = async (_request, response) => {
  response.writeHead(200, { 'Content-Length': SIZE });
  await new Pouring(response).run();
};

describe('a large body', { timeout: 60_000 }, () => {
  const opened = new Opened();
  const digest = expectedDigest();

  /** Holdfast in a process of its own, so that its memory is its own; it tells its peak when it is asked. */
  async function startProcess(target: string) {
    const script = [
      "import { createServer } from 'node:http';",
      "import { createHoldfast } from './dist/index.js';",
      `const holdfast = await createHoldfast({ routes: ['* ${target}'], controlPort: false });`,
      'const peak = createServer((_, response) => response.end(String(process.resourceUsage().maxRSS * 1024)));',
      "peak.listen(0, '127.0.0.1', () => {",
      "  console.log('peak at ' + peak.address().port + '.');",
      "  console.log('listening on http://127.0.0.1:' + holdfast.addresses.http[0].port);",
      '});',
    ].join('\n');
    const child = opened.add(Child.node(['--input-type=module', '-e', script]), (one) => one.stop());
    const port = await child.port();
    const peakPort = (await child.says(/peak at (\d+)\./))[1];
    return { port, peak: async () => Number(await (await fetch(`http://127.0.0.1:${peakPort}`)).text()) };
  }

  async function upload(port: number, headers: Readonly<Record<string, string | number>>): Promise<string> {
    const outgoing = opened.add(request({ host: '127.0.0.1', port, method: 'POST', headers }), (one) => one.destroy());
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    await within('the whole upload', new Pouring(outgoing).run(), PATIENCE);
    const [answer] = await within('the answer to the upload', answered);
    let text = '';
    for await (const chunk of answer) text += chunk;
    return text;
  }

  async function begin(port: number): Promise<IncomingMessage> {
    const outgoing: ClientRequest = opened.add(request({ host: '127.0.0.1', port }), (one) => one.destroy());
    outgoing.end();
    const [answer] = (await within('the head of the answer', once(outgoing, 'response'))) as [IncomingMessage];
    return answer;
  }

  it.each([
    ['of known length', { 'Content-Length': SIZE }],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }],
  ])('%s goes up to the origin in a process that hardly grows', async (_name, headers) => {
    const origin = await opened.origin((_request, response) => void response.end());
    const { port, peak } = await startProcess(origin.target);
    await fetch(`http://127.0.0.1:${port}/warm`, { method: 'POST', body: Buffer.alloc(MEGABYTE) });
    origin.script = digesting;
    const before = await peak();
    const uploads = Array.from({ length: AT_ONCE }, () => upload(port, headers));
    expect(new Set(await Promise.all(uploads))).toEqual(new Set([digest]));
    expect((await peak()) - before).toBeLessThan(ROOM);
  });

  it('comes down from the origin in a process that hardly grows', async () => {
    const origin = await opened.origin((_request, response) => void response.end(Buffer.alloc(MEGABYTE)));
    const { port, peak } = await startProcess(origin.target);
    await (await fetch(`http://127.0.0.1:${port}/warm`)).arrayBuffer();
    origin.script = pouring;
    const before = await peak();
    const downloads = Array.from({ length: AT_ONCE }, async () => digestOf(await begin(port)));
    const digests = await within('the whole downloads', Promise.all(downloads), PATIENCE);
    expect(new Set(digests)).toEqual(new Set([digest]));
    expect((await peak()) - before).toBeLessThan(ROOM);
  });

  it('stops its client while the origin does not read, and arrives whole when it reads on', async () => {
    let answerNow = (): void => {};
    const { origin, port } = await opened.proxied((_request, response) => {
      answerNow = () => void response.end('thank you');
    });
    const outgoing = opened.add(
      request({ host: '127.0.0.1', port, method: 'POST', headers: { 'Content-Length': SIZE } }),
      (one) => one.destroy(),
    );
    const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
    const pour = new Pouring(outgoing);
    const poured = pour.run();
    await origin.request(0);
    await pour.stalls();
    expect(pour.written).toBeLessThan(ON_THE_WAY);

    const asked = await origin.request(0);
    expect(await within('the rest of the upload', digestOf(asked.incoming), PATIENCE)).toBe(digest);
    await poured;
    answerNow();
    const [answer] = await within('the answer', answered);
    expect(answer.statusCode).toBe(200);
    answer.resume();
  });

  it('stops its origin while the client does not read, and arrives whole when it reads on', async () => {
    let pour: Pouring | undefined;
    const { port } = await opened.proxied((_request, response) => {
      response.writeHead(200, { 'Content-Length': SIZE });
      pour = new Pouring(response);
      return pour.run();
    });
    const answer = await begin(port);
    await pour?.stalls();
    expect(pour?.written).toBeLessThan(ON_THE_WAY);
    expect(await within('the rest of the download', digestOf(answer), PATIENCE)).toBe(digest);
    expect(pour?.written).toBe(SIZE);
  });
});
