/** What a `zhttp/` target binds, and what is said when that cannot be had (specification 9.1). */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Reply } from 'zeromq';
import { zhttpAddresses } from '../../src/backend/zhttp/addresses.js';
import type { Holdfast } from '../../src/index.js';
import { decodeTnetstring, encodeTnetstring, type TnetInput, type TnetMap } from '../../src/protocol/tnetstring.js';
import { clientPort, Opened } from '../support/closing.js';
import { CollectedLog } from '../support/collected-log.js';
import { turnUntil, within } from '../support/deadline.js';
import { LineLog } from '../support/events.js';
import { freePorts } from '../support/free-ports.js';
import { ipcAddress } from '../support/zhttp-stage.js';
import { ZhttpWorker } from '../support/zhttp-worker.js';

const HINT = 'Free the address or give the route another one; of ipc: the folder must be writable, and the path short.';

/** The first of some free ports in a row. */
async function portsInARow(count: number): Promise<number> {
  for (;;) {
    const [port = 0] = await freePorts(1);
    const all = await Promise.all(Array.from({ length: count }, (_, at) => isFree(port + at)));
    if (all.every(Boolean)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

describe('a zhttp target', () => {
  const opened = new Opened();

  it.each([
    ['tcp://127.0.0.1:5000', 'tcp://127.0.0.1:5000', 'tcp://127.0.0.1:5001', 'tcp://127.0.0.1:5002'],
    ['tcp://*:65533', 'tcp://*:65533', 'tcp://*:65534', 'tcp://*:65535'],
    ['tcp://[::1]:1', 'tcp://[::1]:1', 'tcp://[::1]:2', 'tcp://[::1]:3'],
    ['ipc:///run/a:b', 'ipc:///run/a:b-out', 'ipc:///run/a:b-out-stream', 'ipc:///run/a:b-in'],
  ])('%s is three addresses', (base, out, outStream, from) => {
    expect(zhttpAddresses(base, 'the test')).toEqual({ out, outStream, in: from });
  });

  it.each(['tcp://127.0.0.1:65534', 'tcp://127.0.0.1:0', 'tcp://127.0.0.1:*', 'tcp://127.0.0.1', 'tcp://a:b'])(
    '%s has no three ports',
    (base) => {
      expect(() => zhttpAddresses(base, 'the route')).toThrow(`unable to bind to ${base} (the route): `);
    },
  );

  it('works over TCP, for HTTP and for the routes that share it', async () => {
    const spec = `tcp://127.0.0.1:${await portsInARow(3)}`;
    const holdfast = await opened.holdfast({ routes: [`a.example zhttp/${spec}`, `* zhttp/${spec}`] });
    const worker = await ZhttpWorker.connect(opened, spec);
    for (const host of ['a.example', 'b.example']) {
      const client = await opened.client(clientPort(holdfast));
      client.write(`GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const session = await worker.session();
      expect(session.first.uri).toBe(`http://${host}/x`);
      await session.head();
      await session.send({ body: 'over TCP' });
      expect((await client.readAnswer()).body.toString()).toBe('over TCP');
    }
    // Its name tells it from others on other machines.
    expect(worker.instanceId).toMatch(new RegExp(`^proxy_${process.pid}-[0-9a-f]{8}$`));
  });

  it('has files with the permissions of ipc_file_mode', async () => {
    const spec = ipcAddress(opened);
    await opened.holdfast({ routes: [`* zhttp/${spec},ipc_file_mode=620`] });
    for (const suffix of ['-out', '-out-stream', '-in']) {
      const mode = statSync(spec.slice('ipc://'.length) + suffix).mode & 0o777;
      expect(mode.toString(8)).toBe('620');
    }
  });

  it.each([0, 1, 2])('that cannot have address %i says so, is answered 502, and keeps no other', async (taken) => {
    const port = await portsInARow(3);
    const other = opened.add(createServer(), (server) => server.close());
    await new Promise<void>((resolve) => other.listen(port + taken, '127.0.0.1', resolve));
    const logger = new CollectedLog('error');
    const spec = `tcp://127.0.0.1:${port}`;
    const holdfast = await opened.holdfast({ routes: [`*,debug zhttp/${spec}`], logger });
    expect(logger.lines).toEqual([
      expect.stringMatching(
        `^error unable to bind to tcp://127.0.0.1:${port + taken} \\(the route target zhttp/${spec}\\): Address already in use\\. ${HINT}$`,
      ),
    ]);
    const client = await opened.get(clientPort(holdfast), '/x');
    expect((await client.readAnswer()).body.toString()).toBe('Error: zhttp service for route is unreachable.\n');
    const free = await Promise.all([0, 1, 2].filter((at) => at !== taken).map((at) => isFree(port + at)));
    expect(free).toEqual([true, true]);
  });

  // Node itself would try for ever to make a folder below /proc.
  it.skipIf(process.platform !== 'linux').each([
    ['zhttp', '-out'],
    ['zhttpreq', ''],
  ])('%s in a folder that cannot be made says so, and all else goes on', async (kind, suffix) => {
    const logger = new CollectedLog('error');
    const spec = 'ipc:///proc/nope/workers';
    const holdfast = await opened.holdfast({ routes: [`a.example ${kind}/${spec}`, '* test'], logger });
    const why = `(the route target ${kind}/${spec}): ENOENT: no such file or directory, mkdir '/proc/nope'`;
    expect(logger.lines).toEqual([`error unable to bind to ${spec}${suffix} ${why}. ${HINT}`]);
    const client = await opened.get(clientPort(holdfast), '/');
    expect((await client.readAnswer()).status).toBe(200);
  });

  it('is not bound for two kinds at once: the log names both, and the first one works', async () => {
    const spec = ipcAddress(opened);
    const logger = new CollectedLog('warn');
    const holdfast = await opened.holdfast({
      routes: [`a.example zhttp/${spec}`, `* zhttpreq/${spec}`],
      logger,
    });
    expect(logger.lines).toEqual([
      `warn zhttp/${spec} and zhttpreq/${spec} are one address: only the first is bound, requests to the other get 502`,
    ]);
    const other = await opened.get(clientPort(holdfast), '/x');
    expect((await other.readAnswer()).status).toBe(502);
    const worker = await ZhttpWorker.connect(opened, spec);
    const client = await opened.client(clientPort(holdfast));
    client.write('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
    await (await worker.session()).send({ code: 200, headers: [], body: 'first' });
    expect((await client.readAnswer()).body.toString()).toBe('first');
  });

  it('is bound by a reload, and sessions go on through another one', async () => {
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
    const file = join(folder, 'routes');
    const spec = ipcAddress(opened);
    writeFileSync(file, '* test\n');
    const holdfast = await opened.holdfast({ settings: { routes: { file, lines: [] } } });
    writeFileSync(file, `* zhttp/${spec}\n`);
    await holdfast.reload();
    const worker = await ZhttpWorker.connect(opened, spec);
    const client = await opened.get(clientPort(holdfast), '/x');
    const session = await worker.session();
    await session.head([], { body: 'begun' });
    await client.readUntil('begun\r\n');
    writeFileSync(file, '* test\n');
    await holdfast.reload();
    await session.send({ body: 'done' });
    expect(await client.readUntil('0\r\n\r\n')).toContain('done');
  });

  it.each([
    ['zhttpreq', 'zhttp', 0],
    ['zhttp', 'zhttpreq', 0],
    ['zhttpreq', 'zhttp', -2],
    ['zhttp', 'zhttp', 1],
    ['zhttp', 'zhttp', 2],
  ])(
    'in the place of another one, %s before and %s from now on, %i ports on, is bound when that is closed',
    async (before, after, step) => {
      const folder = opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
      const file = join(folder, 'routes');
      const first = (await portsInARow(7)) + 2;
      const spec = `tcp://127.0.0.1:${first + step}`;
      writeFileSync(file, `* ${before}/tcp://127.0.0.1:${first}\n`);
      const logger = new LineLog();
      const holdfast = await opened.holdfast({ settings: { routes: { file, lines: [] } }, logger });
      writeFileSync(file, `* ${after}/${spec}\n`);
      await holdfast.reload();
      const errors = logger.lines.filter((line) => line.startsWith('error'));
      const again = 'It is tried again when the addresses that no route has any more are closed';
      expect(errors).toEqual([
        expect.stringMatching(
          `^error: unable to bind to tcp://127.0.0.1:\\d+ \\(the route target ${after}/${spec}\\): Address already in use\\. ${again}$`,
        ),
      ]);
      expect((await (await opened.get(clientPort(holdfast), '/')).readAnswer()).status).toBe(502);
      await logger.until(`info: ${after}/${spec}: bound, the address is free now`);
      expect(logger.count('error: ')).toBe(1);
      const body = after === 'zhttp' ? await servedByZhttp(holdfast, spec) : await servedByReply(holdfast, spec);
      expect(body).toBe('served');
    },
  );

  async function servedByZhttp(holdfast: Holdfast, spec: string): Promise<string> {
    const worker = await ZhttpWorker.connect(opened, spec);
    const client = await opened.get(clientPort(holdfast), '/x');
    await (await worker.session()).send({ code: 200, headers: [], body: 'served' });
    return (await client.readAnswer()).body.toString();
  }

  async function servedByReply(holdfast: Holdfast, spec: string): Promise<string> {
    const worker = opened.add(new Reply({ linger: 0 }), (one) => one.close());
    worker.connect(spec);
    const client = await opened.get(clientPort(holdfast), '/x');
    const [message] = await within('the request', worker.receive());
    const id = (decodeTnetstring((message as Buffer).subarray(1)) as TnetMap).get('id') as TnetInput;
    const answer = new Map<string, TnetInput>(
      Object.entries({ id, code: 200, reason: 'OK', headers: [], body: 'served' }),
    );
    await worker.send(Buffer.concat([Buffer.from('T'), encodeTnetstring(answer)]));
    return (await client.readAnswer()).body.toString();
  }

  it('whose address somebody else has taken meanwhile says so once more, and is tried no longer', async () => {
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
    const file = join(folder, 'routes');
    const port = await portsInARow(4);
    const other = opened.add(createServer(), (server) => server.close());
    await new Promise<void>((resolve) => other.listen(port + 3, '127.0.0.1', resolve));
    writeFileSync(file, `* zhttpreq/tcp://127.0.0.1:${port}\n`);
    const logger = new LineLog();
    const holdfast = await opened.holdfast({ settings: { routes: { file, lines: [] } }, logger });
    writeFileSync(file, `* zhttpreq/tcp://127.0.0.1:${port + 3}\n`);
    await holdfast.reload();
    await logger.until(`Address already in use. ${HINT}`);
    expect(logger.count('error: ')).toBe(2);
    expect(logger.count(': bound')).toBe(0);
  });

  it.each(['zhttp', 'zhttpreq'])('%s lets go of its address when no route has it any more', async (kind) => {
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
    const file = join(folder, 'routes');
    const port = await portsInARow(3);
    const spec = `tcp://127.0.0.1:${port}`;
    writeFileSync(file, `* ${kind}/${spec}\n`);
    const logger = new CollectedLog('info');
    const holdfast = await opened.holdfast({ settings: { routes: { file, lines: [] } }, logger });
    const closed = `info ${kind}/${spec}: no route has it any more, closed`;
    expect(await isFree(port)).toBe(false);
    writeFileSync(file, '* test\n');
    await holdfast.reload();
    await turnUntil('the end of the address', () => logger.lines.includes(closed));
    // libzmq gives up an address a moment after its socket has closed.
    while (!(await isFree(port))) await new Promise((resolve) => setImmediate(resolve));
    writeFileSync(file, `* ${kind}/${spec}\n`);
    await holdfast.reload();
    expect(await isFree(port)).toBe(false);
  });
});
