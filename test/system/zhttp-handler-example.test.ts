/** The example `zhttp-handler`: streaming workers in Node and in Python behind a `zhttp` route, each in a process of its own. */
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { clientPort, Opened } from '../support/closing.js';
import { CollectedLog } from '../support/collected-log.js';
import type { RawClient } from '../support/raw-client.js';
import { noticeOf, PYTHON, REQUIREMENTS } from '../support/requirements.js';
import { EventsClient } from '../support/websocket-client.js';
import { ipcAddress } from '../support/zhttp-stage.js';

const pythonHasZeroMq = REQUIREMENTS.pythonZeroMq.isThere();

const WORKERS = [
  { language: 'Node', command: process.execPath, file: 'worker.js', isThere: true },
  { language: 'Python', command: PYTHON, file: 'worker.py', isThere: pythonHasZeroMq },
] as const;

describe.each(WORKERS)('the example zhttp-handler in $language', ({ command, file, isThere }) => {
  const opened = new Opened();

  async function start() {
    const address = ipcAddress(opened);
    const log = new CollectedLog('warn');
    const holdfast = await opened.holdfast({ routes: [`* zhttp/${address}`], logger: log });
    const port = clientPort(holdfast);
    const worker = opened.add(Child.start(command, [`examples/zhttp-handler/${file}`, address]), (child) =>
      child.stop(),
    );
    await worker.says(/^connected to /m);
    const ask = async (bytes: string): Promise<RawClient> => {
      // Its sockets connect one by one, and nothing tells when the last of them has.
      for (;;) {
        const client = await opened.client(port);
        client.write(bytes);
        await client.readUntil('\r\n');
        if (!client.pending.includes('Error while proxying')) return client;
      }
    };
    return { worker, port, log, ask };
  }

  it.skipIf(!isThere)(isThere ? 'streams line by line' : noticeOf(REQUIREMENTS.pythonZeroMq), async () => {
    const { worker, ask } = await start();
    const client = await ask('GET /some/path HTTP/1.1\r\nHost: example.com\r\n\r\n');
    expect(await client.readUntil('0\r\n\r\n')).toContain(
      [1, 2, 3, 4, 5].map((line) => `7\r\nline ${line}\n\r\n`).join(''),
    );
    await worker.says(/^GET http:\/\/example\.com\/some\/path$/m);
  });

  it.skipIf(!isThere)('takes an upload that is far larger than a window', async () => {
    const { ask } = await start();
    const size = 3_000_000;
    const client = await ask(`PUT /file HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`);
    await client.readUntil(`${size} bytes\n`);
  });

  it.skipIf(!isThere)('says on a WebSocket what it hears, and hears that it is over', async () => {
    const { ask, port, worker } = await start();
    await ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const client = opened.add(new EventsClient(port), ({ socket }) => socket.terminate());
    await client.sees(0);
    const long = 'y'.repeat(450_000);
    for (const text of ['hello', long]) client.socket.send(text);
    client.socket.ping('p');
    await client.sees(3);
    expect(client.heard).toEqual(['text hello', `text ${long}`, 'pong p']);
    client.socket.close(4000);
    expect(await client.ended()).toBe('close 4000');
    const broken = opened.add(new EventsClient(port), ({ socket }) => socket.terminate());
    await broken.sees(0);
    broken.socket.terminate();
    await worker.says(/^over: /m);
  });

  it.skipIf(!isThere)('waits on a WebSocket for a client that does not read, and then says all of it', async () => {
    const { ask, port, log } = await start();
    await ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const client = opened.add(new EventsClient(port), ({ socket }) => socket.terminate());
    await client.sees(0);
    client.socket.pause();
    const count = 300;
    const text = 'z'.repeat(100_000);
    for (let sent = 0; sent < count; sent += 1) client.socket.send(text);
    let before = -1;
    while (before !== client.socket.bufferedAmount) {
      before = client.socket.bufferedAmount;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    // Who does not hear may not go on speaking.
    expect(before).toBeGreaterThan(0);
    client.socket.resume();
    await client.sees(count);
    expect(client.heard.every((heard) => heard === `text ${text}`)).toBe(true);
    expect(log.lines).toEqual([]);
  });
});
