import { describe, expect, it } from 'vitest';
import { Channel } from '../../src/hub/channel.js';
import { Publication } from '../../src/hub/publication.js';
import { append, join, received, type Seat } from '../support/channel-seats.js';
import { streamItem } from '../support/sample-items.js';

const ALL = Number.POSITIVE_INFINITY;

describe('slices', () => {
  it('bring as many subscribers up to date as the budget says', () => {
    const channel = new Channel('c');
    const seats = Array.from({ length: 5 }, () => join(channel));
    append(channel, '1');
    const served = (): number => seats.filter(({ subscriber }) => subscriber.received.length > 0).length;
    expect(channel.flush(2)).toBe(0);
    expect([served(), channel.dirty]).toEqual([2, true]);
    expect(channel.flush(2)).toBe(0);
    expect([served(), channel.dirty]).toEqual([4, true]);
    expect(channel.flush(4)).toBe(3);
    expect([served(), channel.dirty, channel.backlog]).toEqual([5, false, 0]);
  });

  it('let newer items merge into what is not written yet', () => {
    const channel = new Channel('c');
    const seats = Array.from({ length: 3 }, () => join(channel));
    append(channel, '1');
    channel.flush(1);
    append(channel, '2');
    channel.flush(ALL);
    const calls = seats.map(({ subscriber }) => subscriber.calls);
    expect(calls.filter((one) => one.length === 2)).toEqual([
      [
        ['1;', 1],
        ['2;', 1],
      ],
    ]);
    expect(calls.filter((one) => one.length === 1)).toEqual([[['1;2;', 2]], [['1;2;', 2]]]);
    expect(channel.dirty).toBe(false);
  });

  it('keep only what somebody may still miss', () => {
    const channel = new Channel('c');
    for (let i = 0; i < 3; i += 1) join(channel);
    append(channel, '1');
    channel.flush(1);
    append(channel, '2');
    expect(channel.backlog).toBe(2);
    channel.flush(3);
    expect([channel.backlog, channel.dirty]).toEqual([1, true]);
  });

  it('tell whether the channel was clean before an item', () => {
    const channel = new Channel('c');
    join(channel);
    const publish = (): boolean => channel.append(new Publication(streamItem('c', 'x')));
    expect([publish(), publish()]).toEqual([true, false]);
    expect(channel.backlog).toBe(2);
    channel.flush(ALL);
    expect(publish()).toBe(true);
  });

  it('with nothing to write use nothing of the budget', () => {
    const channel = new Channel('c');
    expect(channel.flush(7)).toBe(7);
    const { subscription } = join(channel);
    append(channel, '1');
    channel.remove(subscription);
    expect(channel.flush(7)).toBe(7);
    expect(channel.dirty).toBe(false);
  });
});

describe('coming and leaving in mid-flush', () => {
  it('neither skips nor repeats anybody, whoever leaves after the first slice', () => {
    for (let slice = 1; slice <= 5; slice += 1) {
      for (let leaver = 0; leaver < 5; leaver += 1) {
        const channel = new Channel('c');
        const seats = Array.from({ length: 5 }, () => join(channel));
        append(channel, '1');
        channel.flush(slice);
        const before = seats[leaver]?.subscriber.received.length ?? 0;
        const leaving = seats[leaver]?.subscription;
        if (leaving !== undefined) channel.remove(leaving);
        channel.flush(ALL);
        const counts = seats.map(({ subscriber }) => subscriber.received.length);
        expect(counts).toEqual(seats.map((_, at) => (at === leaver ? before : 1)));
      }
    }
  });

  it('does not give a newcomer what was appended before, nor forget what comes after', () => {
    const channel = new Channel('c');
    for (let i = 0; i < 3; i += 1) join(channel);
    append(channel, '1');
    channel.flush(1);
    const newcomer = join(channel);
    append(channel, '2');
    channel.flush(1);
    channel.flush(ALL);
    expect(newcomer.subscriber.received).toEqual(['2']);
  });

  it('lets a subscriber bring in and throw out others while it is served', () => {
    const channel = new Channel('c');
    const victim = join(channel);
    const guests: Seat[] = [];
    join(channel, {
      encoding: undefined,
      onItem: () => {
        channel.remove(victim.subscription);
        guests.push(join(channel));
      },
    });
    append(channel, '1');
    channel.flush(ALL);
    expect(received(victim, ...guests)).toEqual([[], []]);
    append(channel, '2');
    channel.flush(ALL);
    expect(received(victim, ...guests)).toEqual([[], ['2'], []]);
  });

  it('writes what is appended while it is being written, in a later pass', () => {
    const channel = new Channel('c');
    const seats = [join(channel), join(channel)];
    join(channel, { encoding: undefined, onItem: (text) => text === '1' && append(channel, '2') });
    channel.append(new Publication(streamItem('c', '1')));
    channel.flush(ALL);
    expect(received(...seats)).toEqual([
      ['1', '2'],
      ['1', '2'],
    ]);
    expect(channel.dirty).toBe(false);
  });
});
