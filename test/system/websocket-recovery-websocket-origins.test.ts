/** Detaching and recovery where the origin speaks WebSocket itself: what was missed is asked for at another address. */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { subscribed } from '../support/events.js';
import { EventsOrigin } from '../support/events-origin.js';
import { ManualClock } from '../support/manual-clock.js';
import { knows, LOST } from '../support/recovery-stage.js';
import { EventsClient } from '../support/websocket-client.js';
import { WebSocketOriginServer } from '../support/websocket-origin.js';

const opened = new Opened();

async function set() {
  const origin = await WebSocketOriginServer.start({ headers: ['Sec-WebSocket-Extensions: grip'] });
  opened.add(origin, (one) => one.stop());
  const links = opened.add(await EventsOrigin.start(), (one) => one.stop());
  const clock = new ManualClock();
  const settings = { hold: { updateOnFirstSubscription: false } };
  const holdfast = await opened.holdfast({ routes: [`* ${origin.target}`], clock, settings });
  const client = opened.add(new EventsClient(clientPort(holdfast)), ({ socket }) => socket.terminate());
  await client.sees(0);
  const side = await origin.side();
  const control = (message: object): void => side.socket.send(`c:${JSON.stringify(message)}`);
  const publish = (id: string, prevId: string): void => {
    const formats = { 'ws-message': { content: id } };
    holdfast.publish({ channel: 'c', id, 'prev-id': prevId, 'no-seq': true, formats });
  };
  const ready = subscribed(holdfast, 'c');
  const recover = `http://${links.target}/missed`;
  control({ type: 'subscribe', channel: 'c', 'prev-id': '41', recover, 'recover-failed': LOST });
  await ready;
  const asked = async (index: number) => {
    await turnUntil(`question ${index}`, () => {
      clock.advance(50);
      return links.requests.length > index;
    });
    return links.request(index);
  };
  return { client, side, control, publish, asked };
}

describe('an origin that speaks WebSocket', () => {
  it('is asked by HTTP, and told as if its client had spoken', async () => {
    const { client, side, publish, asked } = await set();
    publish('43', '42');
    const first = await asked(0);
    expect([first.method, first.url, first.header('Grip-Last')]).toEqual(['GET', '/missed', 'c; last-id=41']);
    first.answer(['TEXT 42'], knows('42'));
    expect([await client.sees(1), await client.sees(2)]).toEqual(['text 42', 'text 43']);
    publish('50', '49');
    (await asked(1)).reply(410, {});
    expect(await side.sees(0)).toBe(`text ${LOST}`);
    expect(await client.sees(3)).toBe('text 50');
  });

  it('is closed with 1000 when it detaches, and its client stays', async () => {
    const { client, side, control, publish } = await set();
    control({ type: 'detach' });
    expect(await side.ended()).toBe('close 1000');
    publish('42', '41');
    expect(await client.sees(1)).toBe('text 42');
    client.socket.send('unheard');
    client.socket.close(4000);
    expect(await client.ended()).toBe('close 1000');
    expect(side.seen).toEqual(['close 1000']);
  });
});
