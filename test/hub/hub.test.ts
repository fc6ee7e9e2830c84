import { describe, expect, it } from 'vitest';
import type { HubSettings } from '../../src/hub/hub.js';
import { RecordingSubscriber } from '../support/recording-subscriber.js';
import { nextTurn, sampleHub } from '../support/sample-hub.js';
import { itemOf, responseFormat, streamItem, textItem } from '../support/sample-items.js';

describe('publishing', () => {
  it('reaches who was there when publish returned, and not who came afterwards', async () => {
    const { hub } = sampleHub();
    const early = new RecordingSubscriber();
    const late = new RecordingSubscriber();
    hub.subscribe('c', early);
    expect(hub.publish(streamItem('c', '1'))).toEqual({ kind: 'sent', receivers: 1 });
    hub.subscribe('c', late);
    await nextTurn();
    expect([early.received, late.received]).toEqual([['1'], []]);
    hub.publish(streamItem('c', '2'));
    await nextTurn();
    expect([early.received, late.received]).toEqual([['1', '2'], ['2']]);
  });

  it('writes within the turn, not within the call, and merges what one turn brings', async () => {
    const { hub } = sampleHub();
    const subscriber = new RecordingSubscriber();
    hub.subscribe('c', subscriber);
    for (const text of ['1', '2', '3']) hub.publish(streamItem('c', text));
    expect(subscriber.calls).toEqual([]);
    await nextTurn();
    expect(subscriber.calls).toEqual([['1;2;3;', 3]]);
  });

  it('goes to the channel of the item and to no other', async () => {
    const { hub } = sampleHub();
    const here = new RecordingSubscriber();
    const there = new RecordingSubscriber();
    hub.subscribe('c', here);
    hub.subscribe('C', there);
    hub.publish(streamItem('c', '1'));
    await nextTurn();
    expect([here.received, there.received]).toEqual([['1'], []]);
  });

  it('counts as receivers those whose kind has a format in the item', () => {
    const { hub, log } = sampleHub();
    for (const kind of ['response', 'stream', 'stream', 'ws'] as const) {
      hub.subscribe('c', new RecordingSubscriber({ kind, encoding: undefined }));
    }
    const receivers = [
      streamItem('c', 'x'),
      textItem('c', 'x'),
      itemOf('c', { response: responseFormat({}) }),
      itemOf('c', { websocket: { action: 'hint' } }),
      itemOf('c', {}),
      streamItem('nobody', 'x'),
    ].map((item) => hub.publish(item));
    expect(receivers).toEqual([2, 4, 1, 1, 0, 0].map((count) => ({ kind: 'sent', receivers: count })));
    expect(log.lines).toEqual(
      [2, 4, 1, 1, 0]
        .map((count) => `info publish channel=c receivers=${count}`)
        .concat('info publish channel=nobody receivers=0'),
    );
  });

  it('counts every item that comes in, whatever becomes of it', () => {
    const { hub, counters } = sampleHub();
    hub.subscribe('c', new RecordingSubscriber());
    for (const id of ['1', '1', '2']) hub.publish(streamItem('c', 'x', { id }));
    hub.publish(streamItem('nobody', 'x'));
    expect(counters.published).toBe(4);
    expect(counters.dropped.duplicate).toBe(1);
  });

  it('serves a large channel in slices, so that other work goes on in between', async () => {
    const { hub } = sampleHub();
    const crowd = Array.from({ length: 300 }, () => new RecordingSubscriber());
    for (const subscriber of crowd) hub.subscribe('c', subscriber);
    const served = (): number => crowd.filter(({ received }) => received.length > 0).length;
    hub.publish(streamItem('c', '1'));
    const progress: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      await nextTurn();
      progress.push(served());
    }
    expect(progress).toEqual([128, 256, 300]);
  });

  it('merges what is published meanwhile into what the rest of a large channel has not got yet', async () => {
    const { hub } = sampleHub();
    const crowd = Array.from({ length: 300 }, () => new RecordingSubscriber());
    for (const subscriber of crowd) hub.subscribe('c', subscriber);
    hub.publish(streamItem('c', '1'));
    await nextTurn();
    hub.publish(streamItem('c', '2'));
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    const merged = crowd.filter(({ calls }) => calls.length === 1).length;
    expect(merged).toBe(300 - 128);
    expect(crowd.every(({ received }) => received.join(';') === '1;2')).toBe(true);
  });

  it('keeps its list of channels short while some of them never get quiet', async () => {
    const { hub } = sampleHub();
    for (let at = 0; at < 3_000; at += 1) hub.subscribe(`c${at}`, new RecordingSubscriber());
    const busy = Array.from({ length: 200 }, () => new RecordingSubscriber());
    for (const subscriber of busy) hub.subscribe('busy', subscriber);
    for (let at = 0; at < 3_000; at += 1) hub.publish(streamItem(`c${at}`, 'x'));
    for (let turn = 0; turn < 60; turn += 1) {
      hub.publish(streamItem('busy', 'y'));
      await nextTurn();
    }
    expect(hub.waitingChannels).toBeLessThan(1_000 * 2);
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(hub.waitingChannels).toBe(0);
    expect(busy.every(({ received }) => received.length === 60)).toBe(true);
  });

  it('lets a small channel pass while a large one is served', async () => {
    const { hub } = sampleHub();
    for (let at = 0; at < 5_000; at += 1) hub.subscribe('large', new RecordingSubscriber());
    const small = new RecordingSubscriber();
    hub.subscribe('small', small);
    hub.publish(streamItem('large', '1'));
    hub.publish(streamItem('small', '1'));
    await nextTurn();
    await nextTurn();
    expect(small.received).toEqual(['1']);
  });

  it('does not let an endless backlog grow within one turn', () => {
    const { hub } = sampleHub();
    const subscriber = new RecordingSubscriber();
    hub.subscribe('c', subscriber);
    for (let at = 0; at < 1_001; at += 1) hub.publish(streamItem('c', String(at)));
    expect(subscriber.received).toHaveLength(1_001);
  });

  it('from inside a delivery comes behind what is being delivered', async () => {
    const { hub } = sampleHub();
    const watcher = new RecordingSubscriber();
    hub.subscribe('c', watcher);
    const echo = new RecordingSubscriber({
      encoding: undefined,
      onItem: (text) => {
        if (text.length < 3) hub.publish(streamItem('c', `${text}!`));
      },
    });
    hub.subscribe('c', echo);
    hub.publish(streamItem('c', '1'));
    await nextTurn();
    await nextTurn();
    expect(watcher.received).toEqual(['1', '1!', '1!!']);
    expect(echo.received).toEqual(['1', '1!', '1!!']);
  });
});

describe('the path of an item', () => {
  it('drops a duplicate, sequenced or not, with subscribers or without', () => {
    const { hub, clock } = sampleHub({ idCacheTtl: 60 });
    const duplicate = { kind: 'dropped', reason: 'duplicate' };
    expect(hub.publish(streamItem('c', 'x', { id: '1' }))).toEqual({ kind: 'sent', receivers: 0 });
    expect(hub.publish(streamItem('c', 'x', { id: '1' }))).toEqual(duplicate);
    hub.subscribe('c', new RecordingSubscriber());
    expect(hub.publish(streamItem('c', 'x', { id: '1', noSeq: true }))).toEqual(duplicate);
    expect(hub.publish(streamItem('d', 'x', { id: '1' }))).toEqual({ kind: 'sent', receivers: 0 });
    clock.advance(60_000);
    expect(hub.publish(streamItem('c', 'x', { id: '1' }))).toEqual({ kind: 'sent', receivers: 1 });
  });

  it('takes items without an id for different ones', () => {
    const { hub } = sampleHub();
    hub.subscribe('c', new RecordingSubscriber());
    const outcomes = [hub.publish(streamItem('c', 'x')), hub.publish(streamItem('c', 'x'))];
    expect(outcomes.map(({ kind }) => kind)).toEqual(['sent', 'sent']);
  });

  it('holds back what is out of order and lets it out behind its predecessor', async () => {
    const { hub, log } = sampleHub();
    const subscriber = new RecordingSubscriber();
    hub.subscribe('c', subscriber);
    hub.publish(streamItem('c', 'a', { id: 'a' }));
    expect(hub.publish(streamItem('c', 'c', { id: 'c', prevId: 'b' }))).toEqual({ kind: 'waiting' });
    await nextTurn();
    expect(subscriber.received).toEqual(['a']);
    expect(hub.publish(streamItem('c', 'b', { id: 'b', prevId: 'a' }))).toEqual({ kind: 'sent', receivers: 1 });
    await nextTurn();
    expect(subscriber.received).toEqual(['a', 'b', 'c']);
    expect(log.lines).toHaveLength(3);
  });

  it('lets out what has waited for message_wait, at the next look once a second', async () => {
    const { hub, clock } = sampleHub({ messageWait: 5_000 });
    const subscriber = new RecordingSubscriber();
    hub.subscribe('c', subscriber);
    hub.publish(streamItem('c', 'a', { id: 'a' }));
    hub.publish(streamItem('c', 'c', { id: 'c', prevId: 'b' }));
    clock.advance(4_999);
    await nextTurn();
    expect(subscriber.received).toEqual(['a']);
    clock.advance(1_101);
    await nextTurn();
    expect(subscriber.received).toEqual(['a', 'c']);
    expect(hub.lastId('c')).toBe('c');
  });

  it('does not sequence an item that says so', async () => {
    const { hub } = sampleHub();
    const subscriber = new RecordingSubscriber();
    hub.subscribe('c', subscriber);
    hub.publish(streamItem('c', 'a', { id: 'a' }));
    const outcome = hub.publish(streamItem('c', 'z', { id: 'z', prevId: 'y', noSeq: true }));
    await nextTurn();
    expect(outcome).toEqual({ kind: 'sent', receivers: 1 });
    expect(subscriber.received).toEqual(['a', 'z']);
    expect(hub.lastId('c')).toBe('a');
  });

  it('drops what a full sequencer has no room for, counts it and warns', () => {
    const { hub, counters, log } = sampleHub({ maxBufferedPerChannel: 1 });
    hub.subscribe('c', new RecordingSubscriber());
    hub.publish(streamItem('c', 'a', { id: 'a' }));
    hub.publish(streamItem('c', 'x', { id: 'x', prevId: 'w' }));
    expect(hub.publish(streamItem('c', 'z', { id: 'z', prevId: 'y' }))).toEqual({
      kind: 'dropped',
      reason: 'sequencer-full',
    });
    expect(counters.dropped['sequencer-full']).toBe(1);
    expect(log.lines.filter((line) => line.startsWith('warn'))).toEqual([
      'warn channel c: too many items out of order, dropping one',
    ]);
  });

  it('without subscribers touches no last id', () => {
    const { hub } = sampleHub();
    hub.publish(streamItem('c', 'a', { id: 'a' }));
    hub.subscribe('c', new RecordingSubscriber());
    expect(hub.lastId('c')).toBeUndefined();
    hub.publish(streamItem('c', 'b', { id: 'b', prevId: 'other' }));
    expect(hub.lastId('c')).toBe('b');
    hub.forgetLastId('c');
    expect(hub.lastId('c')).toBeUndefined();
    hub.forgetLastId('nobody');
    expect(hub.lastId('nobody')).toBeUndefined();
  });
});

describe('a rate limit', () => {
  const LIMITED: Partial<HubSettings> = { messageRate: 80, messageHwm: 3 };

  it('spreads deliveries out, in the order of the kinds', async () => {
    const { hub, clock } = sampleHub(LIMITED);
    const order: string[] = [];
    for (const kind of ['ws', 'stream', 'response'] as const) {
      hub.subscribe('c', new RecordingSubscriber({ kind, encoding: undefined, onItem: () => order.push(kind) }));
    }
    expect(hub.publish(textItem('c', '1'))).toEqual({ kind: 'sent', receivers: 3 });
    await nextTurn();
    expect(order).toEqual([]);
    clock.advance(0);
    expect(order).toEqual(['response', 'stream']);
    clock.advance(25);
    expect(order).toEqual(['response', 'stream', 'ws']);
  });

  it('asks nobody who has no format in the item', () => {
    const { hub, clock, counters } = sampleHub({ ...LIMITED, messageHwm: 1 });
    const response = new RecordingSubscriber({ kind: 'response', encoding: undefined });
    const stream = new RecordingSubscriber();
    hub.subscribe('c', response);
    hub.subscribe('c', stream);
    hub.publish(streamItem('c', '1'));
    clock.advance(0);
    expect([response.received, stream.received]).toEqual([[], ['1']]);
    expect(counters.dropped['rate-limit']).toBe(0);
  });

  it.each([
    ['', 'warn exceeded publish hwm (3), dropping message'],
    ['my-route', 'warn exceeded publish hwm (3) for route my-route, dropping message'],
  ])('drops deliveries above the high-water mark of bucket "%s", counts them and warns', (rateBucket, line) => {
    const { hub, counters, log } = sampleHub(LIMITED);
    hub.subscribe('c', new RecordingSubscriber({ rateBucket }));
    for (let at = 0; at < 5; at += 1) hub.publish(streamItem('c', String(at)));
    expect(counters.dropped['rate-limit']).toBe(2);
    expect(log.lines.filter((one) => one.startsWith('warn'))).toEqual([line]);
  });
});

describe('settling and closing', () => {
  it('writes what one subscriber misses, at once and only once', async () => {
    const { hub } = sampleHub();
    const [eager, patient] = [new RecordingSubscriber(), new RecordingSubscriber()];
    const subscription = hub.subscribe('c', eager);
    hub.subscribe('c', patient);
    hub.publish(streamItem('c', '1'));
    hub.settle(subscription);
    expect([eager.received, patient.received]).toEqual([['1'], []]);
    await nextTurn();
    expect([eager.received, patient.received]).toEqual([['1'], ['1']]);
  });

  it('close writes everything that waits and nothing afterwards', async () => {
    const { hub, wheel } = sampleHub();
    const subscribers = ['c', 'd'].map((channel) => {
      const subscriber = new RecordingSubscriber();
      hub.subscribe(channel, subscriber);
      hub.publish(streamItem(channel, '1', { id: '1' }));
      return subscriber;
    });
    hub.close();
    expect(subscribers.map(({ received }) => received)).toEqual([['1'], ['1']]);
    expect(wheel.size).toBe(0);
    await nextTurn();
    expect(subscribers.map(({ received }) => received)).toEqual([['1'], ['1']]);
  });
});
