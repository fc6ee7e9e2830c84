import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Channel } from '../../src/hub/channel.js';
import { Publication } from '../../src/hub/publication.js';
import { type SequenceResult, Sequencer } from '../../src/hub/sequencer.js';
import { streamItem } from '../support/sample-items.js';

const WAIT = 5_000;
const MAX_WAITING = 3;

function setUp(maxWaiting = MAX_WAITING): {
  channel: Channel;
  sequencer: Sequencer<Channel>;
  sent: string[];
  publish: (id: string | undefined, prevId: string | undefined, now?: number) => SequenceResult;
} {
  const sent: string[] = [];
  const channel = new Channel('c');
  const sequencer = new Sequencer<Channel>(WAIT, maxWaiting, (_, { item }) => sent.push(item.id ?? 'no id'));
  const publish = (id: string | undefined, prevId: string | undefined, now = 0): SequenceResult =>
    sequencer.publish(channel, new Publication(streamItem('c', 'x', { id, prevId })), now);
  return { channel, sequencer, sent, publish };
}

describe('what goes out at once', () => {
  it.each<[string, string | undefined, string | undefined]>([
    ['anything while no id is remembered', undefined, 'whatever'],
    ['an item without a predecessor', 'a', undefined],
    ['the item that follows the remembered one', 'a', 'a'],
  ])('is %s', (_, lastId, prevId) => {
    const { channel, publish, sent, sequencer } = setUp();
    channel.lastId = lastId;
    expect(publish('b', prevId)).toBe('sent');
    expect(sent).toEqual(['b']);
    expect(channel.lastId).toBe('b');
    expect(sequencer.busy).toBe(false);
  });

  it('makes the channel forget its last id when it has none itself', () => {
    const { channel, publish, sent } = setUp();
    publish('a', undefined);
    expect(publish(undefined, 'a')).toBe('sent');
    expect(channel.lastId).toBeUndefined();
    expect(publish('z', 'y')).toBe('sent');
    expect(sent).toEqual(['a', 'no id', 'z']);
  });

  it('treats an empty id as an id like any other', () => {
    const { channel, publish } = setUp();
    channel.lastId = '';
    expect(publish('b', 'a')).toBe('waiting');
    expect(publish('a', '')).toBe('sent');
    expect(channel.lastId).toBe('b');
  });
});

describe('what waits', () => {
  it('goes out behind its predecessor, and its own followers behind it', () => {
    const { channel, sequencer, publish, sent } = setUp();
    publish('a', undefined);
    expect(publish('d', 'c')).toBe('waiting');
    expect(publish('c', 'b')).toBe('waiting');
    expect(sequencer.busy).toBe(true);
    expect(sent).toEqual(['a']);
    expect(publish('b', 'a')).toBe('sent');
    expect(sent).toEqual(['a', 'b', 'c', 'd']);
    expect(channel.lastId).toBe('d');
    expect(channel.waiting).toBeUndefined();
    expect(sequencer.busy).toBe(false);
  });

  it('may also follow an item that came without a predecessor', () => {
    const { publish, sent } = setUp();
    publish('a', undefined);
    publish('c', 'b');
    publish('b', undefined);
    expect(sent).toEqual(['a', 'b', 'c']);
  });

  it('stops at an item without an id', () => {
    const { publish, sent, sequencer } = setUp();
    publish('a', undefined);
    publish(undefined, 'b');
    publish('z', 'y');
    publish('b', 'a');
    expect(sent).toEqual(['a', 'b', 'no id']);
    expect(sequencer.busy).toBe(true);
  });

  it('may be one item for each predecessor and no more', () => {
    const { publish, sent } = setUp();
    publish('a', undefined);
    expect(publish('c', 'b')).toBe('waiting');
    expect(publish('c2', 'b')).toBe('full');
    publish('b', 'a');
    expect(sent).toEqual(['a', 'b', 'c']);
  });

  it('may be so many items in one channel and no more, whatever waits in another', () => {
    const { publish, sent, sequencer } = setUp();
    const other = new Channel('other');
    other.lastId = '0';
    sequencer.publish(other, new Publication(streamItem('other', 'x', { id: 'o', prevId: 'n' })), 0);
    publish('a', undefined);
    expect(['c', 'd', 'e', 'f'].map((prevId) => publish(`after ${prevId}`, prevId))).toEqual([
      'waiting',
      'waiting',
      'waiting',
      'full',
    ]);
    expect(sent).toEqual(['a']);
  });

  it('is dropped with the channel, and the number is told', () => {
    const { channel, publish, sent, sequencer } = setUp();
    publish('a', undefined);
    publish('c', 'b');
    publish('d', 'x');
    expect(sequencer.forget(channel)).toBe(2);
    expect(sequencer.forget(channel)).toBe(0);
    expect(sequencer.busy).toBe(false);
    sequencer.expire(10 * WAIT);
    publish('b', 'a');
    expect(sent).toEqual(['a', 'b']);
  });
});

describe('what has waited too long', () => {
  it('goes out when its time is over and not before', () => {
    const { channel, publish, sent, sequencer } = setUp();
    publish('a', undefined, 1_000);
    publish('c', 'b', 1_000);
    sequencer.expire(1_000 + WAIT - 1);
    expect(sent).toEqual(['a']);
    sequencer.expire(1_000 + WAIT);
    expect(sent).toEqual(['a', 'c']);
    expect(channel.lastId).toBe('c');
    expect(sequencer.busy).toBe(false);
  });

  it('goes out in the order it came', () => {
    const { publish, sent, sequencer } = setUp();
    publish('a', undefined);
    publish('z', 'y', 1);
    publish('d', 'c', 2);
    publish('m', 'l', 3);
    sequencer.expire(2 + WAIT);
    expect(sent).toEqual(['a', 'z', 'd']);
    sequencer.expire(3 + WAIT);
    expect(sent).toEqual(['a', 'z', 'd', 'm']);
  });

  it('takes its followers along, although they have not waited long', () => {
    const { publish, sent, sequencer } = setUp();
    publish('a', undefined);
    publish('c', 'b', 0);
    publish('d', 'c', WAIT - 1);
    publish('z', 'y', WAIT - 1);
    sequencer.expire(WAIT);
    expect(sent).toEqual(['a', 'c', 'd']);
    expect(sequencer.busy).toBe(true);
  });

  it('is not sent a second time when it went out as the follower of an earlier one', () => {
    const { publish, sent, sequencer } = setUp();
    publish('a', undefined);
    publish('c', 'b', 0);
    publish('d', 'c', 0);
    publish('e', 'd', 0);
    sequencer.expire(WAIT);
    expect(sent).toEqual(['a', 'c', 'd', 'e']);
  });

  it('leaves a late predecessor waiting for nothing: it is out of order now itself', () => {
    const { publish, sent, sequencer } = setUp();
    publish('a', undefined);
    publish('c', 'b', 0);
    sequencer.expire(WAIT);
    expect(publish('b', 'a', WAIT)).toBe('waiting');
    sequencer.expire(2 * WAIT);
    expect(sent).toEqual(['a', 'c', 'b']);
  });
});

describe('any order of arrival', () => {
  it('becomes the order of the chain, each item once, when there is room for all', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 30 })
          .chain((length) => fc.shuffledSubarray([...Array(length).keys()], { minLength: length })),
        (arrivals) => {
          const { publish, sent, sequencer } = setUp(arrivals.length);
          publish('start', undefined);
          for (const at of arrivals) publish(`item ${at}`, at === 0 ? 'start' : `item ${at - 1}`);
          expect(sent).toEqual(['start', ...[...arrivals].sort((a, b) => a - b).map((at) => `item ${at}`)]);
          expect(sequencer.busy).toBe(false);
        },
      ),
    );
  });
});
