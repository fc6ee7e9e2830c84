/** Subscribers that publish, subscribe and leave while something is delivered: nobody misses anything or gets it twice. */
import { describe, expect, it } from 'vitest';
import type { Subscription } from '../../src/hub/subscriber.js';
import { RecordingSubscriber } from '../support/recording-subscriber.js';
import { sampleHub } from '../support/sample-hub.js';
import { streamItem } from '../support/sample-items.js';

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('a subscriber that publishes while it is given items', () => {
  it.each(['publishTo', 'settle'])('still gets the rest of them, in order (%s)', async (how) => {
    const { hub } = sampleHub();
    let done = false;
    const one = new RecordingSubscriber({
      encoding: undefined,
      onItem: () => {
        if (done) return;
        done = true;
        if (how === 'publishTo') hub.publishTo(['c'], streamItem('c', 'extra'));
        else for (let i = 0; i < 1_001; i += 1) hub.publish(streamItem('c', `more ${i}`));
      },
    });
    const subscription = hub.subscribe('c', one);
    for (const text of ['1', '2', '3']) hub.publish(streamItem('c', text));
    if (how === 'settle') hub.settle(subscription);
    await nextTurn();
    expect(one.received.slice(0, 3)).toEqual(['1', '2', '3']);
    expect(one.received.length).toBe(how === 'publishTo' ? 4 : 1_004);
  });
});

describe('publishTo', () => {
  it('does not reach who subscribes during it', () => {
    const { hub } = sampleHub();
    const late = new RecordingSubscriber();
    hub.subscribe('a', new RecordingSubscriber({ encoding: undefined, onItem: () => void hub.subscribe('b', late) }));
    hub.publishTo(['a', 'b'], streamItem('x', '1'));
    expect(late.received).toEqual([]);
  });

  it('reaches by its second key who loses the first during it', () => {
    const { hub } = sampleHub();
    const two = new RecordingSubscriber({ encoding: undefined });
    let first: Subscription | undefined;
    const leaves = new RecordingSubscriber({
      encoding: undefined,
      onItem: () => {
        if (first !== undefined) hub.unsubscribe(first);
      },
    });
    hub.subscribe('a', leaves);
    first = hub.subscribe('a', two);
    hub.subscribe('b', two);
    hub.publishTo(['a', 'b'], streamItem('x', '1'));
    expect(two.received).toEqual(['1']);
  });

  it('counts only who takes such a format', () => {
    const { hub } = sampleHub();
    hub.subscribe('a', new RecordingSubscriber({ kind: 'response', encoding: undefined }));
    expect(hub.publishTo(['a'], streamItem('a', '1'))).toBe(0);
  });
});

describe('the end of a hub', () => {
  it('delivers what the rate limiter still holds back', () => {
    const { hub } = sampleHub({ messageRate: 40 });
    const subscriber = new RecordingSubscriber();
    hub.subscribe('c', subscriber);
    for (const text of ['1', '2', '3']) hub.publish(streamItem('c', text));
    hub.close();
    expect(subscriber.received).toEqual(['1', '2', '3']);
  });
});

describe('channels that linger', () => {
  it('close when their own time is over, whichever began to linger first', () => {
    const { hub, clock } = sampleHub({ subscriptionLinger: 60 });
    const poll = (channel: string): void => {
      hub.unsubscribe(hub.subscribe(channel, new RecordingSubscriber({ kind: 'response', encoding: undefined })));
    };
    const stays = hub.subscribe('a', new RecordingSubscriber());
    poll('a');
    clock.advance(30_000);
    poll('b');
    clock.advance(10_000);
    hub.unsubscribe(stays);
    clock.advance(21_200);
    expect([...hub.channelNames()]).toEqual(['b']);
  });
});
