/** SockJS over polling with several workers: each request may come to another worker, and the session is one. */
import SockJS from 'sockjs-client';
import { describe, expect, it } from 'vitest';
import { ownerOf } from '../../src/runtime/workers/sessions-beyond.js';
import { Opened } from '../support/closing.js';
import { Watch } from '../support/deadline.js';
import { EventsOrigin, GRIP, subscribe } from '../support/events-origin.js';
import { itemFor, Several } from '../support/several.js';
import { answerOf, SockjsRequests } from '../support/sockjs-requests.js';
import { GONE, LEFT, OK, OPENED } from '../support/sockjs-stage.js';

describe('a SockJS session over polling', () => {
  const opened = new Opened();

  async function start(): Promise<{ several: Several; sockjs: SockjsRequests }> {
    const origin = opened.add(
      await EventsOrigin.start((request) => {
        if (request.events[0] === 'OPEN') request.answer(['OPEN', subscribe('a')], GRIP);
        else
          request.answer(
            request.events.map((event) => (event.startsWith('TEXT ') ? `TEXT m:${event.slice(5)}` : event)),
          );
      }),
      (one) => one.stop(),
    );
    const several = await Several.start(opened, 3, '--route', `*,sockjs=/echo ${origin.target},over_http`);
    return { several, sockjs: new SockjsRequests(opened, several.port) };
  }

  /** The owner of a session, and another worker. */
  function workersOf(several: Several, session: string): [owner: number, other: number] {
    const workers = several.workers();
    const owner = ownerOf(session, workers.length);
    return [workers[owner] ?? 0, workers[(owner + 1) % workers.length] ?? 0];
  }

  it('serves the real client, whose requests come to any of them', async () => {
    const { several } = await start();
    const watch = new Watch();
    const sessions = Array.from({ length: 6 }, () => {
      const seen: string[] = [];
      const socket = new SockJS(`http://127.0.0.1:${several.port}/echo`, null, { transports: ['xhr-polling'] });
      const note = (text: string): void => {
        seen.push(text);
        watch.changed();
      };
      socket.onopen = () => note('open');
      socket.onmessage = ({ data }) => note(String(data));
      socket.onclose = ({ code }) => note(`close ${code}`);
      opened.add(socket, (one) => one.close());
      return { socket, seen };
    });
    const texts = Array.from({ length: 10 }, (_, at) => `message ${at}`);
    for (const { socket, seen } of sessions) {
      await watch.until('the opening', () => seen.length > 0);
      for (const text of texts) socket.send(text);
    }
    for (const { seen } of sessions) {
      await watch.until(
        'the messages',
        () => seen.length > texts.length,
        () => JSON.stringify(seen),
      );
    }
    await (await several.publisher()).publish([itemFor('a', 'news')]);
    for (const { seen } of sessions) {
      await watch.until('the news', () => seen.length > texts.length + 1);
      expect(seen).toEqual(['open', ...texts, 'news']);
    }
  });

  it('is the same session from whichever worker its requests come to', async () => {
    const { several, sockjs } = await start();
    const [owner, other] = workersOf(several, 'abc');
    expect(owner).not.toBe(other);
    const third = several.workers().find((pid) => pid !== owner && pid !== other) ?? 0;
    /** Asks at a worker that does not have the session: the third one stands still meanwhile, the owner until it is asked. */
    const at = async (target: string, body?: string): Promise<string> => {
      for (const pid of [owner, third]) process.kill(pid, 'SIGSTOP');
      const client = await sockjs.begin('POST', target, body ?? '');
      // Of this worker alone: it has accepted, and read what came before.
      expect(await sockjs.get('/echo/info')).toContain('200 OK');
      for (const pid of [owner, third]) process.kill(pid, 'SIGCONT');
      return answerOf(client);
    };
    expect(await at('/echo/000/abc/xhr')).toBe(OPENED);
    expect(await at('/echo/000/abc/xhr_send', '["hello"]')).toBe(OK);
    expect(await at('/echo/000/abc/xhr')).toContain('a["hello"]\n');
    expect(await at('/echo/000/unknown-at-all/xhr_send', '["hello"]')).toContain('404 Not Found');
  });

  it('hears that its client has left at another worker, and that the worker of the session has died', async () => {
    const { several, sockjs } = await start();
    expect(await sockjs.post('/echo/000/abc/xhr')).toBe(OPENED);
    /** A poll that waits. Of two it is open which one comes first to the session's worker: the other is told so. */
    const begin = async (session: string) => {
      const ask = () => sockjs.begin('POST', `/echo/000/${session}/xhr`, '');
      const [one, two] = [await ask(), await ask()];
      const told = (poll: typeof one): Promise<string> => answerOf(poll).catch(() => 'it waits');
      const [first, second] = [told(one), told(two)];
      const refused = await Promise.race([first, second]);
      expect(refused).toContain('c[2010');
      return one.pending === '' && !one.closed ? one : two;
    };
    (await begin('abc')).close();
    let answer = '';
    while (answer !== LEFT) answer = await sockjs.post('/echo/000/abc/xhr');

    const id = 'other';
    const [dying] = workersOf(several, id);
    expect(await sockjs.post(`/echo/000/${id}/xhr`)).toBe(OPENED);
    // The connection is a living worker's: the dying one stands still while it is accepted.
    process.kill(dying, 'SIGSTOP');
    const poll = await sockjs.begin('POST', `/echo/000/${id}/xhr`, '');
    const info = await sockjs.get('/echo/info');
    expect(info).toContain('200 OK');
    process.kill(dying, 'SIGKILL');
    expect(await answerOf(poll)).toBe(GONE);
    await several.child.says(/serves again/);
    expect(await sockjs.post(`/echo/000/${id}/xhr_send`, '["x"]')).toContain('404 Not Found');
  });
});
