/** ZHTTP workers behind a Holdfast of several processes: the sockets are in one, the sessions in all others. */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { Several, untilEnded } from '../support/several.js';
import { EventsClient } from '../support/websocket-client.js';
import { ipcAddress } from '../support/zhttp-stage.js';
import { type WorkerSession, ZhttpWorker } from '../support/zhttp-worker.js';

describe('a Holdfast of two workers', () => {
  const opened = new Opened();

  async function start(): Promise<{ several: Several; worker: ZhttpWorker; spec: string }> {
    const spec = ipcAddress(opened);
    const several = await Several.start(opened, 2, '--route', `* zhttp/${spec}`);
    return { several, worker: await ZhttpWorker.connect(opened, spec), spec };
  }

  it('streams both ways from each of its workers, within the credits of both sides', async () => {
    const { several, worker } = await start();
    const body = 'x'.repeat(500_000);
    const names = new Set<unknown>();
    for (const pid of several.workers()) {
      const client = await several.at(pid, async () => {
        const one = await opened.client(several.port);
        one.write(`POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
        return one;
      });
      const session = await worker.session();
      names.add(session.first.from);
      const size = (): number =>
        [session.first, ...session.packets].reduce((sum, { body: part = '' }) => sum + String(part).length, 0);
      await session.send({ type: 'credit', credits: 1_000 });
      const first = String(session.first.body).length;
      await session.until('a thousand bytes', () => size() === first + 1_000);
      await session.send({ type: 'credit', credits: body.length });
      await session.until('the body', () => size() === body.length);
      await session.head();
      for (let count = 1; count <= 5; count += 1) {
        await session.send({ body: `${count}`.repeat(150_000), more: true });
        await session.until('the credits', () => session.credits === count * 150_000);
      }
      await session.send({ body: 'end' });
      expect((await client.readAnswer()).body.length).toBe(750_003);
      expect(session.packets.map(({ seq }) => seq)).toEqual(session.packets.map((_, at) => at + 1));
    }
    // Handlers know all of them by one name.
    expect([...names]).toEqual([worker.instanceId]);
  });

  /** A WebSocket in this worker. */
  async function socketAt(several: Several, worker: ZhttpWorker, pid: number) {
    const { client, session } = await several.at(pid, async () => {
      const one = opened.add(new EventsClient(several.port), ({ socket }) => socket.terminate());
      const begun: WorkerSession = await worker.session();
      await begun.send({ code: 101, headers: [], credits: 200_000 });
      await one.sees(0);
      return { client: one, session: begun };
    });
    return { client, session };
  }

  it('cancels the sessions of a worker that is killed, and no others', async () => {
    const { several, worker } = await start();
    const [first = 0, second = 0] = several.workers();
    const gone = await socketAt(several, worker, first);
    const left = await socketAt(several, worker, second);
    gone.client.socket.send('said');
    expect(await gone.session.gets('data')).toMatchObject({ body: 'said' });
    process.kill(first, 'SIGKILL');
    await untilEnded([first]);
    expect(await gone.client.ended()).toBe('close 1006');
    const cancel = await gone.session.gets('cancel');
    expect(cancel.seq).toBe(gone.session.packets.length);
    await left.session.send({ body: 'still here' });
    expect(await left.client.sees(1)).toBe('text still here');
    left.client.socket.send('and I');
    expect(await left.session.gets('data')).toMatchObject({ body: 'and I' });
    expect(left.session.of('cancel')).toEqual([]);
  });

  it('tells its workers of a handler that has gone, and of one that is not there', async () => {
    const { several, worker, spec } = await start();
    const ends: Promise<string>[] = [];
    for (const pid of several.workers()) ends.push((await socketAt(several, worker, pid)).client.ended());
    worker.die();
    expect(await Promise.all(ends)).toEqual(['close 1006', 'close 1006']);
    const client = await opened.get(several.port, '/x');
    expect((await client.readAnswer()).status).toBe(502);
    // Who comes again is asked again.
    const next = await ZhttpWorker.connect(opened, spec);
    const served = await opened.get(several.port, '/y');
    await (await next.session()).send({ code: 200, headers: [], body: 'served' });
    expect((await served.readAnswer()).body.toString()).toBe('served');
  });

  it('ends the sessions whose packets a worker that stands still did not get, and no others', async () => {
    const { several, worker } = await start();
    const [pid = 0] = several.workers();
    const begun = (path: string) =>
      several.at(pid, async () => {
        const client = await opened.get(several.port, path);
        const session = await worker.session();
        await session.head([], { body: 'begun' });
        await client.readUntil('begun\r\n');
        return { client, session };
      });
    const [flood, last, middle, quiet] = [
      await begun('/flood'),
      await begun('/last'),
      await begun('/middle'),
      await begun('/quiet'),
    ];
    const socket = await socketAt(several, worker, pid);
    process.kill(pid, 'SIGSTOP');
    try {
      // Beyond what may wait for a worker.
      for (let count = 0; count < 70; count += 1) {
        await flood.session.send({ body: 'x'.repeat(1_000_000), more: true });
      }
      await flood.session.gets('cancel');
      await last.session.send({ body: 'the end' });
      await middle.session.send({ body: 'more', more: true });
      await middle.session.gets('cancel');
      await socket.session.send({ body: 'whole' });
      await socket.session.gets('cancel');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    for (const { client } of [flood, last, middle]) await client.untilClosed();
    expect(await socket.client.ended()).toBe('close 1006');
    expect([last.client.pending, middle.client.pending]).toEqual(['', '']);
    expect([last.session.of('cancel'), quiet.session.of('cancel')]).toEqual([[], []]);
    await quiet.session.send({ body: 'still here' });
    expect(await quiet.client.readUntil('0\r\n\r\n')).toContain('still here');
    await several.child.says(/zhttp: packets of handlers are dropped/);
  });

  it('binds what an old route still held when that is closed, for all of its workers', async () => {
    const old = ipcAddress(opened);
    const file = join(dirname(old.slice('ipc://'.length)), 'routes');
    writeFileSync(file, `* zhttpreq/${old}-in\n`);
    const several = await Several.start(opened, 2, '--set', `routes.file=${file}`);
    writeFileSync(file, `* zhttp/${old}\n`);
    several.child.signal('SIGHUP');
    await several.child.says(/unable to bind to .*: Address already in use\. It is tried again/);
    await several.child.says(/zhttp\/.*: bound, the address is free now/);
    const worker = await ZhttpWorker.connect(opened, old);
    for (const pid of several.workers()) {
      const { client, session } = await several.at(pid, async () => {
        const one = await opened.get(several.port, '/x');
        return { client: one, session: await worker.session() };
      });
      await session.send({ code: 200, headers: [], body: 'served' });
      expect((await client.readAnswer()).body.toString()).toBe('served');
    }
  });

  it('ends in order, and its sessions with it', async () => {
    const { several, worker } = await start();
    const [pid = 0] = several.workers();
    const { client, session } = await socketAt(several, worker, pid);
    several.child.signal('SIGTERM');
    expect(await client.ended()).toBe('close 1001');
    await session.gets('cancel');
    expect((await several.child.ended()).code).toBe(0);
  });
});
