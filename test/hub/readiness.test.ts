/** A hub whose items another process takes in: who waits for it, and for how long. */
import { describe, expect, it } from 'vitest';
import { RecordingSubscriber } from '../support/recording-subscriber.js';
import { RecordingUplink } from '../support/recording-uplink.js';
import { nextTurn, sampleHub } from '../support/sample-hub.js';
import { streamItem } from '../support/sample-items.js';

function connected(subscriptionLinger = 0) {
  const uplink = new RecordingUplink();
  const { hub, clock } = sampleHub({ subscriptionLinger }, uplink);
  return { hub, clock, calls: uplink.calls };
}

describe('a hub with an uplink', () => {
  it('lets a client wait until its channel is connected', () => {
    const { hub, calls } = connected();
    const ran: string[] = [];
    hub.ready(
      () => ['a'],
      () => ran.push('first'),
    );
    hub.ready(
      () => ['a'],
      () => ran.push('second'),
    );
    expect([ran, calls, hub.isReady('a')]).toEqual([[], ['open a'], false]);
    hub.opened('a', undefined);
    expect(ran).toEqual(['first', 'second']);
  });

  it('lets it wait for all of its channels, each named once', () => {
    const { hub, calls } = connected();
    hub.subscribe('a', new RecordingSubscriber());
    hub.opened('a', undefined);
    let ran = 0;
    hub.ready(
      () => ['a', 'b', 'b', 'c'],
      () => {
        ran += 1;
      },
    );
    hub.opened('c', undefined);
    expect(ran).toBe(0);
    hub.opened('b', undefined);
    expect(ran).toBe(1);
    expect(calls.filter((call) => call.startsWith('open'))).toEqual(['open a', 'open b', 'open c']);
  });

  it('runs at once where all are connected, or none is named', () => {
    const { hub } = connected();
    hub.subscribe('a', new RecordingSubscriber());
    hub.opened('a', undefined);
    const ran: string[] = [];
    hub.ready(
      () => ['a'],
      () => ran.push('a'),
    );
    hub.ready(
      () => [],
      () => ran.push('none'),
    );
    expect(ran).toEqual(['a', 'none']);
  });

  it('keeps a channel open for who is expected, and closes it when nobody came', () => {
    const { hub, calls } = connected();
    hub.ready(
      () => ['a'],
      () => {},
    );
    const other = hub.subscribe('a', new RecordingSubscriber());
    hub.unsubscribe(other);
    expect(calls).not.toContain('close a');
    hub.opened('a', undefined);
    expect(calls.at(-1)).toBe('close a');
    expect(hub.channelCount).toBe(0);
  });

  it('misses nothing for who subscribes when it is told', async () => {
    const { hub, calls } = connected();
    const subscriber = new RecordingSubscriber();
    hub.ready(
      () => ['a'],
      () => {
        expect(hub.lastId('a')).toBe('7');
        hub.subscribe('a', subscriber);
      },
    );
    hub.opened('a', '7');
    hub.receive(streamItem('a', 'next', { id: '8', prevId: '7' }));
    await nextTurn();
    expect([subscriber.received, hub.lastId('a')]).toEqual([['next'], '8']);
    expect(calls).toEqual(['open a', 'counted a']);
  });

  it('says so when the last id is forgotten here', () => {
    const { hub, calls } = connected();
    hub.subscribe('a', new RecordingSubscriber());
    hub.opened('a', '7');
    hub.forgetLastId('a');
    expect([hub.lastId('a'), calls.at(-1)]).toEqual([undefined, 'forget a']);
  });

  it('leaves a new channel alone when an old one of its name has lingered', () => {
    const { hub, clock, calls } = connected(1.5);
    hub.unsubscribe(hub.subscribe('a', new RecordingSubscriber({ kind: 'response' })));
    // The looks are a second apart: the first finds it lingering, then it is closed between two of them.
    clock.advance(1_700);
    hub.unsubscribe(hub.subscribe('a', new RecordingSubscriber()));
    expect(calls.filter((call) => call === 'close a')).toHaveLength(1);
    hub.subscribe('a', new RecordingSubscriber());
    clock.advance(10_000);
    expect([hub.count('a', 'stream'), calls.filter((call) => call === 'close a').length]).toEqual([1, 1]);
  });
});

describe('a hub that takes its own items in', () => {
  it('is always ready, and does not ask for names', () => {
    const { hub } = sampleHub();
    let ran = false;
    hub.ready(
      () => {
        throw new Error('nobody needs them');
      },
      () => {
        ran = true;
      },
    );
    expect([ran, hub.isReady('a')]).toEqual([true, true]);
  });
});
