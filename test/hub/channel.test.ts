import { describe, expect, it } from 'vitest';
import { Channel } from '../../src/hub/channel.js';
import { Subscription } from '../../src/hub/subscriber.js';
import { append, join, received, type Seat } from '../support/channel-seats.js';
import { RecordingSubscriber } from '../support/recording-subscriber.js';
import { itemOf, responseFormat, streamAction, textItem } from '../support/sample-items.js';

const ALL = Number.POSITIVE_INFINITY;

describe('who gets an item', () => {
  it('is everybody subscribed when it was appended, and nobody who came later', () => {
    const channel = new Channel('c');
    const first = join(channel);
    append(channel, '1');
    const second = join(channel);
    append(channel, '2');
    const third = join(channel);
    channel.flush(ALL);
    expect(received(first, second, third)).toEqual([['1', '2'], ['2'], []]);
    append(channel, '3');
    channel.flush(ALL);
    expect(received(first, second, third)).toEqual([['1', '2', '3'], ['2', '3'], ['3']]);
  });

  it('is nobody who left before it was written', () => {
    const channel = new Channel('c');
    const gone = join(channel);
    const stays = join(channel);
    append(channel, '1');
    channel.remove(gone.subscription);
    channel.flush(ALL);
    expect(received(gone, stays)).toEqual([[], ['1']]);
    expect(gone.subscription.active).toBe(false);
  });

  it('is reached in the order responses, streams, WebSockets', () => {
    const channel = new Channel('c');
    const order: string[] = [];
    for (const kind of ['ws', 'response', 'stream', 'ws', 'response'] as const) {
      join(channel, { kind, encoding: undefined, onItem: () => order.push(kind) });
    }
    append(channel, textItem('c', '1'));
    channel.flush(ALL);
    expect(order).toEqual(['response', 'response', 'stream', 'ws', 'ws']);
    expect((['response', 'stream', 'ws'] as const).map((kind) => channel.count(kind))).toEqual([2, 1, 2]);
  });
});

describe('merging', () => {
  it('writes several items as one joined buffer, and one item alone', () => {
    const channel = new Channel('c');
    const { subscriber } = join(channel);
    append(channel, '1', '2', '3');
    channel.flush(ALL);
    append(channel, '4');
    channel.flush(ALL);
    expect(subscriber.calls).toEqual([
      ['1;2;3;', 3],
      ['4;', 1],
    ]);
  });

  it('gives everybody who misses the same items the same bytes', () => {
    const channel = new Channel('c');
    const seen: Buffer[] = [];
    class Keeper extends RecordingSubscriber {
      override write(bytes: Buffer): boolean {
        seen.push(bytes);
        return true;
      }
    }
    for (let i = 0; i < 3; i += 1) channel.add(new Subscription(channel, new Keeper(), true));
    append(channel, '1');
    channel.flush(ALL);
    append(channel, '2', '3');
    channel.flush(ALL);
    const [one, , , two] = seen;
    expect(seen.slice(0, 3).every((bytes) => bytes === one)).toBe(true);
    expect(seen.slice(3).every((bytes) => bytes === two)).toBe(true);
    expect(seen).toHaveLength(6);
  });

  it('joins for each what it misses when they came at different times', () => {
    const channel = new Channel('c');
    const first = join(channel);
    append(channel, '1');
    const second = join(channel);
    append(channel, '2', '3');
    channel.flush(ALL);
    expect(first.subscriber.calls).toEqual([['1;2;3;', 3]]);
    expect(second.subscriber.calls).toEqual([['2;3;', 2]]);
  });

  it('keeps actions in their place between sends', () => {
    const channel = new Channel('c');
    const { subscriber } = join(channel);
    append(
      channel,
      '1',
      '2',
      streamAction('c', 'hint'),
      '3',
      streamAction('c', 'refresh'),
      streamAction('c', 'hint'),
      '4',
    );
    channel.flush(ALL);
    expect(subscriber.calls).toEqual([['1;2;', 2], '<hint>', ['3;', 1], '<refresh>', '<hint>', ['4;', 1]]);
  });

  it('stops at an action that ends the subscription', () => {
    const channel = new Channel('c');
    const { subscriber } = join(channel, { onItem: (_, subscription) => subscription && channel.remove(subscription) });
    const other = join(channel);
    append(channel, '1', streamAction('c', 'close'), '2');
    channel.flush(ALL);
    expect(subscriber.received).toEqual(['1', '<close>']);
    expect(other.subscriber.received).toEqual(['1', '<close>', '2']);
  });

  it('passes over items that have nothing for the subscriber', () => {
    const channel = new Channel('c');
    const { subscriber } = join(channel);
    const foreign = itemOf('c', { response: responseFormat({}) });
    append(channel, '1', foreign, '2');
    channel.flush(ALL);
    append(channel, foreign);
    channel.flush(ALL);
    append(channel, foreign, foreign);
    channel.flush(ALL);
    expect(subscriber.calls).toEqual([['1;2;', 2]]);
  });

  it.each([
    ['has no encoding', { encoding: undefined }, true],
    ['is not plain', {}, false],
  ] as const)('hands items over one by one to a subscriber that %s', (_, options, plain) => {
    const channel = new Channel('c');
    const { subscriber } = join(channel, options, plain);
    append(channel, '1', streamAction('c', 'hint'), '2');
    channel.flush(ALL);
    expect(subscriber.calls).toEqual(['1', '<hint>', '2']);
  });
});

describe('removing', () => {
  it('moves the last one into the gap, so that every place stays true', () => {
    const channel = new Channel('c');
    const seats = Array.from({ length: 4 }, () => join(channel));
    const at = (index: number): Subscription => (seats[index] as Seat).subscription;
    channel.remove(at(1));
    expect(channel.list('stream')).toEqual([at(0), at(3), at(2)]);
    expect([0, 1, 2, 3].map((index) => at(index).index)).toEqual([0, -1, 2, 1]);
    channel.remove(at(2));
    channel.remove(at(0));
    expect(channel.list('stream')).toEqual([at(3)]);
    expect(at(3).index).toBe(0);
  });

  it('of one that is not there any more changes nothing', () => {
    const channel = new Channel('c');
    const gone = join(channel);
    const stays = join(channel);
    channel.remove(gone.subscription);
    channel.remove(gone.subscription);
    expect(channel.list('stream')).toEqual([stays.subscription]);
    expect(channel.empty).toBe(false);
    channel.remove(stays.subscription);
    expect(channel.empty).toBe(true);
  });
});

describe('catching one subscriber up', () => {
  it('gives it what it misses before the others, and not again later', () => {
    const channel = new Channel('c');
    const eager = join(channel);
    const patient = join(channel);
    append(channel, '1', '2');
    channel.catchUp(eager.subscription);
    expect(received(eager, patient)).toEqual([['1', '2'], []]);
    channel.catchUp(eager.subscription);
    append(channel, '3');
    channel.flush(ALL);
    expect(eager.subscriber.calls).toEqual([
      ['1;2;', 2],
      ['3;', 1],
    ]);
    expect(patient.subscriber.calls).toEqual([['1;2;3;', 3]]);
  });

  it('gives nothing to one that has left', () => {
    const channel = new Channel('c');
    const { subscriber, subscription } = join(channel);
    append(channel, '1');
    channel.remove(subscription);
    channel.catchUp(subscription);
    expect(subscriber.received).toEqual([]);
  });
});
