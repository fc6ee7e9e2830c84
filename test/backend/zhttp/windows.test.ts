/** Credits both ways between a client and a ZHTTP worker (specification 9.4): neither side gets more than it takes. */
import { describe, expect, it } from 'vitest';
import type { OriginRequest } from '../../../src/backend/verdict.js';
import { COMMAND_LINE, parseRoutesLines } from '../../../src/routes/load-routes.js';
import type { Target } from '../../../src/routes/route.js';
import { Opened } from '../../support/closing.js';
import { within } from '../../support/deadline.js';
import { RecordingReceiver } from '../../support/recording-receiver.js';
import { ZhttpStage } from '../../support/zhttp-stage.js';
import type { WorkerSession } from '../../support/zhttp-worker.js';

const WINDOW = 200_000;

/** Body that has come to the worker, the first packet included. */
function bodyAt({ first, packets }: WorkerSession): string {
  return [first, ...packets].map(({ body = '' }) => String(body)).join('');
}

function lastPart({ packets }: WorkerSession): boolean {
  const parts = packets.filter(({ type }) => type === undefined);
  return parts.length > 0 && parts.at(-1)?.more === undefined;
}

/** Bytes that tell where they are. */
function text(length: number): string {
  return Array.from({ length: Math.ceil(length / 8) }, (_, at) => String(at).padStart(8, '0'))
    .join('')
    .slice(0, length);
}

describe('the body of a request', () => {
  const opened = new Opened();

  it.each([
    ['Content-Length: 5', 'hello', '5'],
    ['Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n', '5'],
    ['Content-Length: 0', '', '0'],
  ])('goes with the first packet when it is there: %s', async (header, bytes, length) => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    await stage.send(`POST /x HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n${bytes}`);
    const { first } = await worker.session();
    expect(first.headers).toContainEqual(['Content-Length', length]);
    expect(first.body).toBe(bytes === '' ? undefined : 'hello');
    expect(first).not.toHaveProperty('more');
  });

  it('goes on as the worker gives credits, and never beyond them', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const body = text(700_000);
    await stage.send(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const session = await worker.session();
    const first = String(session.first.body).length;
    expect(first).toBeLessThanOrEqual(WINDOW);
    expect(session.first.more).toBe(true);
    // Nothing follows before the worker has spoken; then what it allows, and no byte more.
    expect(session.packets).toEqual([]);
    let granted = 0;
    for (const credits of [1, 5_000, 100_000]) {
      granted += credits;
      await session.send({ type: 'credit', credits });
      await session.until('the bytes', () => bodyAt(session).length === first + granted);
    }
    await session.send({ type: 'credit', credits: 1_000_000 });
    await session.until('the end', () => lastPart(session));
    expect(bodyAt(session)).toBe(body);
    expect(session.packets.map(({ seq }) => seq)).toEqual(session.packets.map((_, at) => at + 1));
    await session.send({ code: 200, headers: [], body: 'taken' });
    await stage.empty();
    expect(session.of('cancel')).toEqual([]);
  });

  it('of unknown length ends with an empty part', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.send('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    // It is sent when so much of it has come.
    const piece = text(20_000);
    client.write(`4e20\r\n${piece}\r\n`);
    const session = await worker.session();
    expect(session.first.headers).not.toContainEqual(['Content-Length', expect.anything()]);
    await session.send({ type: 'credit', credits: WINDOW });
    client.write('3\r\nend\r\n');
    await session.until('the last bytes', () => bodyAt(session) === `${piece}end`);
    expect(lastPart(session)).toBe(false);
    client.write('0\r\n\r\n');
    await session.until('the end', () => lastPart(session));
    expect(session.packets.at(-1)).toEqual({ from: 'proxy_1-test', id: session.id, seq: expect.any(Number) });
  });

  it('that ends before the worker has spoken ends for the worker too', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.send('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    const piece = text(20_000);
    client.write(`4e20\r\n${piece}\r\n`);
    const session = await worker.session();
    expect(session.first.more).toBe(true);
    client.write('0\r\n\r\n');
    // Another request that has come tells that this one's end has come, too.
    const other = await stage.get('/y');
    await (await worker.session()).send({ code: 200, headers: [], body: '' });
    await other.readAnswer();
    await session.send({ type: 'credit', credits: WINDOW });
    await session.until('the end', () => lastPart(session));
    expect(bodyAt(session)).toBe(piece);
    expect(session.of('data')).toHaveLength(1);
    await session.send({ code: 200, headers: [], body: 'taken' });
    expect((await client.readAnswer()).body.toString()).toBe('taken');
    await stage.empty();
    expect(session.of('cancel')).toEqual([]);
  });

  it('makes the client wait while the worker gives no credits', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const size = 30_000_000;
    const client = await stage.send(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
    const piece = Buffer.alloc(100_000, 'x');
    let written = 0;
    const write = (): void => {
      while (written < size) {
        written += piece.length;
        if (!client.write(piece)) return;
      }
    };
    client.socket.on('drain', write);
    write();
    const session = await worker.session();
    await session.send({ type: 'keep-alive' });
    // What fits into the buffers of the system goes, and nothing after that.
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(written).toBeLessThan(size);
    await session.send({ type: 'credit', credits: size });
    await session.until('the end', () => lastPart(session));
    expect(bodyAt(session).length).toBe(size);
  });

  it('goes on while the answer comes, and what is owed for that goes along', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const body = text(500_000);
    const client = await stage.send(`POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const session = await worker.session();
    await session.head([], { body: 'begun\n', credits: 1_000_000 });
    await client.readUntil('begun\n\r\n');
    await session.until('the end', () => lastPart(session));
    await session.until('the credits', () => session.credits === 6);
    expect(bodyAt(session)).toBe(body);
    await session.send({ body: 'done' });
    expect(await client.readUntil('0\r\n\r\n')).toContain('done');
    await stage.empty();
  });

  it('is not asked for any more when the answer is over, and the worker is told', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.send(
      `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n${'x'.repeat(100_000)}`,
    );
    const session = await worker.session();
    await session.send({ code: 403, headers: [], body: 'no' });
    expect((await client.readAnswer()).status).toBe(403);
    await session.gets('cancel');
    await stage.empty();
  });

  it('that is lost with its client ends the session', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.send(
      `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n${'x'.repeat(100_000)}`,
    );
    const session = await worker.session();
    await session.send({ type: 'credit', credits: 10 });
    await session.until('ten bytes', () => session.packets.length > 0);
    client.close();
    await session.gets('cancel');
    await stage.empty();
  });
});

describe('the body of an answer', () => {
  const opened = new Opened();

  it('is asked for as fast as the client takes it', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    client.pause();
    const session = await worker.session();
    await session.head();
    // A worker that keeps to its credits.
    let left = WINDOW;
    let seen = 0;
    let sent = 0;
    const piece = text(10_000);
    const size = 20_000_000;
    let idle = 0;
    while (sent < size && idle < 100) {
      left += session.credits - seen;
      seen = session.credits;
      if (left < piece.length) {
        idle += 1;
        await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      idle = 0;
      left -= piece.length;
      sent += piece.length;
      await session.send({ body: piece, more: true });
    }
    // What fits into the buffers of the system goes, and a window.
    expect(sent).toBeLessThan(size);
    // Kept bytes of this number would be the cost of the test.
    let received = 0;
    let tail = '';
    const over = new Promise<void>((resolve) => {
      client.socket.removeAllListeners('data').on('data', (bytes: Buffer) => {
        received += bytes.length;
        tail = (tail + bytes.subarray(-10).toString('latin1')).slice(-10);
        if (tail.endsWith('\r\n0\r\n\r\n')) resolve();
      });
    });
    client.resume();
    for (; sent < size; sent += piece.length) {
      await session.until('credits', () => left + session.credits - seen >= piece.length);
      left += session.credits - seen - piece.length;
      seen = session.credits;
      await session.send({ body: piece, more: true });
    }
    await session.send({});
    await within('the end of the answer', over);
    // Each piece is a chunk of its own: four digits and two line ends.
    const framing = (size / piece.length) * 8 + '0\r\n\r\n'.length;
    const head = 'HTTP/1.1 200 OK\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(received + client.receivedBytes).toBe(head.length + size + framing);
    await stage.empty();
    expect(stage.log.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  it('may be a little more than there are credits for, which is told once', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    const body = text(390_000);
    await session.head([], { body });
    await session.send({});
    expect((await client.readAnswer()).body.toString()).toBe(body);
    expect(stage.log.lines.filter((line) => line.startsWith('warn'))).toEqual([
      `warn zhttp/${stage.spec}: session ${session.id}: the handler sends more than it has credits for`,
    ]);
  });

  it('ends the session when it is more than two windows', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.head([], { body: text(400_001) });
    expect((await client.readAnswer()).status).toBe(502);
    await session.gets('cancel');
    await stage.empty();
    expect(stage.counters.dropped['invalid-item']).toBe(1);
  });

  it.each([
    ['goes on', true],
    ['is over', false],
  ])('that waits is dropped by who calls it off within a piece, when it %s', async (_what, more) => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const [route] = parseRoutesLines([`* zhttp/${stage.spec}`], COMMAND_LINE).table.routes();
    const target = route?.targets[0] as Target;
    const receiver = new RecordingReceiver();
    receiver.hungry = false;
    const body = Buffer.alloc(0);
    const request: OriginRequest = { method: 'GET', scheme: 'http', authority: 'a', path: '/', headers: [], body };
    const call = stage.sessions.send(request, target, receiver);
    const session = await worker.session();
    // Large enough not to be put together.
    const piece = text(5_000);
    await session.head([], { body: piece });
    for (let count = 0; count < 3; count += 1) await session.send({ body: piece, more: true });
    // Another answer that has come tells that they have.
    const other = await stage.get('/y');
    await (await worker.session()).send({ code: 200, headers: [], body: '' });
    await other.readAnswer();
    expect(receiver.size).toBe(piece.length);
    receiver.leave = () => call.cancel();
    if (more) call.resume();
    else await session.send({});
    await stage.empty();
    expect([receiver.told, receiver.late]).toEqual([['200', piece, piece], 0]);
    if (more) await session.gets('cancel');
  });

  it('in a great many small pieces costs no more than its bytes while the client does not read', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker();
    const client = await stage.get('/x');
    client.pause();
    const session = await worker.session();
    await session.head();
    // Fill what the system takes, so that the rest waits here.
    let sent = 0;
    for (let idle = 0; idle < 100; idle += 1) {
      if (sent - session.credits > 0) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        continue;
      }
      idle = 0;
      sent += 100_000;
      await session.send({ body: text(100_000), more: true });
    }
    for (let count = 0; count < 50_000; count += 1) await session.send({ body: 'x', more: true });
    await session.send({ body: 'the end' });
    client.resume();
    const { body } = await client.readAnswer();
    expect(body.subarray(-50_007).toString()).toBe(`${'x'.repeat(50_000)}the end`);
    await stage.empty();
  });
});
