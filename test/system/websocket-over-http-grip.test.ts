/** GRIP over WebSocket: the extension, message prefixes, control messages and subscriptions (spec 11.2 to 11.5). */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { LineLog } from '../support/events.js';
import { GRIP, opening, opensOnly, subscribe } from '../support/events-origin.js';
import { Stage } from '../support/websocket-stage.js';

function control(message: object | string): string {
  return `TEXT c:${typeof message === 'string' ? message : JSON.stringify(message)}`;
}

function publish(stage: Stage, channel: string, content = `to ${channel}`): unknown {
  return stage.holdfast.publish({ channel, formats: { 'ws-message': { content } } });
}

const HEARD = { kind: 'sent', receivers: 1 };
const UNHEARD = { kind: 'sent', receivers: 0 };

describe('the message prefix', () => {
  const opened = new Opened();

  it.each([
    ['m: when none is named', 'grip', ['text one', 'binary two', 'text ']],
    ['a named one', 'grip; message-prefix="say "', ['text three']],
    ['a named one without quotes', 'grip; message-prefix=say', ['text  three']],
    ['one of two extensions', 'other, grip; message-prefix="say "', ['text three']],
    ['empty', 'grip; message-prefix=""', ['text m:one', 'binary m:two', 'text bare', 'text m:', 'text say three']],
  ])('decides what is delivered: %s', async (_what, extension, heard) => {
    const messages = ['TEXT m:one', 'BINARY m:two', 'TEXT bare', 'TEXT m:', 'TEXT say three'];
    const script = opening([...messages, control({ type: 'nonsense' }), 'PING end'], {
      'Sec-WebSocket-Extensions': extension,
    });
    const stage = await Stage.set(opened, script);
    const client = await stage.open();
    await client.sees(heard.length + 1);
    expect(client.heard).toEqual([...heard, 'ping end']);
  });

  it('is not asked of pings and pongs, and binary messages are never control messages', async () => {
    const script = opening(['PING p', 'PONG q', `BINARY ${subscribe('a').slice(5)}`, 'BINARY m:end'], GRIP);
    const stage = await Stage.set(opened, script);
    const client = await stage.open();
    await client.sees(3);
    expect(client.heard).toEqual(['ping p', 'pong q', 'binary end']);
    expect(publish(stage, 'a')).toEqual(UNHEARD);
  });

  it('does not touch what the client sends', async () => {
    const stage = await Stage.set(opened, (request) => {
      if (request.events[0] === 'OPEN') request.answer(['OPEN'], GRIP);
    });
    const client = await stage.open();
    client.socket.send('m:hello');
    expect((await stage.origin.request(1)).events).toEqual(['TEXT m:hello']);
  });

  it.each([
    ['the origin does not ask for GRIP', {}, '*'],
    ['the origin asks for something that only begins like it', { 'Sec-WebSocket-Extensions': 'gripe' }, '*'],
    ['the route has no GRIP', GRIP, '*,no_grip'],
  ])('has no meaning when %s: everything is delivered as it is', async (_what, headers, condition) => {
    const stage = await Stage.set(opened, opening(['TEXT m:one', subscribe('a'), 'TEXT bare'], headers), { condition });
    const client = await stage.open();
    await client.sees(3);
    expect(client.heard).toEqual(['text m:one', `text ${subscribe('a').slice(5)}`, 'text bare']);
    expect(publish(stage, 'a')).toEqual(UNHEARD);
  });
});

describe('control messages', () => {
  const opened = new Opened();

  it('subscribe and unsubscribe, and take effect before the messages behind them', async () => {
    const stage = await Stage.set(opened, (request, index) => {
      if (index === 0) request.answer(['OPEN', subscribe('a'), subscribe('b'), subscribe('a')], GRIP);
      else request.answer([control({ type: 'unsubscribe', channel: 'a', extra: 1 }), 'TEXT m:gone']);
    });
    const client = await stage.open();
    expect([publish(stage, 'a'), publish(stage, 'b')]).toEqual([HEARD, HEARD]);
    await client.sees(2);
    client.socket.send('leave');
    await client.sees(3);
    expect([publish(stage, 'a'), publish(stage, 'b', 'still')]).toEqual([UNHEARD, HEARD]);
    await client.sees(4);
    expect(client.heard).toEqual(['text to a', 'text to b', 'text gone', 'text still']);
  });

  it('that make no sense are ignored, and the log says why', async () => {
    const logger = new LineLog();
    const broken = ['', 'no json', '[]', '{}', '{"type":"subscribe"}', '{"type":"subscribe","channel":""}'];
    const stage = await Stage.set(opened, opening([...broken.map(control), 'TEXT m:end'], GRIP), { logger });
    const client = await stage.open();
    expect(await client.sees(1)).toBe('text end');
    expect(logger.count('grip control message is not valid json')).toBe(2);
    expect(logger.count('failed to parse grip control message: ')).toBe(4);
  });

  it('name channels without the prefix of the route', async () => {
    const logger = new LineLog();
    const stage = await Stage.set(opened, opening([subscribe('a')], GRIP), { condition: '*,prefix=pre-', logger });
    const client = await stage.open();
    expect([publish(stage, 'a'), publish(stage, 'pre-a', 'prefixed')]).toEqual([UNHEARD, HEARD]);
    expect(await client.sees(1)).toBe('text prefixed');
    expect(logger.count(`subscribe ws://127.0.0.1:${stage.port}/chat channel=pre-a`)).toBe(1);
  });

  it('that ask for more than twenty channels are ignored from the 21st on', async () => {
    const names = Array.from({ length: 22 }, (_, index) => `channel-${index}`);
    const leaving = control({ type: 'unsubscribe', channel: 'channel-0' });
    const script = opening([...names.map(subscribe), leaving, subscribe('channel-21'), 'TEXT m:end'], GRIP);
    const stage = await Stage.set(opened, script);
    await (await stage.open()).sees(1);
    const heard = names.filter((name) => (publish(stage, name) as { receivers: number }).receivers > 0);
    expect(heard).toEqual([...names.slice(1, 20), 'channel-21']);
  });
});

describe('channels of the target', () => {
  const opened = new Opened();
  const properties = ',sub=news,sub=pre-more';

  it('are joined without GRIP, and messages pass as they are', async () => {
    const stage = await Stage.set(opened, opening(['TEXT m:one']), { properties, condition: '*,prefix=pre-' });
    const client = await stage.open();
    expect([publish(stage, 'news'), publish(stage, 'pre-news')]).toEqual([HEARD, UNHEARD]);
    await client.sees(2);
    expect(client.heard).toEqual(['text m:one', 'text to news']);
  });

  it('cannot be left, and count among the twenty', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `channel-${index}`);
    const leaving = ['more', 'news'].map((channel) => control({ type: 'unsubscribe', channel }));
    const script = opening([...leaving, ...names.map(subscribe), 'TEXT m:end'], GRIP);
    const stage = await Stage.set(opened, script, { properties, condition: '*,prefix=pre-' });
    await (await stage.open()).sees(1);
    expect([publish(stage, 'news'), publish(stage, 'pre-more')]).toEqual([HEARD, HEARD]);
    expect([publish(stage, 'pre-channel-17'), publish(stage, 'pre-channel-18')]).toEqual([HEARD, UNHEARD]);
  });
});

describe('a connection without a word', () => {
  const opened = new Opened();

  it('is held without a request more than the first', async () => {
    const stage = await Stage.set(opened, opensOnly);
    await stage.open();
    stage.clock.advance(3_600_000);
    expect([stage.holdfast.counters.originRequests, stage.clock.pending]).toEqual([1, 0]);
    expect(stage.holdfast.counters.holds.ws).toBe(1);
  });
});
