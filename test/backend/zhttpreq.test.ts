/** Requests that wait for a ZeroMQ worker: how many there may be, and that none stays longer than its request. */
import { describe, expect, it } from 'vitest';
import { Reply } from 'zeromq';
import type { AnswerCall } from '../../src/backend/verdict.js';
import { ZhttpReq } from '../../src/backend/zhttpreq.js';
import { decodeTnetstring, encodeTnetstring, type TnetInput, type TnetMap } from '../../src/protocol/tnetstring.js';
import { loadZeroMq } from '../../src/zeromq/load-zeromq.js';
import { Opened } from '../support/closing.js';
import { within } from '../support/deadline.js';
import { originRequest, target } from '../support/origin-requests.js';
import { RecordingReceiver } from '../support/recording-receiver.js';
import { nextTurn, sampleHub } from '../support/sample-hub.js';
import { ipcAddress } from '../support/zhttp-stage.js';

const NOTHING = Buffer.alloc(0);
/** As large as a body may be. */
const LARGE = Buffer.alloc(1_000_000, 'x');

/** Requests of a kind that find room, apart from the one that the socket holds ready. */
const ROOM = [
  ['without a body', NOTHING, 10_000],
  ['with a large body', LARGE, 67],
] as const;

interface Asked {
  readonly receiver: RecordingReceiver;
  readonly call: AnswerCall;
}

describe('requests that wait for a worker', () => {
  const opened = new Opened();

  async function start() {
    const spec = ipcAddress(opened);
    const { wheel, log, warnings, counters, clock } = sampleHub();
    const parts = { zeromq: await loadZeroMq('the test'), wheel, log, warnings, counters, instanceId: 'proxy_1-test' };
    const backend = opened.add(new ZhttpReq(parts), (one) => one.close());
    await backend.bind(spec, 'the test');
    let connected = false;
    const to = target(`zhttpreq/${spec}`);
    const ask = (path: string, body: Buffer): Asked => {
      const receiver = new RecordingReceiver();
      return { receiver, call: backend.send(originRequest({ method: 'POST', path, body }), to, receiver) };
    };
    /** As many, once all of them wait. */
    const askAll = async (count: number, body: Buffer): Promise<Asked[]> => {
      const asked = Array.from({ length: count }, (_, at) => ask(`/${at}`, body));
      await nextTurn();
      return asked;
    };
    const worker = opened.add(new Reply({ linger: 0 }), (one) => one.close());
    /** Paths of the requests that the worker gets from now on, the last of them this one. */
    const served = async (last: string): Promise<string[]> => {
      if (!connected) worker.connect(spec);
      connected = true;
      const paths: string[] = [];
      while (paths.at(-1) !== last) {
        const [message = NOTHING] = await within('a request', worker.receive());
        const request = decodeTnetstring(message.subarray(1)) as TnetMap;
        paths.push(String(request.get('uri')).slice('http://example.com'.length));
        const answer = { id: request.get('id') as TnetInput, code: 200, reason: 'OK', headers: [], body: 'x' };
        const reply = encodeTnetstring(new Map<string, TnetInput>(Object.entries(answer)));
        await worker.send(Buffer.concat([Buffer.from('T'), reply]));
      }
      return paths;
    };
    return { spec, ask, askAll, served, log, counters, clock };
  }

  it.each(ROOM)('%s are so many at most: others are refused, counted and logged', async (_what, body, room) => {
    const { spec, ask, askAll, served, log, counters } = await start();
    const asked = await askAll(room + 3, body);
    const failures = asked.map(({ receiver }) => receiver.failure?.kind);
    expect(failures.filter((kind) => kind !== undefined)).toEqual(['unreachable', 'unreachable']);
    expect(failures.slice(-2)).toEqual(['unreachable', 'unreachable']);
    expect(counters.dropped['queue-full']).toBe(2);
    expect(log.lines).toEqual([
      expect.stringMatching(
        `^warn zhttpreq/${spec}: ${room} requests with \\d+ bytes wait for a worker, others are refused$`,
      ),
    ]);
    // Each that was sent has made room.
    const paths = await served(`/${room}`);
    expect(paths).toEqual(Array.from({ length: room + 1 }, (_, at) => `/${at}`));
    const { receiver } = ask('/more', body);
    await served('/more');
    await receiver.over();
    expect(receiver.told).toEqual(['200', 'x', 'end']);
  });

  it.each(ROOM)('%s make room when nobody waits for them any more', async (_what, body, room) => {
    const { ask, askAll, served, log, counters } = await start();
    for (let time = 0; time < 3; time += 1) {
      for (const { call } of await askAll(room, body)) call.cancel();
    }
    const { receiver } = ask('/last', body);
    // The socket cannot give back what it holds ready.
    expect(await served('/last')).toEqual(['/0', '/last']);
    await receiver.over();
    expect(receiver.told).toEqual(['200', 'x', 'end']);
    expect([counters.dropped['queue-full'], log.lines]).toEqual([0, []]);
  });

  it.each(ROOM)('%s make room when their minute is over', async (_what, body, room) => {
    const { ask, askAll, served, clock, counters } = await start();
    const asked = await askAll(room + 1, body);
    clock.advance(61_000);
    expect(asked.every(({ receiver }) => receiver.failure?.kind === 'unreachable')).toBe(true);
    ask('/last', body);
    expect(await served('/last')).toEqual(['/0', '/last']);
    expect(counters.dropped['queue-full']).toBe(0);
  });
});
