import { describe, expect, it } from 'vitest';
import { Tally, type TallyCounts } from '../../../src/hub/tally.js';
import { CentralHub } from '../../../src/runtime/workers/central-hub.js';
import { RecordingTaker } from '../../support/recording-taker.js';
import { sampleHub } from '../../support/sample-hub.js';
import { itemOf, streamItem, textItem } from '../../support/sample-items.js';

function central() {
  const { wheel, clock, log, warnings, counters } = sampleHub();
  const settings = { idCacheTtl: 60, messageWait: 5_000, maxBufferedPerChannel: 2 };
  const hub = new CentralHub({ settings, wheel, log, warnings, counters });
  return { hub, clock, log, counters };
}

const STREAMS = { response: 0, stream: 1, ws: 0 };

/** What a worker tells of an item that reached so many streams. */
function counts(stream: number, expected = stream): TallyCounts {
  return { expected, reached: { response: 0, stream, ws: 0 }, filtered: 0, dropped: [] };
}

/** A tally and whether it has settled. */
function tallied(): { tally: Tally; over: () => boolean } {
  let over = false;
  const tally = new Tally(() => {
    over = true;
  });
  return { tally, over: () => over };
}

describe('the hub of the main process', () => {
  it('sends an item to the workers that have its channel open, and to no others', () => {
    const { hub } = central();
    const [one, two, three] = [new RecordingTaker(), new RecordingTaker(), new RecordingTaker()];
    hub.opened(one, 'a');
    hub.opened(two, 'b');
    hub.opened(three, 'a');
    hub.publish(streamItem('a', '1'));
    hub.publish(streamItem('b', '2'));
    hub.publish(streamItem('c', '3'));
    hub.closed(three, 'a');
    hub.publish(streamItem('a', '4'));
    expect(one.calls).toEqual(['opened a', 'item a 1', 'item a 4']);
    expect(two.calls).toEqual(['opened b', 'item b 2']);
    expect(three.calls).toEqual(['opened a', 'item a 1']);
  });

  it('writes an item once: all workers get the same bytes', () => {
    const { hub } = central();
    const takers = [new RecordingTaker(), new RecordingTaker()];
    for (const taker of takers) hub.opened(taker, 'a');
    hub.publish(streamItem('a', 'x'));
    expect(takers[0]?.frames[1]).toBe(takers[1]?.frames[1]);
  });

  it('answers each opening with the last id, so that one who comes later can compare', () => {
    const { hub } = central();
    const [one, two] = [new RecordingTaker(), new RecordingTaker()];
    hub.opened(one, 'a');
    hub.publish(streamItem('a', 'x', { id: '7' }));
    hub.opened(two, 'a');
    hub.opened(two, 'a');
    expect(two.calls).toEqual(['opened a after 7', 'opened a after 7']);
    hub.closed(one, 'a');
    hub.closed(two, 'a');
    hub.opened(one, 'a');
    expect(one.calls.at(-1)).toBe('opened a');
    expect(hub.channelCount).toBe(1);
  });

  it('decides the order once: an item out of order waits, and goes out behind the one before it', () => {
    const { hub, clock, counters } = central();
    const [one, two] = [new RecordingTaker(), new RecordingTaker()];
    hub.opened(one, 'a');
    hub.opened(two, 'a');
    hub.publish(streamItem('a', '1', { id: '1' }));
    expect(hub.publish(streamItem('a', '3', { id: '3', prevId: '2' }))).toEqual({ kind: 'waiting' });
    hub.publish(streamItem('a', '2', { id: '2', prevId: '1' }));
    hub.publish(streamItem('a', '9', { id: '9', prevId: '8' }));
    expect(hub.publish(streamItem('a', '9', { id: '9', prevId: '8' }))).toEqual({
      kind: 'dropped',
      reason: 'duplicate',
    });
    for (const { calls } of [one, two]) expect(calls).toEqual(['opened a', 'item a 1', 'item a 2', 'item a 3']);
    clock.advance(7_000);
    for (const { calls } of [one, two]) expect(calls.at(-1)).toBe('item a 9');
    expect(counters).toMatchObject({ published: 5, dropped: { duplicate: 1 } });
  });

  it('drops what waits when the last worker has closed the channel', () => {
    const { hub, counters } = central();
    const one = new RecordingTaker();
    hub.opened(one, 'a');
    hub.publish(streamItem('a', '1', { id: '1' }));
    hub.publish(streamItem('a', '3', { id: '3', prevId: '2' }));
    hub.closed(one, 'a');
    expect(counters.dropped.abandoned).toBe(1);
  });

  it('counts the receivers of all workers, by the formats of the item', () => {
    const { hub, log } = central();
    const [one, two] = [new RecordingTaker(), new RecordingTaker()];
    hub.opened(one, 'a');
    hub.opened(two, 'a');
    expect(hub.publish(textItem('a', 'x'))).toEqual({ kind: 'sent', receivers: 0 });
    hub.counted(one, 'a', { response: 1, stream: 2, ws: 4 });
    hub.counted(two, 'a', { response: 8, stream: 16, ws: 32 });
    hub.counted(two, 'unknown', { response: 1, stream: 1, ws: 1 });
    expect(hub.publish(textItem('a', 'x'))).toEqual({ kind: 'sent', receivers: 63 });
    expect(hub.publish(streamItem('a', 'x'))).toEqual({ kind: 'sent', receivers: 18 });
    expect(hub.publish(itemOf('a', { websocket: { action: 'hint' } }))).toEqual({ kind: 'sent', receivers: 36 });
    hub.closed(two, 'a');
    hub.counted(two, 'a', { response: 8, stream: 16, ws: 32 });
    expect(hub.publish(textItem('a', 'x'))).toEqual({ kind: 'sent', receivers: 7 });
    expect(log.lines.at(-1)).toBe('info publish channel=a receivers=7');
  });

  it('tells observers of the first opening and the last close over all workers', () => {
    const { hub } = central();
    const seen: string[] = [];
    hub.observe({ channelOpened: (name) => seen.push(`+${name}`), channelClosed: (name) => seen.push(`-${name}`) });
    const [one, two] = [new RecordingTaker(), new RecordingTaker()];
    hub.opened(one, 'a');
    hub.opened(two, 'a');
    hub.closed(one, 'a');
    hub.closed(one, 'a');
    expect(seen).toEqual(['+a']);
    hub.closed(two, 'a');
    expect(seen).toEqual(['+a', '-a']);
  });

  it('tells the other workers when one finds the last id wrong, and forgets it itself', () => {
    const { hub } = central();
    const [one, two, three] = [new RecordingTaker(), new RecordingTaker(), new RecordingTaker()];
    for (const taker of [one, two]) hub.opened(taker, 'a');
    hub.publish(streamItem('a', 'x', { id: '7' }));
    hub.forgetLastId(one, 'a');
    hub.forgetLastId(one, 'unknown');
    hub.opened(three, 'a');
    expect([one, two, three].map(({ calls }) => calls.at(-1))).toEqual(['item a x', 'forget a', 'opened a']);
    hub.publish(streamItem('a', 'y', { id: '8' }));
    hub.forgetLastIds();
    hub.opened(three, 'a');
    expect(three.calls.at(-1)).toBe('opened a');
  });

  it('lets the subscribers of all workers ask again', () => {
    const { hub } = central();
    const [one, two, three] = [new RecordingTaker(), new RecordingTaker(), new RecordingTaker()];
    hub.opened(one, 'a');
    hub.opened(two, 'a');
    hub.opened(three, 'b');
    hub.askAgain('a');
    hub.askAgain('unknown');
    expect([one, two, three].map(({ calls }) => calls.at(-1))).toEqual(['ask a', 'ask a', 'opened b']);
  });

  describe('reports', () => {
    it('what all workers tell, when the last one has', () => {
      const { hub } = central();
      const [one, two] = [new RecordingTaker(), new RecordingTaker()];
      for (const taker of [one, two]) {
        hub.opened(taker, 'a');
        hub.counted(taker, 'a', { ...STREAMS, stream: 3 });
      }
      const { tally, over } = tallied();
      hub.publish(streamItem('a', 'x'), tally);
      expect(tally.pending).toBe(6);
      hub.settled(one.reports[0] ?? 0, counts(3));
      expect([over(), tally.pending]).toEqual([false, 3]);
      // In the second worker one client had gone and two had come by the time the item came there.
      hub.settled(two.reports[0] ?? 0, { ...counts(2, 4), filtered: 1, dropped: [['outbox-full', 1]] });
      hub.settled(two.reports[0] ?? 0, counts(99));
      expect([over(), tally.pending]).toEqual([true, 0]);
      expect(tally.reached).toEqual({ response: 0, stream: 5, ws: 0 });
      expect([tally.filtered, [...tally.dropped]]).toEqual([1, [['outbox-full', 1]]]);
    });

    it('the clients of a worker that dies as left', () => {
      const { hub } = central();
      const [one, two] = [new RecordingTaker(), new RecordingTaker()];
      for (const taker of [one, two]) {
        hub.opened(taker, 'a');
        hub.counted(taker, 'a', { ...STREAMS, stream: 3 });
      }
      const { tally, over } = tallied();
      hub.publish(streamItem('a', 'x'), tally);
      hub.settled(one.reports[0] ?? 0, counts(3));
      hub.gone(two);
      expect(over()).toBe(true);
      expect([tally.reached.stream, [...tally.dropped]]).toEqual([3, [['left', 3]]]);
      hub.publish(streamItem('a', 'y'));
      expect(two.calls.at(-1)).toBe('item a x');
      hub.gone(one);
      expect(hub.channelCount).toBe(0);
    });

    it('an item that nobody has the channel of at once', () => {
      const { hub } = central();
      const { tally, over } = tallied();
      hub.publish(streamItem('a', 'x'), tally);
      expect([over(), tally.pending]).toEqual([true, 0]);
    });
  });
});
