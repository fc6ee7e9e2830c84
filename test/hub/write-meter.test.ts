import { describe, expect, it } from 'vitest';
import { Hub } from '../../src/hub/hub.js';
import { WriteMeter } from '../../src/hub/write-meter.js';
import { LATENCY_BOUNDS } from '../../src/observe/histogram.js';
import { RecordingSubscriber } from '../support/recording-subscriber.js';
import { nextTurn, sampleHub } from '../support/sample-hub.js';
import { streamItem } from '../support/sample-items.js';

/** A hub that measures, on a clock that is moved by hand. */
function metered(messageRate = 0) {
  const { clock, wheel, counters, log, warnings } = sampleHub();
  const settings = {
    idCacheTtl: 60,
    messageWait: 5_000,
    maxBufferedPerChannel: 100,
    messageRate,
    messageHwm: 0,
    messageBlockSize: 0,
    subscriptionLinger: 0,
  };
  const meter = new WriteMeter(clock, counters.publishLatencies);
  const hub = new Hub({ settings, wheel, log, warnings, counters, meter });
  return { hub, clock, counters };
}

/** The upper bounds of the buckets in which something is, as often as it is. */
function seen(counts: readonly number[]): number[] {
  return counts.flatMap((count, at) => Array.from({ length: count }, () => LATENCY_BOUNDS[at] ?? Infinity));
}

describe('the time from a publish to its last subscriber', () => {
  it('is measured once for each item, however many get it', async () => {
    const { hub, counters } = metered();
    for (let count = 0; count < 300; count += 1) hub.subscribe('c', new RecordingSubscriber({}));
    for (const text of ['a', 'b', 'c']) hub.publish(streamItem('c', text));
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(seen(counters.publishLatencies.counts)).toEqual([0.5, 0.5, 0.5]);
  });

  it('is not measured of what nobody gets', async () => {
    const { hub, counters } = metered();
    hub.publish(streamItem('nobody', 'a'));
    await nextTurn();
    expect(seen(counters.publishLatencies.counts)).toEqual([]);
  });

  it('begins when the item comes in, also when it has to wait for the one before it', async () => {
    const { hub, clock, counters } = metered();
    hub.subscribe('c', new RecordingSubscriber({}));
    hub.publish(streamItem('c', '1', { id: '1' }));
    hub.publish(streamItem('c', '3', { id: '3', prevId: '2' }));
    await nextTurn();
    clock.advance(700);
    hub.publish(streamItem('c', '2', { id: '2', prevId: '1' }));
    await nextTurn();
    expect(seen(counters.publishLatencies.counts)).toEqual([0.5, 0.5, 1_000]);
  });

  it('ends with the last delivery where the rate is limited', () => {
    const { hub, clock, counters } = metered(40);
    for (let count = 0; count < 5; count += 1) hub.subscribe('c', new RecordingSubscriber({}));
    hub.publish(streamItem('c', 'a'));
    clock.advance(90);
    expect(seen(counters.publishLatencies.counts)).toEqual([]);
    clock.advance(30);
    expect(seen(counters.publishLatencies.counts)).toEqual([100]);
  });

  it('counts what was taken in by another process from when that took it', async () => {
    const { hub, clock, counters } = metered();
    hub.subscribe('c', new RecordingSubscriber({}));
    hub.receive(streamItem('c', 'a'), undefined, clock.now() - 40);
    await nextTurn();
    expect(seen(counters.publishLatencies.counts)).toEqual([50]);
  });
});
