/** Clients that move between workers, and what every worker has to hear: prev-ids, recovery, ZeroMQ handlers, limits. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Reply } from 'zeromq';
import { decodeTnetstring, encodeTnetstring, type TnetMap } from '../../src/protocol/tnetstring.js';
import { Opened } from '../support/closing.js';
import type { RawClient } from '../support/raw-client.js';
import { RawOrigin, type RawRequest, responseHold } from '../support/raw-origin.js';
import { itemFor, Several } from '../support/several.js';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfresh';

describe('clients of several workers', () => {
  const opened = new Opened();

  async function origin(): Promise<RawOrigin> {
    return opened.add(await RawOrigin.start(), (one) => one.stop());
  }

  /** What a request says the client has seen last: `?last=7` asks for a hold behind 7. */
  function lastOf({ target }: RawRequest): string {
    return /last=(\w+)/.exec(target)?.[1] ?? '';
  }

  it('miss nothing that their prev-id covers when they come back to another worker', async () => {
    const backend = await origin();
    let round = 0;
    backend.reply('/poll', (request) => {
      // Asked again: it knows better by now.
      const again = /^grip-last:/im.test(request.head);
      request.connection.write(again ? ANSWER : responseHold(`c${round}; prev-id=${lastOf(request)}`));
    });
    backend.reply('/fence', responseHold('fence'));
    const several = await Several.start(opened, 2, '--route', `* ${backend.target}`);
    const publisher = await several.publisher();
    const [one = 0, other = 0] = several.workers();
    /** Resolves when a worker has all that was published before. */
    const fence = async (worker: number): Promise<void> => {
      const client = await several.at(worker, async () => {
        const waiting = await opened.get(several.port, '/fence');
        await several.child.says(new RegExp(`(?:channel=fence\\n[\\s\\S]*){${round}}`));
        return waiting;
      });
      await publisher.publish([itemFor('fence', 'reached')]);
      expect((await client.readAnswer()).body.toString()).toBe('reached');
    };
    const poll = (worker: number, last: string): Promise<RawClient> =>
      several.at(worker, async () => {
        const asked = backend.requests.length + 1;
        const client = await opened.get(several.port, `/poll?last=${last}`);
        await backend.until('the poll', () => backend.requests.length >= asked);
        await several.child.says(new RegExp(`(?:poll\\?last=${last} -> [\\s\\S]*){${round}}`));
        return client;
      });
    for (const [from, to] of [
      [one, other],
      [other, one],
      [one, one],
    ] as const) {
      round += 1;
      const first = await poll(from, '1');
      await several.child.says(new RegExp(`channel=c${round}\\n`));
      await publisher.publish([itemFor(`c${round}`, 'two', { id: '2', 'prev-id': '1' })]);
      expect((await first.readAnswer()).body.toString()).toBe('two');
      // Nobody waits now; the channel lingers in the worker it was in.
      await publisher.publish([itemFor(`c${round}`, 'three', { id: '3', 'prev-id': '2' })]);
      await fence(from);
      const second = await poll(to, '2');
      expect((await second.readAnswer()).body.toString()).toBe('fresh');
      const asked = backend.requests.at(-1)?.head ?? '';
      expect(asked).toMatch(new RegExp(`^grip-last: c${round}; last-id=2\\r$`, 'im'));
      // What the origin says next follows what is published next.
      const third = await poll(to, '3');
      await several.child.says(new RegExp(`last=3 channel=c${round}\\n`));
      await publisher.publish([itemFor(`c${round}`, 'four', { id: '4', 'prev-id': '3' })]);
      expect((await third.readAnswer()).body.toString()).toBe('four');
    }
  });

  it('are asked for again in all workers by POST /recover', async () => {
    const backend = await origin();
    backend.reply('/poll', (request) => {
      const again = /^grip-last:/im.test(request.head);
      request.connection.write(again ? ANSWER : responseHold('c; prev-id=1'));
    });
    const several = await Several.start(opened, 2, '--route', `* ${backend.target}`);
    const polls: RawClient[] = [];
    for (const worker of several.workers()) {
      await several.at(worker, async () => {
        polls.push(await opened.get(several.port, '/poll'));
        await several.child.says(new RegExp(`(?:subscribe \\S+ channel=c\\n[\\s\\S]*){${polls.length}}`));
      });
    }
    expect(await several.control('/recover')).toBe(200);
    for (const client of polls) expect((await client.readAnswer()).body.toString()).toBe('fresh');
    expect(backend.requests).toHaveLength(4);
  });

  it('get their answers from ZeroMQ handlers whichever worker asks', async () => {
    const folder = opened.add(await mkdtemp(join(tmpdir(), 'holdfast-')), (path) => rm(path, { recursive: true }));
    const address = `ipc://${folder}/handlers`;
    const several = await Several.start(opened, 3, '--route', `* zhttpreq/${address}`);
    const socket = opened.add(new Reply({ linger: 0 }), (one) => one.close());
    socket.connect(address);
    const work = async (): Promise<void> => {
      for await (const [message] of socket) {
        const request = decodeTnetstring((message as Buffer).subarray(1)) as TnetMap;
        const body = `${request.get('method')} ${request.get('uri')} ${request.get('body') ?? ''}`;
        const held = String(request.get('uri')).endsWith('/held');
        const headers = held
          ? [
              ['Grip-Hold', 'stream'],
              ['Grip-Channel', 'z'],
            ]
          : [['X-Handler', 'yes']];
        const answer = { id: request.get('id'), code: 200, reason: 'OK', headers, body };
        await socket.send(
          Buffer.concat([Buffer.from('T'), encodeTnetstring(new Map(Object.entries(answer)) as never)]),
        );
      }
    };
    void work().catch(() => {});
    const streams: RawClient[] = [];
    for (const worker of several.workers()) {
      await several.at(worker, async () => {
        const client = await opened.client(several.port);
        client.write('POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello');
        const { head, body } = await client.readAnswer();
        expect(body.toString()).toBe('POST http://a/one hello');
        expect(head).toContain('X-Handler: yes\r\n');
        const stream = await opened.get(several.port, '/held');
        await stream.readUntil('\n\r\n'.slice(2));
        await stream.readUntil('/held');
        streams.push(stream);
      });
    }
    await (await several.publisher()).publish([itemFor('z', 'news')]);
    for (const stream of streams) await stream.readUntil('news\n');
    expect(streams).toHaveLength(3);
  });

  it('share http.max_connections', async () => {
    const several = await Several.start(opened, 2, '--route', '* test', '--set', 'http.max_connections=4');
    for (const worker of several.workers()) {
      await several.at(worker, async () => {
        for (const channel of ['a', 'b']) {
          const client = await opened.get(several.port, `/stream?channel=${channel}`);
          await client.readUntil('[stream opened]');
        }
      });
    }
    const last = await opened.get(several.port, '/');
    await last.untilClosed();
    expect(last.pending).toBe('');
    await several.child.says(/closed a connection at once: 2 are open \(http\.max_connections\)\n/);
  });
});
