/** WebSockets whose origin can be asked for what a client missed: nothing is lost, doubled or out of order. */
import { describe, expect, it } from 'vitest';
import { controlUri, Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { GRIP, opening } from '../support/events-origin.js';
import { control, following, knows, RecoveryStage } from '../support/recovery-stage.js';
import { Stage } from '../support/websocket-stage.js';

describe('items that follow each other', () => {
  const opened = new Opened();

  it('are sent as they come, and nobody is asked', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    one.publish('42', '41');
    one.publish('43', '42');
    one.publish('44', '43', {}, { type: 'binary' });
    await client.sees(3);
    expect(client.heard).toEqual(['text 42', 'text 43', 'binary 44']);
    one.stage.clock.advance(60_000);
    expect([one.links.length, one.stage.holdfast.counters.originRequests]).toEqual([0, 1]);
  });

  it('count as seen when a filter keeps them back', async () => {
    const meta = control({ type: 'set-meta', name: 'user', value: 'alice' });
    const one = await RecoveryStage.set(opened, [meta, following({ filters: ['skip-self'] })]);
    const client = await one.open();
    one.publish('42', '41', { meta: { sender: 'alice' } });
    one.publish('43', '42');
    await client.sees(1);
    expect([client.heard, one.links.length]).toEqual([['text 43'], 0]);
  });

  it('are left out when the client has them already', async () => {
    const one = await RecoveryStage.set(opened, [following()], { settings: { publish: { idCacheTtl: 0 } } });
    const client = await one.open();
    one.publish('42', '41');
    one.publish('42', '41');
    one.publish('43', '42');
    await client.sees(2);
    expect([client.heard, one.links.length]).toEqual([['text 42', 'text 43'], 0]);
    expect(one.stage.holdfast.counters.dropped.gap).toBe(1);
  });

  it('end the following when one has no id', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    one.publish('42', '41', { id: undefined });
    one.publish('50', '49');
    await client.sees(2);
    expect([client.heard, one.links.length]).toEqual([['text 42', 'text 50'], 0]);
  });
});

describe('an item that does not follow', () => {
  const opened = new Opened();

  it('waits until the origin has told what is missing', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    one.publish('44', '43');
    const link = await one.link(0);
    expect([link.method, link.url, link.header('Grip-Last')]).toEqual(['GET', '/missed?room=1', 'c; last-id=41']);
    expect([link.header('Sec-WebSocket-Key'), link.header('Connection-Id')]).toEqual(['', '']);
    expect(client.heard).toEqual([]);
    link.answer(['TEXT 42', 'BINARY 43'], knows('43'));
    await client.sees(3);
    expect(client.heard).toEqual(['text 42', 'binary 43', 'text 44']);
    one.publish('45', '44');
    expect(await client.sees(4)).toBe('text 45');
    expect(one.links.length).toBe(1);
  });

  it('is left out, with those behind it, as far as the answer goes', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    one.publish('43', '42');
    one.publish('44', '43');
    one.publish('45', '44');
    (await one.link(0)).answer(['TEXT all up to 44'], knows('44'));
    await client.sees(2);
    expect(client.heard).toEqual(['text all up to 44', 'text 45']);
    expect(one.stage.holdfast.counters.dropped.gap).toBe(2);
  });

  it('is left out when the answer ends with it', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    one.publish('43', '42');
    (await one.link(0)).answer(['TEXT 42', 'TEXT 43'], knows('43'));
    await client.sees(2);
    one.publish('44', '43');
    await client.sees(3);
    expect(client.heard).toEqual(['text 42', 'text 43', 'text 44']);
  });

  it('among those that wait is asked for again', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    one.publish('43', '42');
    const first = await one.link(0);
    one.publish('44', '43');
    one.publish('47', '46');
    first.answer(['TEXT 42'], knows('42'));
    await client.sees(3);
    const second = await one.link(1);
    expect(second.header('Grip-Last')).toBe('c; last-id=44');
    second.answer(['TEXT 45', 'TEXT 46'], knows('46'));
    await client.sees(6);
    expect(client.heard).toEqual(['text 42', 'text 43', 'text 44', 'text 45', 'text 46', 'text 47']);
  });

  it('is one without an id before it, too', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    one.publish('42', undefined);
    (await one.link(0)).answer(['TEXT 42'], knows('42'));
    await client.sees(1);
    one.publish('43', '42');
    await client.sees(2);
    expect(client.heard).toEqual(['text 42', 'text 43']);
  });

  it('lets what the origin says itself go by', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    one.publish('43', '42');
    const link = await one.link(0);
    one.stage.origin.script = (request) => request.answer(['TEXT m:meanwhile', 'PING x']);
    client.socket.send('say something');
    expect([await client.sees(1), await client.sees(2)]).toEqual(['text meanwhile', 'ping x']);
    link.answer(['TEXT 42'], knows('42'));
    expect([await client.sees(3), await client.sees(4)]).toEqual(['text 42', 'text 43']);
  });

  it('is reported to its publisher as one the origin was asked for', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    const item = { channel: 'c', id: '43', 'prev-id': '42', formats: { 'ws-message': { content: '43' } } };
    const report = fetch(`${controlUri(one.stage.holdfast)}/publish/?report=1`, {
      method: 'POST',
      body: JSON.stringify({ items: [item] }),
    });
    (await one.link(0)).answer(['TEXT 42', 'TEXT 43'], knows('43'));
    await client.sees(2);
    const { items } = (await (await report).json()) as { items: { dropped?: object }[] };
    expect(items[0]?.dropped).toEqual({ gap: 1 });
  });
});

describe('an answer that does not reach what waits', () => {
  const opened = new Opened();

  it('may be older than that: the origin is asked once more', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const clients = [await one.open(), await one.open()];
    one.publish('43', '42');
    (await one.link(0)).answer([], knows('41'));
    (await one.link(1)).answer(['TEXT 42'], knows('42'));
    for (const client of clients) {
      await client.sees(2);
      expect(client.heard).toEqual(['text 42', 'text 43']);
    }
  });

  it('is believed the second time', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    one.publish('40', '39');
    (await one.link(0)).answer([], knows('41'));
    (await one.link(1)).answer([], knows('41'));
    one.publish('42', '41');
    await client.sees(1);
    expect([client.heard, one.links.length]).toEqual([['text 42'], 2]);
  });

  it('may be one of several', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    one.publish('46', '45');
    (await one.link(0)).answer(['TEXT 42', 'TEXT 43'], knows('43'));
    (await one.link(1)).answer(['TEXT 44'], knows('44'));
    (await one.link(2)).answer(['TEXT 45'], knows('45'));
    await client.sees(5);
    expect(client.heard).toEqual(['text 42', 'text 43', 'text 44', 'text 45', 'text 46']);
  });
});

describe('a subscription', () => {
  const opened = new Opened();

  /** A channel that somebody listens to, so that its last id is known. */
  async function lively() {
    const one = await RecoveryStage.set(opened, [control({ type: 'subscribe', channel: 'c' })]);
    const listener = await one.open();
    const item = { channel: 'c', id: '42', 'prev-id': '41', formats: { 'ws-message': { content: '42' } } };
    one.stage.holdfast.publish(item);
    await listener.sees(1);
    return { one, listener };
  }

  function opensWith(one: RecoveryStage, message: string): void {
    one.stage.origin.script = (request) => {
      if (request.method === 'POST') request.answer(request.events[0] === 'OPEN' ? ['OPEN', message] : [], GRIP);
    };
  }

  it('that begins behind what was published already is made good at once', async () => {
    const { one, listener } = await lively();
    opensWith(one, following());
    const client = await one.open();
    const link = await one.link(0);
    one.publish('43', '42');
    link.answer(['TEXT 42'], knows('42'));
    await client.sees(2);
    expect(client.heard).toEqual(['text 42', 'text 43']);
    expect(await listener.sees(2)).toBe('text 43');
  });

  it('that begins with what was published last needs nothing', async () => {
    const { one } = await lively();
    opensWith(one, following({ 'prev-id': '42' }));
    const client = await one.open();
    one.publish('43', '42');
    await client.sees(1);
    expect([client.heard, one.links.length]).toEqual([['text 43'], 0]);
  });

  it('that is the first of its channel is looked at after a second', async () => {
    const one = await RecoveryStage.set(opened, [following()], {
      settings: { hold: { updateOnFirstSubscription: true } },
    });
    const client = await one.open();
    one.stage.clock.advance(900);
    expect(one.links.length).toBe(0);
    (await one.link(0)).answer(['TEXT came too early'], knows('42'));
    expect(await client.sees(1)).toBe('text came too early');
    one.publish('43', '42');
    expect(await client.sees(2)).toBe('text 43');
  });

  it('is asked for when items may have been lost on their way here', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    await fetch(`${controlUri(one.stage.holdfast)}/recover`, { method: 'POST' });
    const link = await one.link(0);
    one.publish('42', '41');
    one.publish('43', '42');
    link.answer(['TEXT 42'], knows('42'));
    await client.sees(2);
    expect(client.heard).toEqual(['text 42', 'text 43']);
  });

  it('without a link ends the following, and so does leaving', async () => {
    const plain = control({ type: 'subscribe', channel: 'c' });
    const leave = control({ type: 'unsubscribe', channel: 'c' });
    const one = await RecoveryStage.set(opened, [following(), plain]);
    const other = await RecoveryStage.set(opened, [following(), leave, plain]);
    for (const { open, publish } of [one, other].map((stage) => ({
      open: () => stage.open(),
      publish: () => stage.publish('50', '49'),
    }))) {
      const client = await open();
      publish();
      expect(await client.sees(1)).toBe('text 50');
    }
    expect([one.links.length, other.links.length]).toEqual([0, 0]);
  });

  it('that is left while the origin is asked lets other channels go on', async () => {
    const one = await RecoveryStage.set(opened, [following(), control({ type: 'subscribe', channel: 'other' })]);
    const client = await one.open();
    one.publish('43', '42');
    const link = await one.link(0);
    one.publish('1', undefined, { channel: 'other' });
    one.stage.origin.script = (request) => request.answer([control({ type: 'unsubscribe', channel: 'c' })]);
    client.socket.send('leave');
    expect(await client.sees(1)).toBe('text 1');
    link.answer(['TEXT nobody wants this'], knows('42'));
    one.publish('2', undefined, { channel: 'other' });
    expect(await client.sees(2)).toBe('text 2');
  });

  it('names its channel without the prefix of the route', async () => {
    const one = await RecoveryStage.set(opened, [following()], { condition: '*,prefix=pre-' });
    const client = await one.open();
    one.publish('43', '42', { channel: 'pre-c' });
    const link = await one.link(0);
    expect(link.header('Grip-Last')).toBe('c; last-id=41');
    link.answer(['TEXT 42'], knows('42'));
    await client.sees(2);
    expect(client.heard).toEqual(['text 42', 'text 43']);
  });
});

describe('two clients', () => {
  const opened = new Opened();

  it('whose links differ in their query only get an answer each', async () => {
    const stage = await Stage.set(
      opened,
      (request) => {
        if (request.method === 'GET') return;
        if (request.events[0] === 'OPEN')
          request.answer(['OPEN', following({ recover: `/missed${request.url}` })], GRIP);
        else request.answer(request.events.filter((event) => event.startsWith('CLOSE')));
      },
      { settings: { hold: { updateOnFirstSubscription: false } } },
    );
    const clients = [await stage.open('/?user=a'), await stage.open('/?user=b')];
    const formats = { 'ws-message': { content: '43' } };
    stage.holdfast.publish({ channel: 'c', id: '43', 'prev-id': '42', 'no-seq': true, formats });
    const links = () => stage.origin.requests.filter(({ method }) => method === 'GET');
    await turnUntil('both links', () => {
      stage.clock.advance(50);
      return links().length === 2;
    });
    for (const link of links()) link.answer([`TEXT for ${link.url.at(-1)}`], knows('42'));
    for (const client of clients) await client.sees(2);
    expect(clients.map(({ heard }) => heard[0]).sort()).toEqual(['text for a', 'text for b']);
    expect(clients.map(({ heard }) => heard[1])).toEqual(['text 43', 'text 43']);
  });
});

describe('two channels', () => {
  const opened = new Opened();
  const second = (extra: object = {}): string => following({ channel: 'd', 'prev-id': '7', ...extra });

  it('with one link are asked for together, and no item overtakes another', async () => {
    const one = await RecoveryStage.set(opened, [following(), second()]);
    const client = await one.open();
    one.publish('8', '7', { channel: 'd' });
    await client.sees(1);
    one.publish('43', '42');
    // Only items of one channel keep their order when they come in one turn.
    await one.stage.turns(2);
    one.publish('9', '8', { channel: 'd' });
    await one.stage.turns(2);
    one.publish('44', '43');
    const link = await one.link(0);
    expect(link.header('Grip-Last')).toBe('c; last-id=41, d; last-id=8');
    link.answer(['TEXT 42', 'TEXT 43'], { 'Grip-Channel': 'c; prev-id=43, d; prev-id=8' });
    await client.sees(5);
    expect(client.heard).toEqual(['text 8', 'text 42', 'text 43', 'text 9', 'text 44']);
    expect(one.links.length).toBe(1);
  });

  it('with a link each are asked for one after the other', async () => {
    const one = await RecoveryStage.set(opened, [following(), second({ recover: '/other' })]);
    const client = await one.open();
    one.publish('43', '42');
    one.publish('9', '8', { channel: 'd' });
    (await one.link(0)).answer(['TEXT 42'], knows('42'));
    await client.sees(2);
    const link = await one.link(1);
    expect([link.url, link.header('Grip-Last')]).toEqual(['/other', 'd; last-id=7']);
    link.answer(['TEXT 8'], knows('8', 'd'));
    await client.sees(4);
    expect(client.heard).toEqual(['text 42', 'text 43', 'text 8', 'text 9']);
  });

  it('of which one is not followed keep their order, and that one loses nothing', async () => {
    const one = await RecoveryStage.set(opened, [control({ type: 'subscribe', channel: 'd' }), following()]);
    const client = await one.open();
    one.publish('before', undefined, { channel: 'd' });
    await client.sees(1);
    one.publish('43', '42');
    await one.stage.turns(2);
    one.publish('behind', undefined, { channel: 'd' });
    (await one.link(0)).answer(['TEXT 42', 'TEXT 43'], knows('43'));
    await client.sees(4);
    expect(client.heard).toEqual(['text before', 'text 42', 'text 43', 'text behind']);
  });
});

describe('a backend that asks for no recovery', () => {
  const opened = new Opened();

  it.each([
    ['says nothing of ids', { type: 'subscribe', channel: 'c' }],
    [
      'says what another proxy would not look at',
      { type: 'subscribe', channel: 'c', 'prev-id': 41, 'recover-failed': 0 },
    ],
  ])('sees no request, and its clients get every item: it %s', async (_how, message) => {
    const stage = await Stage.set(opened, opening([control(message)], GRIP));
    const client = await stage.open();
    for (const [id, prevId] of [
      ['42', '41'],
      ['50', '49'],
      ['7', undefined],
    ]) {
      const formats = { 'ws-message': { content: id } };
      stage.holdfast.publish({ channel: 'c', id, 'prev-id': prevId, 'no-seq': true, formats });
    }
    await client.sees(3);
    stage.clock.advance(60_000);
    expect(client.heard).toEqual(['text 42', 'text 50', 'text 7']);
    expect(stage.holdfast.counters.originRequests).toBe(1);
  });
});
