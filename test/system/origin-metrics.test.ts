/** Requests to origins as they are counted, by whatever way they go: each has one result, and none stays open. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Reply } from 'zeromq';
import { decodeTnetstring, encodeTnetstring, type TnetInput, type TnetMap } from '../../src/protocol/tnetstring.js';
import { clientPort, Opened } from '../support/closing.js';
import { freePorts } from '../support/free-ports.js';
import { ORIGIN_CLIENTS } from '../support/origin-clients.js';
import { METRICS_ON as metrics, Watcher } from '../support/watcher.js';
import { HANDSHAKE } from '../support/websocket-client.js';
import { ipcAddress } from '../support/zhttp-stage.js';
import { ZhttpWorker } from '../support/zhttp-worker.js';

const RESULTS = 'holdfast_origin_requests_total';
const OPEN = 'holdfast_origin_requests_open';

describe.each(ORIGIN_CLIENTS)('a request to an origin, with the client %s,', (originClient) => {
  const opened = new Opened();

  it.each([
    ['that answers', 200, { '{result="2xx"}': 1 }],
    ['that hangs up', 0, { '{result="broken"}': 1 }],
    ['that says nothing', -1, { '{result="timeout"}': 1 }],
    ['that breaks off', 1, { '{result="2xx"}': 1 }],
  ])('%s has one result', async (_what, behaviour, results) => {
    const origin = await opened.origin((asked, response) => {
      if (behaviour === 0) asked.incoming.socket.destroy();
      else if (behaviour === 1) response.writeHead(200, { 'Content-Length': 10 }).write('x', () => response.destroy());
      else if (behaviour === 200) response.end('x');
    });
    const holdfast = await opened.holdfast({
      routes: [`* ${origin.target}`],
      settings: { metrics, proxy: { originClient, originIdleTimeout: 0.2 } },
    });
    const client = await opened.client(clientPort(holdfast));
    client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await client.untilClosed();
    const page = await Watcher.of(holdfast).scrape();
    expect(page.nonZero(RESULTS)).toEqual(results);
    expect(page.value('holdfast_origin_answers_broken_total')).toBe(behaviour === 1 ? 1 : 0);
    expect(page.value(OPEN)).toBe(0);
  });

  it('that is repeated on a new connection is one request', async () => {
    const origin = await opened.origin((asked, response) => {
      // The first connection is given up at the very moment of its second request.
      if (asked.connection === 1 && origin.requests.length === 2) asked.incoming.socket.destroy();
      else response.end('x');
    });
    const holdfast = await opened.holdfast({
      routes: [`* ${origin.target}`],
      settings: { metrics, proxy: { originClient } },
    });
    for (let count = 0; count < 2; count += 1) {
      expect((await fetch(`http://127.0.0.1:${clientPort(holdfast)}/`)).status).toBe(200);
    }
    expect(origin.requests).toHaveLength(3);
    const page = await Watcher.of(holdfast).scrape();
    expect(page.nonZero(RESULTS)).toEqual({ '{result="2xx"}': 2 });
    expect(page.value('holdfast_origin_head_seconds_count')).toBe(2);
  });

  it('at several targets is one for each that was tried', async () => {
    const origin = await opened.origin((_asked, response) => void response.end('x'));
    const [closed = 0] = await freePorts(1);
    const holdfast = await opened.holdfast({
      routes: [`* 127.0.0.1:${closed} ${origin.target}`],
      settings: { metrics, proxy: { originClient } },
    });
    expect((await fetch(`http://127.0.0.1:${clientPort(holdfast)}/`)).status).toBe(200);
    const page = await Watcher.of(holdfast).scrape();
    expect(page.nonZero(RESULTS)).toEqual({ '{result="2xx"}': 1, '{result="refused"}': 1 });
  });
});

describe('a handshake with a WebSocket origin', () => {
  const opened = new Opened();

  it.each([
    ['that hangs up', 0, { '{result="broken"}': 1 }],
    ['that refuses', 404, { '{result="4xx"}': 1 }],
    ['whose answer is none', 101, { '{result="1xx"}': 1 }],
  ])('%s has one result', async (_what, behaviour, results) => {
    const origin = await opened.origin((asked, response) => {
      if (behaviour === 0) asked.incoming.socket.destroy();
      else if (behaviour === 404) response.writeHead(404).end();
      else asked.incoming.socket.end('HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    });
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target}`], settings: { metrics } });
    const client = await opened.get(clientPort(holdfast), '/', ...HANDSHAKE);
    await client.readAnswer();
    const page = await Watcher.of(holdfast).scrape();
    expect(page.nonZero(RESULTS)).toEqual(results);
    expect(page.value(OPEN)).toBe(0);
  });

  it('is cancelled by a client that leaves', async () => {
    const origin = await opened.origin(() => {});
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target}`], settings: { metrics } });
    const watcher = Watcher.of(holdfast);
    const client = await opened.get(clientPort(holdfast), '/', ...HANDSHAKE);
    await origin.request(0);
    expect((await watcher.scrape()).value(OPEN)).toBe(1);
    client.close();
    const page = await watcher.until('the end', (one) => one.value(OPEN) === 0);
    expect(page.nonZero(RESULTS)).toEqual({ '{result="cancelled"}': 1 });
  });
});

describe('a request to a ZeroMQ handler', () => {
  const opened = new Opened();

  async function handled(answer: (id: unknown) => Record<string, TnetInput>) {
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'handler-')), (path) => rmSync(path, { recursive: true }));
    const spec = `ipc://${folder}/worker`;
    const holdfast = await opened.holdfast({ routes: [`* zhttpreq/${spec}`], settings: { metrics } });
    const socket = opened.add(new Reply({ linger: 0 }), (one) => one.close());
    socket.connect(spec);
    const work = async (): Promise<void> => {
      for await (const [message] of socket) {
        const { id } = Object.fromEntries(decodeTnetstring((message as Buffer).subarray(1)) as TnetMap);
        const reply = new Map<string, TnetInput>(Object.entries(answer(id)));
        await socket.send(Buffer.concat([Buffer.from('T'), encodeTnetstring(reply)]));
      }
    };
    void work().catch(() => {});
    return { watcher: Watcher.of(holdfast), port: clientPort(holdfast) };
  }

  it.each([
    ['an answer', 200, { code: 200, reason: 'OK', body: 'x' }, { '{result="2xx"}': 1 }],
    ['a refusal', 502, { type: 'error', condition: 'remote-connection-failed' }, { '{result="refused"}': 1 }],
    ['a policy', 502, { type: 'error', condition: 'policy-violation' }, { '{result="blocked"}': 1 }],
  ])('has %s for its result', async (_what, status, answer, results) => {
    const { watcher, port } = await handled((id) => ({ id: id as TnetInput, ...answer }));
    const client = await opened.get(port, '/');
    expect((await client.readAnswer()).status).toBe(status);
    const page = await watcher.scrape();
    expect(page.nonZero(RESULTS)).toEqual(results);
    expect(page.value('holdfast_origin_head_seconds_count')).toBe(status === 200 ? 1 : 0);
    expect(page.value(OPEN)).toBe(0);
  });

  it('is cancelled by a client that leaves', async () => {
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'handler-')), (path) => rmSync(path, { recursive: true }));
    const holdfast = await opened.holdfast({ routes: [`* zhttpreq/ipc://${folder}/nobody`], settings: { metrics } });
    const watcher = Watcher.of(holdfast);
    const client = await opened.get(clientPort(holdfast), '/');
    await watcher.until('the request', (page) => page.value(OPEN) === 1);
    client.close();
    const page = await watcher.until('its end', (one) => one.value(OPEN) === 0);
    expect(page.nonZero(RESULTS)).toEqual({ '{result="cancelled"}': 1 });
  });
});

describe('a handshake with a ZeroMQ handler', () => {
  const opened = new Opened();

  async function start() {
    const spec = ipcAddress(opened);
    const holdfast = await opened.holdfast({ routes: [`* zhttp/${spec}`], settings: { metrics } });
    return { spec, port: clientPort(holdfast), watcher: Watcher.of(holdfast) };
  }

  it.each([
    ['101', { code: 101, headers: [] }, 1, { '{result="1xx"}': 1 }],
    ['a refusal', { type: 'error', condition: 'rejected', code: 403 }, 1, { '{result="4xx"}': 1 }],
    ['an error', { type: 'error', condition: 'remote-connection-failed' }, 0, { '{result="refused"}': 1 }],
    ['a cancel', { type: 'cancel' }, 0, { '{result="broken"}': 1 }],
  ])('has %s for its result', async (_what, answer, heads, results) => {
    const { spec, port, watcher } = await start();
    const worker = await ZhttpWorker.connect(opened, spec);
    const client = await opened.get(port, '/', ...HANDSHAKE);
    const session = await worker.session();
    expect((await watcher.scrape()).value(OPEN)).toBe(1);
    await session.send(answer);
    await client.readUntil('\r\n\r\n');
    const page = await watcher.scrape();
    expect(page.nonZero(RESULTS)).toEqual(results);
    expect(page.value('holdfast_origin_head_seconds_count')).toBe(heads);
    expect(page.value(OPEN)).toBe(0);
  });

  it('has one result when there is none', async () => {
    const { port, watcher } = await start();
    const client = await opened.get(port, '/', ...HANDSHAKE);
    await client.readAnswer();
    const page = await watcher.scrape();
    expect(page.nonZero(RESULTS)).toEqual({ '{result="other"}': 1 });
    expect(page.value(OPEN)).toBe(0);
  });

  it('is cancelled by a client that leaves', async () => {
    const { spec, port, watcher } = await start();
    const worker = await ZhttpWorker.connect(opened, spec);
    const client = await opened.get(port, '/', ...HANDSHAKE);
    await worker.session();
    client.close();
    const page = await watcher.until('its end', (one) => one.nonZero(RESULTS)['{result="cancelled"}'] === 1);
    expect(page.value(OPEN)).toBe(0);
  });
});
