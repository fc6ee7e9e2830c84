import { describe, expect, it } from 'vitest';
import { type AcceptResult, ClientQueue, type Offer } from '../../src/backend/websocket-over-http/client-queue.js';

const ALL = Number.POSITIVE_INFINITY;

type Saying = readonly [type: 'TEXT' | 'BINARY' | 'PING' | 'PONG', content: string];

function queueOf(...sayings: Saying[]): ClientQueue {
  const queue = new ClientQueue();
  for (const [type, content] of sayings) queue.add(type, Buffer.from(content));
  return queue;
}

/** The events of an offer as `TYPE content`. */
function eventsOf(offer: Offer): string[] {
  return offer.events.map(({ type, content }) =>
    content === undefined ? type : `${type} ${content.toString('latin1')}`,
  );
}

describe('an offer', () => {
  it('has everything that waits, in order', () => {
    const offer = queueOf(['TEXT', 'hello'], ['BINARY', 'abc'], ['PING', ''], ['PONG', 'x']).offer(ALL);
    expect(eventsOf(offer)).toEqual(['TEXT hello', 'BINARY abc', 'PING ', 'PONG x']);
    expect(offer).toMatchObject({ bytes: 9, replayed: 0, includesClose: false, leftOut: false });
  });

  it('of nothing has no events', () => {
    expect(new ClientQueue().offer(ALL)).toEqual({
      events: [],
      bytes: 0,
      replayed: 0,
      includesClose: false,
      leftOut: false,
    });
  });

  it('has the close last, with its code and reason as content', () => {
    const queue = queueOf(['TEXT', 'hi']);
    queue.addClose(4_002, 'bye');
    const offer = queue.offer(ALL);
    expect(eventsOf(offer)).toEqual(['TEXT hi', 'CLOSE \x0f\xa2bye']);
    expect(offer).toMatchObject({ bytes: 7, includesClose: true });
  });

  it('has a close without content where the client gave no code', () => {
    const queue = new ClientQueue();
    queue.addClose(undefined, '');
    expect(eventsOf(queue.offer(ALL))).toEqual(['CLOSE']);
  });

  it('takes the first close for the close', () => {
    const queue = new ClientQueue();
    queue.addClose(1_000, '');
    queue.addClose(1_001, 'again');
    expect(eventsOf(queue.offer(ALL))).toEqual(['CLOSE \x03\xe8']);
  });

  it.each<[string, Saying[], string[], boolean]>([
    [
      'one message and no more',
      [
        ['TEXT', 'a'],
        ['TEXT', 'b'],
      ],
      ['TEXT a'],
      true,
    ],
    [
      'empty messages with the next one that is not',
      [
        ['PING', ''],
        ['TEXT', ''],
        ['TEXT', 'b'],
        ['TEXT', 'c'],
      ],
      ['PING ', 'TEXT ', 'TEXT b'],
      true,
    ],
    [
      'empty messages alone',
      [
        ['PING', ''],
        ['PONG', ''],
      ],
      ['PING ', 'PONG '],
      false,
    ],
    ['a message that is the only one', [['TEXT', 'abc']], ['TEXT abc'], false],
  ])('of one event at a time has %s', (_, sayings, events, leftOut) => {
    const offer = queueOf(...sayings).offer(1);
    expect(eventsOf(offer)).toEqual(events);
    expect(offer.leftOut).toBe(leftOut);
  });

  it('of one event at a time leaves the close for the next one', () => {
    const queue = queueOf(['TEXT', 'a']);
    queue.addClose(1_000, '');
    const first = queue.offer(1);
    expect([eventsOf(first), first.includesClose, first.leftOut]).toEqual([['TEXT a'], false, true]);
    expect(queue.accept(first, undefined)).toBe('ok');
    const second = queue.offer(1);
    expect([eventsOf(second), second.includesClose, second.leftOut]).toEqual([['CLOSE \x03\xe8'], true, false]);
  });
});

describe('accepting', () => {
  const SAYINGS: Saying[] = [
    ['TEXT', 'abc'],
    ['PING', ''],
    ['BINARY', 'defg'],
  ];

  it.each<[number | undefined, AcceptResult, string[], number]>([
    [undefined, 'ok', [], 0],
    [7, 'ok', [], 0],
    [0, 'ok', ['TEXT abc', 'PING ', 'BINARY defg'], 7],
    [1, 'ok', ['TEXT bc', 'PING ', 'BINARY defg'], 6],
    [3, 'ok', ['BINARY defg'], 4],
    [4, 'ok', ['BINARY efg'], 3],
    [6, 'ok', ['BINARY g'], 1],
    [8, 'too-much', ['TEXT abc', 'PING ', 'BINARY defg'], 0],
  ])('%s of 7 bytes: %s, and the next offer has %j, %i bytes of it again', (accepted, result, events, replayed) => {
    const queue = queueOf(...SAYINGS);
    expect(queue.accept(queue.offer(ALL), accepted)).toBe(result);
    const next = queue.offer(ALL);
    expect(eventsOf(next)).toEqual(events);
    expect(next.replayed).toBe(replayed);
    expect(queue.empty).toBe(events.length === 0);
  });

  it('nothing leaves empty messages at the front where they are', () => {
    const queue = queueOf(['PING', ''], ['TEXT', 'a']);
    queue.accept(queue.offer(ALL), 0);
    expect(eventsOf(queue.offer(ALL))).toEqual(['PING ', 'TEXT a']);
  });

  it('nothing of nothing takes empty messages for accepted', () => {
    const queue = queueOf(['PING', ''], ['TEXT', '']);
    expect(queue.accept(queue.offer(ALL), 0)).toBe('ok');
    expect(queue.empty).toBe(true);
  });

  it('does not touch what was said since the offer', () => {
    const queue = queueOf(['TEXT', 'abc']);
    const offer = queue.offer(ALL);
    queue.add('TEXT', Buffer.from('later'));
    queue.addClose(1_000, '');
    expect(queue.accept(offer, undefined)).toBe('ok');
    const next = queue.offer(ALL);
    expect(eventsOf(next)).toEqual(['TEXT later', 'CLOSE \x03\xe8']);
    expect(next.replayed).toBe(0);
  });

  it('counts as offered again only what was offered before', () => {
    const queue = queueOf(['TEXT', 'abc']);
    queue.accept(queue.offer(ALL), 1);
    queue.add('TEXT', Buffer.from('later'));
    expect(queue.offer(ALL)).toMatchObject({ bytes: 7, replayed: 2 });
    queue.accept(queue.offer(ALL), 1);
    expect(queue.offer(ALL)).toMatchObject({ bytes: 6, replayed: 6 });
  });

  it.each<[number | undefined, AcceptResult, boolean, string[]]>([
    [undefined, 'ok', false, []],
    [7, 'ok', false, []],
    [1, 'ok', true, ['TEXT b', 'CLOSE \x03\xe8bye']],
    [0, 'ok', true, ['TEXT ab', 'CLOSE \x03\xe8bye']],
    [2, 'close-cut', true, ['CLOSE \x03\xe8bye']],
    [6, 'close-cut', true, ['CLOSE \x03\xe8bye']],
    [8, 'too-much', true, ['TEXT ab', 'CLOSE \x03\xe8bye']],
  ])('%s of 2 bytes and a close of 5: %s', (accepted, result, closing, events) => {
    const queue = queueOf(['TEXT', 'ab']);
    queue.addClose(1_000, 'bye');
    expect(queue.accept(queue.offer(ALL), accepted)).toBe(result);
    expect(queue.closing).toBe(closing);
    expect(eventsOf(queue.offer(ALL))).toEqual(events);
  });

  it('all messages takes a close without content along', () => {
    const queue = queueOf(['TEXT', 'ab']);
    queue.addClose(undefined, '');
    queue.accept(queue.offer(ALL), 1);
    expect(queue.closing).toBe(true);
    queue.accept(queue.offer(ALL), 1);
    expect([queue.closing, queue.empty]).toEqual([false, true]);
  });
});

describe('the weight of what waits', () => {
  it('grows with content and with the number of messages, and goes with them', () => {
    const queue = queueOf(['TEXT', 'x'.repeat(1_000)]);
    const one = queue.weight;
    expect(one).toBeGreaterThanOrEqual(1_000);
    queue.add('PING', Buffer.alloc(0));
    expect(queue.weight).toBeGreaterThan(one);
    const offer = queue.offer(ALL);
    queue.accept(offer, 400);
    expect(queue.weight).toBeGreaterThanOrEqual(600);
    expect(queue.weight).toBeLessThan(one);
    queue.accept(queue.offer(ALL), undefined);
    expect(queue.weight).toBe(0);
  });
});
