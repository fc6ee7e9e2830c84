/** Publishing to held WebSockets: formats and actions, slow clients, and nothing left of those that went (spec 11.6). */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { GRIP, opening, subscribe } from '../support/events-origin.js';
import { closeFrame, closing, EventsClient, frame } from '../support/websocket-client.js';
import { Stage, type StageOptions } from '../support/websocket-stage.js';

function item(format: object, channel = 'a'): object {
  return { channel, formats: { 'ws-message': format } };
}

describe('a publish', () => {
  const opened = new Opened();

  const stage = () => Stage.set(opened, opening([subscribe('a')], GRIP));

  it.each([
    ['text', { content: 'news' }, 'text news'],
    ['text beyond ASCII', { content: 'grün' }, 'text gr\xc3\xbcn'],
    ['empty text', { content: '' }, 'text '],
    ['binary', { 'content-bin': 'AP8K' }, 'binary \x00\xff\n'],
    ['binary by its type', { type: 'binary', content: 'x' }, 'binary x'],
    ['text in base64', { type: 'text', 'content-bin': 'bmV3cw==' }, 'text news'],
    ['a ping', { type: 'ping', content: 'p' }, 'ping p'],
    ['a pong', { type: 'pong', content: 'p' }, 'pong p'],
    ['what looks like a control message', { content: 'c:{"type":"unsubscribe","channel":"a"}' }, undefined],
  ])('reaches the client as it is, without a prefix: %s', async (_what, format, seen) => {
    const { holdfast, open } = await prepared();
    const client = await open();
    expect(holdfast.publish(item(format))).toEqual({ kind: 'sent', receivers: 1 });
    expect(await client.sees(1)).toBe(seen ?? `text ${'content' in format ? format.content : ''}`);
    expect(holdfast.publish(item({ content: 'still subscribed' }))).toEqual({ kind: 'sent', receivers: 1 });
    expect(await client.sees(2)).toBe('text still subscribed');
    expect(holdfast.counters.delivered).toBe(2);
  });

  async function prepared() {
    const one = await stage();
    return { holdfast: one.holdfast, open: () => one.open() };
  }

  it('with the action hint changes nothing', async () => {
    const one = await stage();
    const client = await one.open();
    one.holdfast.publish(item({ action: 'hint' }));
    one.holdfast.publish(item({ content: 'after it' }));
    expect(await client.sees(1)).toBe('text after it');
    expect(one.holdfast.counters.originRequests).toBe(1);
  });

  it('for other kinds of client only is not for this one', async () => {
    const one = await stage();
    const client = await one.open();
    const other = { channel: 'a', formats: { 'http-stream': { content: 'no' }, 'http-response': { body: 'no' } } };
    expect(one.holdfast.publish(other)).toEqual({ kind: 'sent', receivers: 0 });
    one.holdfast.publish(item({ content: 'yes' }));
    expect(await client.sees(1)).toBe('text yes');
  });

  it.each([
    ['a code and a reason', { code: 4009, reason: 'over' }, 'close 4009 over'],
    ['no code', {}, 'close 1000'],
    ['a code that is for no frame', { code: 1006, reason: 'over' }, 'close 1000 over'],
    ['a code below all that there are', { code: 999, reason: 'over' }, 'close 1000 over'],
    ['a code above all that there are', { code: 65_535, reason: 'over' }, 'close 1000 over'],
  ])('closes with %s, behind what was published before and before what comes after', async (_what, format, seen) => {
    const one = await stage();
    const client = await one.open();
    one.holdfast.publish(item({ content: '1' }));
    one.holdfast.publish(item({ content: '2' }));
    one.holdfast.publish(item({ action: 'close', ...format }));
    one.holdfast.publish(item({ content: '3' }));
    expect(await client.ended()).toBe(seen);
    expect(client.heard).toEqual(['text 1', 'text 2', seen]);
    expect((await one.origin.request(1)).events).toEqual(['CLOSE']);
    expect(one.holdfast.publish(item({ content: '4' }))).toEqual({ kind: 'sent', receivers: 0 });
  });

  it('after the 101 has been seen is never missed', async () => {
    const one = await stage();
    for (let round = 0; round < 50; round += 1) {
      const client = await one.openRaw();
      one.holdfast.publish(item({ content: `round ${round}` }));
      expect(await client.readAsLongAs(`\x81\x08round ${round}`.slice(0, 10))).toContain('round');
      client.close();
      await one.abandoned();
    }
  });

  it('reaches many clients with the same frame, in order', async () => {
    const one = await stage();
    const clients = await Promise.all(Array.from({ length: 20 }, () => one.openRaw()));
    const texts = Array.from({ length: 100 }, (_, index) => `message ${String(index).padStart(3, '0')}`);
    for (const content of texts) one.holdfast.publish(item({ content }));
    const expected = texts.map((text) => `\x81\x0b${text}`).join('');
    for (const client of clients) expect(await client.readAsLongAs(expected)).toBe(expected);
    expect(one.holdfast.counters.delivered).toBe(2_000);
  });
});

describe('a client that does not read', () => {
  const opened = new Opened();
  const CONTENT = 'x'.repeat(60_000);

  /** Publishes until the client's outbox was full. */
  async function choked(options: StageOptions, channels: readonly string[]) {
    const stage = await Stage.set(opened, opening(channels.map(subscribe), GRIP), options);
    const client = await stage.openRaw();
    client.pause();
    const { counters } = stage.holdfast;
    while (counters.dropped['outbox-full'] === 0) {
      for (const channel of channels) stage.holdfast.publish(item({ content: CONTENT }, channel));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { stage, client };
  }

  async function readToClose(client: Awaited<ReturnType<Stage['openRaw']>>): Promise<number> {
    client.resume();
    const read = await client.readUntil(closeFrame(1013));
    client.write(frame('close', closing(1013)));
    await client.untilClosed();
    expect(client.pending).toBe('');
    return (read.length - closeFrame(1013).length) / (CONTENT.length + 4);
  }

  it.each([
    ['one channel', ['a']],
    ['three channels at once', ['a', 'b', 'c']],
  ])(
    'is closed with 1013 once, behind what it was sent, and what it missed is counted: %s',
    async (_what, channels) => {
      const { stage, client } = await choked({ settings: { hold: { outboxBytes: 100_000 } } }, channels);
      const { counters } = stage.holdfast;
      expect(stage.holdfast.publish(item({ content: 'too late' }))).toEqual({ kind: 'sent', receivers: 0 });
      expect(await readToClose(client)).toBe(counters.delivered);
      expect(counters.dropped['outbox-full']).toBeGreaterThan(0);
      expect((await stage.origin.request(1)).events).toEqual(['CLOSE 1013']);
      expect(await stage.farewells()).toBe(1);
    },
  );

  it('misses what is published meanwhile when the policy is to drop, and goes on', async () => {
    const { stage, client } = await choked({ settings: { hold: { outboxBytes: 100_000, outboxPolicy: 'drop' } } }, [
      'a',
    ]);
    const delivered = stage.holdfast.counters.delivered;
    client.resume();
    await client.read(delivered * (CONTENT.length + 4));
    stage.holdfast.publish(item({ content: 'again' }));
    expect(await client.readAsLongAs('\x81\x05again')).toBe('\x81\x05again');
  });

  it('is dropped when it does not answer the close either, which is a DISCONNECT', async () => {
    const { stage } = await choked({ settings: { hold: { outboxBytes: 100_000 } } }, ['a']);
    stage.clock.advance(5_100);
    await stage.abandoned();
    expect((await stage.origin.request(1)).events).toEqual(['DISCONNECT']);
    expect(await stage.farewells()).toBe(1);
  });
});

describe('many clients that go without a word', () => {
  const opened = new Opened();

  it('leave no channel, no hold and no connection behind', async () => {
    const one = await Stage.set(
      opened,
      (request, index) => {
        if (request.events[0] === 'OPEN') request.answer(['OPEN', subscribe('all'), subscribe(`own-${index}`)], GRIP);
        else request.answer();
      },
      { properties: ',sub=implicit' },
    );
    const channels = new Set<string>();
    one.holdfast.on('subscribe', (channel) => channels.add(channel));
    one.holdfast.on('unsubscribe', (channel) => channels.delete(channel));
    const clients = await Promise.all(Array.from({ length: 200 }, () => one.openRaw()));
    expect([channels.size, one.holdfast.counters.holds.ws]).toEqual([202, 200]);
    for (const [index, { socket }] of clients.entries()) {
      if (index % 2 === 0) socket.destroy();
      else socket.resetAndDestroy();
    }
    await one.settled(() => one.holdfast.counters.openConnections === 0);
    expect([channels.size, one.holdfast.counters.holds.ws]).toEqual([0, 0]);
    await one.settled(() => one.origin.farewells === 200);
    one.clock.advance(60_000);
    expect([one.clock.pending, await one.farewells()]).toEqual([0, 200]);
  });
});

describe('the end of Holdfast', () => {
  const opened = new Opened();

  it('closes every client with 1001, and every origin hears of it', async () => {
    const one = await Stage.set(opened, opening([subscribe('a')], GRIP));
    const clients = await Promise.all([one.open(), one.open(), one.open()]);
    one.holdfast.publish(item({ content: 'last' }));
    await one.holdfast.close();
    for (const client of clients) {
      expect(await client.ended()).toBe('close 1001');
      expect(client.heard).toEqual(['text last', 'close 1001']);
    }
    expect(one.origin.farewells).toBe(3);
  });
});

describe('the test target', () => {
  const opened = new Opened();

  it('echoes everything on /ws and takes publishes', async () => {
    const holdfast = await opened.holdfast({ routes: ['* test'] });
    const client = opened.add(new EventsClient(clientPort(holdfast), '/ws?channel=a'), (one) => one.socket.terminate());
    await client.sees(0);
    client.socket.send('hello');
    client.socket.send(Buffer.from([0, 1]));
    client.socket.ping('p');
    client.socket.send('c:{"type":"unsubscribe","channel":"a"}');
    await client.sees(4);
    holdfast.publish(item({ content: 'published' }));
    await client.sees(5);
    client.socket.close(4002, 'bye');
    expect(await client.ended()).toBe('close 4002 bye');
    const control = 'text c:{"type":"unsubscribe","channel":"a"}';
    expect(client.heard.slice(0, -1)).toEqual(['text hello', 'binary \x00\x01', 'ping p', control, 'text published']);
    expect(holdfast.counters.holds.ws).toBe(0);
  });

  it('refuses other paths', async () => {
    const holdfast = await opened.holdfast({ routes: ['* test'] });
    const client = await opened.get(clientPort(holdfast), '/nothing', 'Upgrade: websocket', 'Connection: Upgrade');
    client.close();
    const refused = opened.add(new EventsClient(clientPort(holdfast), '/stream'), (one) => one.socket.terminate());
    expect(await refused.ended()).toBe('close 1006');
  });
});
