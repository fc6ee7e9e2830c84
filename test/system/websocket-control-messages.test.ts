/** Each row of the table of control messages that is about channels and what is known of the client (spec 11.4). */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { LineLog } from '../support/events.js';
import { GRIP, opening, subscribe } from '../support/events-origin.js';
import { control } from '../support/recovery-stage.js';
import { Stage, type StageOptions } from '../support/websocket-stage.js';

function setMeta(name: string, value?: string | null): string {
  return control({ type: 'set-meta', name, value });
}

function filtered(...filters: readonly string[]): string {
  return control({ type: 'subscribe', channel: 'a', filters });
}

function publish(stage: Stage, content: string, meta: object = {}, channel = 'a'): unknown {
  return stage.holdfast.publish({ channel, meta, formats: { 'ws-message': { content } } });
}

async function saying(opened: Opened, events: readonly string[], options: StageOptions = {}) {
  const stage = await Stage.set(opened, opening([...events, 'TEXT m:ready'], GRIP), options);
  return { stage, client: await stage.open() };
}

describe('set-meta', () => {
  const opened = new Opened();

  it.each([
    ['a value', [setMeta('user', 'alice')], 'text for alice'],
    ['another value', [setMeta('user', 'bob'), setMeta('user', 'alice')], 'text for alice'],
    ['an empty value', [setMeta('user', '')], 'text for '],
    ['null, which is no message', [setMeta('user', 'alice'), setMeta('user', null)], 'text for alice'],
  ])('sets what filters know: %s', async (_what, messages, seen) => {
    const { stage, client } = await saying(opened, [...messages, filtered('var-subst')]);
    await client.sees(1);
    publish(stage, 'for %(user)s');
    expect(await client.sees(2)).toBe(seen);
  });

  it('without a value removes it', async () => {
    const { stage, client } = await saying(opened, [setMeta('user', 'alice'), setMeta('user'), filtered('skip-self')]);
    await client.sees(1);
    publish(stage, 'of alice', { sender: 'alice' });
    expect(await client.sees(2)).toBe('text of alice');
  });
});

describe('filters', () => {
  const opened = new Opened();

  it('require-sub knows every channel by the name the origin gave it', async () => {
    const more = subscribe('private');
    const { stage, client } = await saying(opened, [filtered('require-sub'), more], {
      condition: '*,prefix=pre-',
      properties: ',sub=implicit',
    });
    await client.sees(1);
    for (const name of ['private', 'implicit', 'a', 'pre-private', 'other']) {
      publish(stage, name, { require_sub: name }, 'pre-a');
    }
    await client.sees(4);
    publish(stage, 'end', {}, 'pre-a');
    expect(await client.sees(5)).toBe('text end');
    expect(client.heard.slice(1, -1)).toEqual(['text private', 'text implicit', 'text a']);
  });

  it.each([
    [false, 'close 1011'],
    [true, "close 1011 too many filters for channel 'a'"],
  ])('more than five end the connection, with the reason where debug is %s', async (debug, seen) => {
    const { client } = await saying(opened, [filtered('1', '2', '3', '4', '5', '6')], {
      settings: { proxy: { debug } },
    });
    expect(await client.ended()).toBe(seen);
  });

  it('five are not too many, known or not', async () => {
    const { stage, client } = await saying(opened, [filtered('1', '2', '3', '4', '5')]);
    await client.sees(1);
    publish(stage, 'hello');
    expect(await client.sees(2)).toBe('text hello');
  });

  it.each([
    [
      'that fail drop the item, and close where debug is on',
      { content: '%(nobody)s' },
      "close 1011 filter error: var-subst: No such variable 'nobody' at position 9",
    ],
    [
      'that the item was not written for drop it, and close where debug is on',
      { content: 'x', 'content-filters': ['build-id'] },
      'close 1011 content filter mismatch: subscription=var-subst message=build-id',
    ],
  ])('%s', async (_what, format, reason) => {
    const formats = { 'ws-message': format };
    const quiet = await saying(opened, [filtered('var-subst')]);
    await quiet.client.sees(1);
    quiet.stage.holdfast.publish({ channel: 'a', formats });
    publish(quiet.stage, 'next');
    expect(await quiet.client.sees(2)).toBe('text next');
    const loud = await saying(opened, [filtered('var-subst')], { settings: { proxy: { debug: true } } });
    await loud.client.sees(1);
    loud.stage.holdfast.publish({ channel: 'a', formats });
    expect(await loud.client.ended()).toBe(reason);
  });
});

describe('a subscription beyond the limit', () => {
  const opened = new Opened();

  it('is ignored with a line in the log, the channels of the target counted', async () => {
    const logger = new LineLog();
    const { stage, client } = await saying(opened, [subscribe('a'), subscribe('b'), subscribe('c')], {
      logger,
      properties: ',sub=implicit',
      settings: { hold: { maxSubscriptions: 2 } },
    });
    await client.sees(1);
    const receivers = ['implicit', 'a', 'b', 'c'].map((channel) => publish(stage, 'x', {}, channel));
    expect(receivers).toEqual([1, 1, 0, 0].map((count) => ({ kind: 'sent', receivers: count })));
    expect(logger.count('debug: wscontrol: too many subscriptions, ignoring channel b')).toBe(1);
    expect(logger.count('debug: wscontrol: too many subscriptions, ignoring channel c')).toBe(1);
  });

  it('does not give its channel other filters either', async () => {
    const meta = setMeta('user', 'alice');
    const { stage, client } = await saying(opened, [meta, subscribe('a'), filtered('skip-self')], {
      settings: { hold: { maxSubscriptions: 1 } },
    });
    await client.sees(1);
    publish(stage, 'of alice', { sender: 'alice' });
    expect(await client.sees(2)).toBe('text of alice');
  });
});

describe('session', () => {
  const opened = new Opened();

  it('is taken and has no effect', async () => {
    const logger = new LineLog();
    const messages = [control({ type: 'session', id: 's' }), control({ type: 'session' }), subscribe('a')];
    const { stage, client } = await saying(opened, messages, { logger });
    expect(await client.sees(1)).toBe('text ready');
    publish(stage, 'hello');
    expect(await client.sees(2)).toBe('text hello');
    expect(logger.count('the session id has no effect')).toBe(2);
    expect(logger.count('failed to parse')).toBe(0);
  });
});

describe('a message that makes no sense', () => {
  const opened = new Opened();
  const parsing = 'failed to parse grip control message: ';

  it.each([
    ['{', 'grip control message is not valid json'],
    ['[]', `${parsing}grip control packet is not an object`],
    ['{}', `${parsing}grip control object does not contain 'type'`],
    ['{"type":"set-hold"}', `${parsing}'type' contains unknown value: set-hold`],
    ['{"type":"refresh"}', `${parsing}'type' contains unknown value: refresh`],
    ['{"type":"subscribe","channel":""}', `${parsing}grip control object contains 'channel' with invalid value`],
    ['{"type":"subscribe","channel":7}', `${parsing}grip control object contains 'channel' with wrong type`],
    ['{"type":"subscribe","channel":"b","filters":[7]}', `${parsing}filters contains value with wrong type`],
    [
      '{"type":"set-meta","name":"user","value":null}',
      `${parsing}grip control object contains 'value' with wrong type`,
    ],
    [
      '{"type":"keep-alive","content":"x","message-type":"close"}',
      `${parsing}grip control object contains 'message-type' with unknown value`,
    ],
    [
      '{"type":"send-delayed","content":"x","timeout":-1}',
      `${parsing}grip control object contains 'timeout' with invalid value`,
    ],
    [
      '{"type":"subscribe","channel":"b","recover":"/missed"}',
      `${parsing}grip control object does not contain 'prev-id'`,
    ],
    [
      '{"type":"subscribe","channel":"b","recover":"","prev-id":"1"}',
      `${parsing}grip control object contains 'recover' with invalid value`,
    ],
  ])('is ignored, and the log says why: %s', async (json, line) => {
    const logger = new LineLog();
    const { stage, client } = await saying(opened, [`TEXT c:${json}`], { logger });
    expect(await client.sees(1)).toBe('text ready');
    stage.clock.advance(60_000);
    expect(client.heard).toEqual(['text ready']);
    expect(logger.lines.filter((text) => text.includes('grip control'))).toEqual([`debug: ${line}`]);
    expect(publish(stage, 'x', {}, 'b')).toEqual({ kind: 'sent', receivers: 0 });
  });
});
