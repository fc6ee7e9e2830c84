/** The example `zeromq-handler`: REP workers in Node and in Python behind a `zhttpreq` route, each in a process of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { clientPort, Opened } from '../support/closing.js';
import { PYTHON, REQUIREMENTS } from '../support/requirements.js';

const pythonHasZeroMq = REQUIREMENTS.pythonZeroMq.isThere();

const OPENING =
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n' +
  '16\r\nwelcome to the stream\n\r\n';

describe('the example zeromq-handler', () => {
  const opened = new Opened();

  /** Sockets are files in a folder of their own: no port has to be known beforehand. */
  async function start(command: string, file: string) {
    const folder = opened.add(await mkdtemp(join(tmpdir(), 'holdfast-')), (path) => rm(path, { recursive: true }));
    const address = `ipc://${folder}/workers`;
    const holdfast = await opened.holdfast({ routes: [`* zhttpreq/${address}`] });
    const worker = opened.add(Child.start(command, [`examples/zeromq-handler/${file}`, address]), (child) =>
      child.stop(),
    );
    return { address, holdfast, worker, port: clientPort(holdfast) };
  }

  async function holdsAndPublishes(command: string, file: string): Promise<void> {
    const { holdfast, worker, port } = await start(command, file);
    const client = await opened.get(port, '/some/path?x=1');
    expect(await client.readAsLongAs(OPENING)).toBe(OPENING);
    await worker.says(/^GET http:\/\/example\.com\/some\/path\?x=1$/m);

    holdfast.publish({ channel: 'test', formats: { 'http-stream': { content: 'hello there\n' } } });
    expect(await client.readUntil('\n\r\n')).toBe('c\r\nhello there\n\r\n');

    const second = await opened.get(port, '/');
    expect(await second.readAsLongAs(OPENING)).toBe(OPENING);
  }

  it('holds a stream with the worker in Node, and what is published reaches it', async () => {
    await holdsAndPublishes(process.execPath, 'worker.js');
  });

  describe.skipIf(!pythonHasZeroMq)('in Python', () => {
    it('holds a stream with the worker in Python, and what is published reaches it', async () => {
      await holdsAndPublishes(PYTHON, 'worker.py');
    });
  });

  it('answers every one of many requests at once, with two workers', async () => {
    const { address, worker, port } = await start(process.execPath, 'worker.js');
    const other = opened.add(Child.node(['examples/zeromq-handler/worker.js', address]), (child) => child.stop());
    await worker.says(/connected/);
    await other.says(/connected/);
    const clients = await Promise.all(Array.from({ length: 50 }, (_, index) => opened.get(port, `/${index}`)));
    for (const client of clients) expect(await client.readAsLongAs(OPENING)).toBe(OPENING);
    for (const one of [worker, other]) await one.says(/GET http:/);
  });

  it('keeps a request until a worker comes', async () => {
    const folder = opened.add(await mkdtemp(join(tmpdir(), 'holdfast-')), (path) => rm(path, { recursive: true }));
    const address = `ipc://${folder}/workers`;
    const holdfast = await opened.holdfast({ routes: [`* zhttpreq/${address}`] });
    const client = await opened.get(clientPort(holdfast), '/early');
    opened.add(Child.node(['examples/zeromq-handler/worker.js', address]), (child) => child.stop());
    expect(await client.readAsLongAs(OPENING)).toBe(OPENING);
  });
});
