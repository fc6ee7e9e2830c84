/**
 * The same requests and the same workers behind a `zhttp/` target of Debian's pushpin and of Holdfast: the workers get the
 * same packets, and the clients the same answers, but for what is said here (specification 9.2 to 9.8).
 */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { Pushpin } from '../support/pushpin.js';
import { RawClient } from '../support/raw-client.js';
import { REQUIREMENTS } from '../support/requirements.js';
import { closing, frame, HANDSHAKE } from '../support/websocket-client.js';
import { ipcAddress } from '../support/zhttp-stage.js';
import { type Fields, type Packet, type WorkerSession, ZhttpWorker } from '../support/zhttp-worker.js';

type Side = 'pushpin' | 'holdfast';

/** One exchange: what the client sends, what the worker does with it. */
interface Exchange {
  readonly name: string;
  readonly request: string;
  readonly worker: (session: WorkerSession, client: RawClient) => Promise<void>;
  /** Turns what the original's worker got into what Holdfast's must get. */
  readonly explained?: (packets: Packet[]) => Packet[];
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: zhttp.example\r\nX-Some: thing\r\n\r\n`;
const whole = (fields: Fields = {}) => ({
  code: 200,
  reason: 'OK',
  headers: [['X-Worker', 'yes']],
  body: 'hello',
  ...fields,
});
const BIG = 'x'.repeat(300_000);

const EXCHANGES: readonly Exchange[] = [
  {
    name: 'a request that is answered in one packet',
    request: get('/whole?a=b'),
    worker: async (session, client) => {
      await session.send(whole());
      await client.readUntil('hello');
    },
  },
  {
    name: 'a HEAD',
    request: get('/head').replace('GET', 'HEAD'),
    worker: async (session, client) => {
      await session.send(whole({ body: '' }));
      await client.readUntil('\r\n\r\n');
    },
  },
  {
    name: 'a body with a length',
    request: 'POST /length HTTP/1.1\r\nHost: zhttp.example\r\nContent-Length: 5\r\n\r\nhello',
    worker: async (session, client) => {
      await session.send(whole());
      await client.readUntil('hello');
    },
  },
  {
    name: 'a body in chunks',
    request: 'PUT /chunks HTTP/1.1\r\nHost: zhttp.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    worker: async (session, client) => {
      await session.send(whole());
      await client.readUntil('hello');
    },
    // A body that is whole has a length.
    explained: (packets) => packets.map((packet) => withHeader(packet, 'Content-Length: 5')),
  },
  {
    name: 'an answer that comes bit by bit',
    request: get('/stream'),
    worker: async (session, client) => {
      // Only to a worker that takes packets for several sessions does the original send a sign of life at once.
      await session.head([], { ext: new Map([['multi', true]]) });
      await client.readUntil('\r\n\r\n');
      await session.gets('keep-alive');
      await session.send({ body: 'part 1\n', more: true });
      await session.until('the credits', () => session.credits === 7);
      await session.send({ body: 'part 2\n' });
      await client.readUntil('0\r\n\r\n');
    },
  },
  {
    name: 'a client that leaves',
    request: get('/left'),
    worker: async (session, client) => {
      await session.head([], { body: 'begun' });
      await client.readUntil('begun\r\n');
      await session.until('the credits', () => session.credits === 5);
      client.close();
      await session.gets('cancel');
    },
  },
  {
    name: 'a number that is not due',
    request: get('/number'),
    worker: async (session) => {
      await session.head([], { body: 'begun' });
      await session.until('the credits', () => session.credits === 5);
      await session.say({ seq: 7, body: 'x', more: true });
      await session.gets('cancel');
    },
  },
  {
    name: 'an upload that needs credits',
    request: `POST /upload HTTP/1.1\r\nHost: zhttp.example\r\nContent-Length: ${BIG.length}\r\n\r\n${BIG}`,
    worker: async (session, client) => {
      await session.send({ type: 'credit', credits: BIG.length });
      const size = (): number =>
        [session.first, ...session.packets].reduce((sum, { body = '' }) => sum + String(body).length, 0);
      await session.until('the body', () => size() === BIG.length);
      await session.send(whole());
      await client.readUntil('hello');
    },
  },
  {
    name: 'a WebSocket',
    request: [`GET /socket HTTP/1.1`, 'Host: zhttp.example', ...HANDSHAKE, 'Sec-WebSocket-Protocol: x', '', ''].join(
      '\r\n',
    ),
    worker: async (session, client) => {
      const headers = [['Sec-WebSocket-Protocol', 'x']];
      await session.send({ code: 101, reason: 'Switching Protocols', headers, credits: 200_000 });
      await client.readUntil('\r\n\r\n');
      await session.send({ body: 'one ', more: true });
      await session.send({ body: 'two' });
      await session.until('the credits', () => session.credits === 7);
      client.write(frame('text', 'hello'));
      await session.until('the text', () => session.of('data').length === 1);
      client.write(frame('binary', 'bytes'));
      await session.until('the bytes', () => session.of('data').length === 2);
      client.write(frame('ping', 'p'));
      await session.gets('ping');
      client.write(frame('pong', 'q'));
      await session.gets('pong');
      client.write(frame('close', closing(4000, 'why')));
      await session.gets('close');
      await session.send({ type: 'close', code: 4000, body: 'why' });
      await client.untilClosed();
    },
    // Holdfast sends one to every worker: so it finds out at once whether it can be reached.
    explained: ([first = {}, ...others]) => [first, { type: 'keep-alive' }, ...others],
  },
];

const CONDITIONS = [
  'remote-connection-failed',
  'connection-timeout',
  'tls-error',
  'policy-violation',
  'length-required',
  'disconnected',
  'bad-request',
  'surprise',
];

describe.skipIf(!REQUIREMENTS.pushpin.isThere())('ZHTTP workers of pushpin and of Holdfast', () => {
  const opened = new Opened();

  async function start(side: Side): Promise<{ worker: ZhttpWorker; port: number; spec: string }> {
    const spec = ipcAddress(opened);
    const routes = [`*,debug zhttp/${spec}`];
    const port =
      side === 'pushpin'
        ? opened.add(await Pushpin.start({ routes }), (one) => one.stop()).port
        : clientPort(await opened.holdfast({ routes }));
    return { worker: await ZhttpWorker.connect(opened, spec), port, spec };
  }

  /** What the worker got in each exchange. */
  async function play(side: Side): Promise<Map<string, Packet[]>> {
    const { worker, port } = await start(side);
    const seen = new Map<string, Packet[]>();
    for (const { name, request, worker: work } of EXCHANGES) {
      const client = opened.add(await RawClient.connect(port), (one) => one.close());
      client.write(request);
      const session = await worker.session();
      await work(session, client);
      seen.set(name, [session.first, ...session.packets]);
      client.close();
    }
    return seen;
  }

  it('get the same packets', async () => {
    const [theirs, ours] = [await play('pushpin'), await play('holdfast')];
    for (const { name, explained = (packets: Packet[]) => packets } of EXCHANGES) {
      const expected = explained(comparable(theirs.get(name) ?? []));
      expect(comparable(ours.get(name) ?? []), name).toEqual(expected);
    }
  });

  it('have their errors told to clients in the same words', async () => {
    const answers: Record<Side, string[]> = { pushpin: [], holdfast: [] };
    for (const side of ['pushpin', 'holdfast'] as const) {
      const { worker, port, spec } = await start(side);
      for (const condition of CONDITIONS) {
        const client = opened.add(await RawClient.connect(port), (one) => one.close());
        client.write(get('/error'));
        await (await worker.session()).send({ type: 'error', condition });
        const { status, body } = await client.readAnswer();
        answers[side].push(`${condition}: ${status} ${body.toString().replace(spec, 'SPEC')}`);
      }
    }
    expect(answers.holdfast).toEqual(answers.pushpin);
  });
});

function withHeader(packet: Packet, line: string): Packet {
  if (!Array.isArray(packet.headers)) return packet;
  return { ...packet, headers: [...packet.headers, line].sort() };
}

/** Without what is chance, or a later version's; parts of a body as one, and credits too: how they are cut is chance. */
function comparable(packets: readonly Packet[]): Packet[] {
  const all: Packet[] = [];
  for (const { from: _from, id: _id, seq: _seq, 'router-resp': _later, ...packet } of packets) {
    const { headers } = packet;
    const before = all.at(-1);
    if (before?.more === true && packet.type === undefined) {
      const { more: _more, ...rest } = before;
      all[all.length - 1] = { ...rest, ...packet, body: `${before.body ?? ''}${packet.body ?? ''}` };
      continue;
    }
    if (before?.type === 'credit' && packet.type === 'credit') {
      all[all.length - 1] = { type: 'credit', credits: Number(before.credits) + Number(packet.credits) };
      continue;
    }
    all.push(Array.isArray(headers) ? { ...packet, headers: headerLines(headers) } : packet);
  }
  return all;
}

/** In any order; signatures have a time, and the list of features grows. */
function headerLines(headers: readonly unknown[]): string[] {
  return headers
    .map((header) => (header as readonly string[]).join(': '))
    .map((line) => line.replace(/^(Grip-Sig|Grip-Feature): .*/, '$1'))
    .sort();
}
