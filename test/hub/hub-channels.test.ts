import { describe, expect, it } from 'vitest';
import type { Hub } from '../../src/hub/hub.js';
import { RecordingSubscriber } from '../support/recording-subscriber.js';
import { nextTurn, sampleHub } from '../support/sample-hub.js';
import { itemOf, streamItem, textItem } from '../support/sample-items.js';

/** Keeps what observers are told, as `+channel` and `-channel`. */
function watch(hub: Hub): string[] {
  const seen: string[] = [];
  hub.observe({ channelOpened: (name) => seen.push(`+${name}`), channelClosed: (name) => seen.push(`-${name}`) });
  return seen;
}

const responseSubscriber = (): RecordingSubscriber =>
  new RecordingSubscriber({ kind: 'response', encoding: undefined });

describe('channels', () => {
  it('open with the first subscriber and close with the last', () => {
    const { hub } = sampleHub();
    const seen = watch(hub);
    const alsoSeen = watch(hub);
    const first = hub.subscribe('c', new RecordingSubscriber());
    const second = hub.subscribe('c', new RecordingSubscriber({ kind: 'ws' }));
    hub.subscribe('d', new RecordingSubscriber());
    expect([...hub.channelNames()]).toEqual(['c', 'd']);
    expect([hub.count('c', 'stream'), hub.count('c', 'ws'), hub.count('nobody', 'ws')]).toEqual([1, 1, 0]);
    hub.unsubscribe(first);
    expect(seen).toEqual(['+c', '+d']);
    hub.unsubscribe(second);
    hub.unsubscribe(second);
    expect(seen).toEqual(['+c', '+d', '-c']);
    expect(alsoSeen).toEqual(seen);
    expect(hub.channelCount).toBe(1);
  });

  it('are not opened by publishing', () => {
    const { hub } = sampleHub();
    const seen = watch(hub);
    hub.publish(streamItem('c', 'x'));
    hub.publishTo(['c'], streamItem('c', 'x'));
    expect([seen, hub.channelCount]).toEqual([[], 0]);
  });

  it('forget their last id and what waits when they close', async () => {
    const { hub, wheel, clock, log } = sampleHub({ idCacheTtl: 0 });
    const before = hub.subscribe('c', new RecordingSubscriber());
    hub.publish(streamItem('c', 'a', { id: 'a' }));
    hub.publish(streamItem('c', 'c', { id: 'c', prevId: 'b' }));
    await nextTurn();
    hub.unsubscribe(before);
    const subscriber = new RecordingSubscriber();
    hub.subscribe('c', subscriber);
    expect(hub.lastId('c')).toBeUndefined();
    clock.advance(20_000);
    expect(log.lines).toEqual(['info publish channel=c receivers=1']);
    hub.publish(streamItem('c', 'b', { id: 'b', prevId: 'a' }));
    await nextTurn();
    expect(subscriber.received).toEqual(['b']);
    expect(wheel.size).toBe(0);
  });

  it('give nothing to who leaves before the writing', async () => {
    const { hub } = sampleHub();
    const subscriber = new RecordingSubscriber();
    const subscription = hub.subscribe('c', subscriber);
    hub.publish(streamItem('c', '1'));
    hub.unsubscribe(subscription);
    await nextTurn();
    expect(subscriber.received).toEqual([]);
  });

  it('that close and open again between publishing and writing do not mix up their subscribers', async () => {
    const { hub } = sampleHub();
    const before = hub.subscribe('c', new RecordingSubscriber());
    hub.publish(streamItem('c', '1'));
    hub.unsubscribe(before);
    const after = new RecordingSubscriber();
    hub.subscribe('c', after);
    hub.publish(streamItem('c', '2'));
    await nextTurn();
    expect(after.received).toEqual(['2']);
  });
});

describe('lingering', () => {
  it('keeps a channel open for a while after its last response hold', () => {
    const { hub, clock, wheel } = sampleHub({ subscriptionLinger: 60 });
    const seen = watch(hub);
    hub.unsubscribe(hub.subscribe('c', responseSubscriber()));
    expect(seen).toEqual(['+c']);
    hub.publish(streamItem('c', 'x', { id: 'x' }));
    expect(hub.lastId('c')).toBe('x');
    clock.advance(59_900);
    expect([...hub.channelNames()]).toEqual(['c']);
    clock.advance(1_200);
    expect(seen).toEqual(['+c', '-c']);
    expect(hub.lastId('c')).toBeUndefined();
    expect(wheel.size).toBe(0);
  });

  it.each(['stream', 'ws'] as const)('is not for holds of kind %s', (kind) => {
    const { hub } = sampleHub({ subscriptionLinger: 60 });
    const seen = watch(hub);
    hub.unsubscribe(hub.subscribe('c', new RecordingSubscriber({ kind })));
    expect(seen).toEqual(['+c', '-c']);
  });

  it('sequences what is published meanwhile', () => {
    const { hub } = sampleHub({ subscriptionLinger: 60 });
    hub.unsubscribe(hub.subscribe('c', responseSubscriber()));
    hub.publish(streamItem('c', 'a', { id: 'a' }));
    expect(hub.publish(streamItem('c', 'c', { id: 'c', prevId: 'b' }))).toEqual({ kind: 'waiting' });
  });

  it('starts anew with each response hold', () => {
    const { hub, clock } = sampleHub({ subscriptionLinger: 60 });
    const seen = watch(hub);
    hub.unsubscribe(hub.subscribe('c', responseSubscriber()));
    clock.advance(40_000);
    hub.unsubscribe(hub.subscribe('c', responseSubscriber()));
    clock.advance(59_900);
    expect(seen).toEqual(['+c']);
    clock.advance(1_200);
    expect(seen).toEqual(['+c', '-c']);
  });

  it('does not close a channel that has a subscriber again, and closes it at once when that one goes later', () => {
    const { hub, clock } = sampleHub({ subscriptionLinger: 60 });
    const seen = watch(hub);
    hub.unsubscribe(hub.subscribe('c', responseSubscriber()));
    const stays = hub.subscribe('c', new RecordingSubscriber());
    clock.advance(200_000);
    expect(seen).toEqual(['+c']);
    hub.unsubscribe(stays);
    expect(seen).toEqual(['+c', '-c']);
  });

  it('goes on when somebody else comes and goes meanwhile', () => {
    const { hub, clock } = sampleHub({ subscriptionLinger: 60 });
    const seen = watch(hub);
    hub.unsubscribe(hub.subscribe('c', responseSubscriber()));
    clock.advance(30_000);
    hub.unsubscribe(hub.subscribe('c', new RecordingSubscriber()));
    expect(seen).toEqual(['+c']);
    clock.advance(31_200);
    expect(seen).toEqual(['+c', '-c']);
    clock.advance(60_000);
    expect(seen).toEqual(['+c', '-c']);
  });
});

describe('publishing under several keys', () => {
  it('gives each subscriber of any of them the item once, at once', () => {
    const { hub, counters } = sampleHub();
    const both = new RecordingSubscriber();
    const one = new RecordingSubscriber();
    const none = new RecordingSubscriber();
    hub.subscribe('a', both);
    hub.subscribe('b', both);
    hub.subscribe('b', one);
    hub.subscribe('c', none);
    expect(hub.publishTo(['a', 'b', 'nobody', 'a'], streamItem('x', '1'))).toBe(2);
    expect([both.received, one.received, none.received]).toEqual([['1'], ['1'], []]);
    expect(counters.published).toBe(1);
  });

  it('comes behind what was published before and in front of what is published after', async () => {
    const { hub } = sampleHub();
    const subscriber = new RecordingSubscriber();
    hub.subscribe('a', subscriber);
    hub.publish(streamItem('a', '1'));
    hub.publishTo(['a'], streamItem('a', '2'));
    hub.publish(streamItem('a', '3'));
    await nextTurn();
    expect(subscriber.received).toEqual(['1', '2', '3']);
  });

  it('is neither sequenced nor de-duplicated', () => {
    const { hub } = sampleHub();
    const subscriber = new RecordingSubscriber();
    hub.subscribe('a', subscriber);
    for (const text of ['1', '2']) hub.publishTo(['a'], streamItem('a', text, { id: 'same', prevId: 'unknown' }));
    expect(subscriber.received).toEqual(['1', '2']);
    expect(hub.lastId('a')).toBeUndefined();
  });

  it('reaches responses, streams and WebSockets of a key in this order', () => {
    const { hub } = sampleHub();
    const order: string[] = [];
    for (const kind of ['ws', 'stream', 'response'] as const) {
      hub.subscribe('a', new RecordingSubscriber({ kind, encoding: undefined, onItem: () => order.push(kind) }));
    }
    hub.publishTo(['a'], textItem('a', 'x'));
    expect(order).toEqual(['response', 'stream', 'ws']);
  });

  it('does not reach who is thrown out by an earlier delivery', () => {
    const { hub } = sampleHub();
    const victim = new RecordingSubscriber({ kind: 'ws', encoding: undefined });
    const subscription = hub.subscribe('a', victim);
    hub.subscribe('a', new RecordingSubscriber({ encoding: undefined, onItem: () => hub.unsubscribe(subscription) }));
    hub.publishTo(['a'], textItem('a', 'x'));
    expect(victim.received).toEqual([]);
  });

  it('hands over actions', () => {
    const { hub } = sampleHub();
    const subscriber = new RecordingSubscriber();
    hub.subscribe('a', subscriber);
    hub.publishTo(['a'], itemOf('a', { stream: { action: 'close' } }));
    expect(subscriber.calls).toEqual(['<close>']);
  });
});
