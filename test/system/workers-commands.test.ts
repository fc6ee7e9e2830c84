/** Commands when the connections are in several processes. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { EventsOrigin, subscribe } from '../support/events-origin.js';
import { Several } from '../support/several.js';
import { EventsClient } from '../support/websocket-client.js';

describe('commands for several workers', () => {
  const opened = new Opened();

  it('find connections wherever they are, also when a worker has just died', async () => {
    const origin = opened.add(
      await EventsOrigin.start((request) =>
        request.answer(request.events[0] === 'OPEN' ? ['OPEN', subscribe('room')] : [], {
          'Sec-WebSocket-Extensions': 'grip',
        }),
      ),
      (one) => one.stop(),
    );
    const several = await Several.start(opened, 2, '--route', `* ${origin.target},over_http`);
    const workers = several.workers();
    const ids: string[] = [];
    for (const worker of workers) {
      await several.at(worker, async () => {
        const client = opened.add(new EventsClient(several.port), ({ socket }) => socket.terminate());
        await client.sees(0);
        ids.push((await origin.request(ids.length)).header('Connection-Id') ?? '');
      });
    }
    const [first = '', second = ''] = ids;
    const found = (await several.command('/conncheck', { ids: [first, 'nobody', second] })) as { ids: string[] };
    expect(found.ids.sort()).toEqual([first, second].sort());
    expect(await several.command('/refresh', { cid: second })).toEqual({ message: 'Refreshed' });
    expect((await origin.request(2)).header('Connection-Id')).toBe(second);
    expect(await several.command('/refresh', { channel: 'room' })).toEqual({ message: 'Refreshed' });
    const asked = [await origin.request(3), await origin.request(4)].map((request) => request.header('Connection-Id'));
    expect(new Set(asked)).toEqual(new Set(ids));
    process.kill(workers[0] ?? 0, 'SIGSTOP');
    const waiting = several.command('/conncheck', { ids });
    // Answered behind it: the question is on its way to the worker.
    await several.control('/');
    process.kill(workers[0] ?? 0, 'SIGKILL');
    expect(await waiting).toEqual({ ids: [second] });
  });
});
