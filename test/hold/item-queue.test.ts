import { describe, expect, it } from 'vitest';
import type { FilterAsker } from '../../src/hold/filter-asker.js';
import type { FilterRun } from '../../src/hold/item-filter.js';
import { ItemQueue, type ItemTaker, type QueuedItem, type Refusal } from '../../src/hold/item-queue.js';
import { Publication } from '../../src/hub/publication.js';
import type { Subscription } from '../../src/hub/subscriber.js';
import { Tally } from '../../src/hub/tally.js';
import type { FilterStack } from '../../src/protocol/filters/filters.js';
import type { FilterVerdict } from '../../src/protocol/filters/message-filters.js';
import { RecordingSubscriber } from '../support/recording-subscriber.js';
import { type SampleHolds, sampleHolds } from '../support/sample-hold-parts.js';
import { streamItem } from '../support/sample-items.js';

/** A filter's endpoint that answers when the test says so. */
class Desk implements FilterAsker {
  readonly asked: string[] = [];
  cancelled = 0;
  private done: ((verdict: FilterVerdict) => void) | undefined = undefined;

  askFilter(...[filter, { content }, uri, done]: Parameters<FilterAsker['askFilter']>): { cancel(): void } {
    this.asked.push(`${filter} ${content} at ${uri}`);
    this.done = done;
    return {
      cancel: () => {
        this.cancelled += 1;
        this.done = undefined;
      },
    };
  }

  answer(verdict: FilterVerdict): void {
    const { done } = this;
    this.done = undefined;
    done?.(verdict);
  }

  passes(content: string): void {
    this.answer({ kind: 'send', content: Buffer.from(content) });
  }
}

class Taker implements ItemTaker {
  readonly kind = 'stream';
  readonly currentUri = 'http://client/';
  readonly asker: FilterAsker | undefined;
  readonly seen: string[] = [];
  onTake: ((text: string) => void) | undefined = undefined;

  constructor(
    private readonly stack: FilterStack,
    asker: FilterAsker | undefined,
  ) {
    this.asker = asker;
  }

  examine({ publication: { item } }: QueuedItem): FilterRun | undefined {
    const { stream } = item.formats;
    if (stream?.action !== 'send') return undefined;
    const text = stream.content.toString();
    this.seen.push(`look ${text}`);
    return {
      stack: text.startsWith('!') ? [] : this.stack,
      content: stream.content,
      asserted: undefined,
      context: () => ({ subMeta: new Map([['n', '1']]), pubMeta: new Map(), prevIds: new Map(), channels: new Set() }),
    };
  }

  take(_item: QueuedItem, content: Buffer): void {
    this.seen.push(`take ${content}`);
    this.onTake?.(content.toString());
  }

  refuse(_item: QueuedItem, verdict: Refusal): void {
    this.seen.push(verdict.kind === 'drop' ? 'drop' : verdict.detail);
  }
}

interface Bench extends SampleHolds {
  readonly desk: Desk;
  readonly taker: Taker;
  readonly queue: ItemQueue;
  readonly offer: (text: string, tally?: Tally) => void;
}

function setUp(stack: FilterStack = ['http-check'], maxWaitingItems = 3): Bench {
  const holds = sampleHolds({ limits: { maxWaitingItems } });
  const desk = new Desk();
  const taker = new Taker(stack, desk);
  const queue = new ItemQueue(holds.parts, taker);
  const subscription: Subscription = holds.hub.subscribe('c', new RecordingSubscriber(), false);
  const offer = (text: string, tally?: Tally): void =>
    queue.offer(new Publication(streamItem('c', text), tally), subscription);
  return { ...holds, desk, taker, queue, offer };
}

describe('items that pass filters', () => {
  it('are taken at once when no filter has to ask', () => {
    const { taker, offer } = setUp([]);
    offer('a');
    offer('b');
    expect(taker.seen).toEqual(['look a', 'take a', 'look b', 'take b']);
  });

  it('wait for the one before them, and keep their order', () => {
    const { taker, desk, offer } = setUp();
    offer('a');
    offer('!b');
    offer('c');
    expect(taker.seen).toEqual(['look a']);
    desk.passes('a');
    expect(taker.seen).toEqual(['look a', 'take a', 'look !b', 'take !b', 'look c']);
    desk.answer({ kind: 'drop' });
    expect(taker.seen.at(-1)).toBe('drop');
    offer('!d');
    expect(taker.seen.at(-1)).toBe('take !d');
  });

  it('go through the filters behind the one that was asked, with the content it gave', () => {
    const { taker, desk, offer } = setUp(['http-modify', 'var-subst', 'http-check']);
    offer('a');
    desk.passes('%(n)s!');
    expect(desk.asked).toEqual(['http-modify a at http://client/', 'http-check 1! at http://client/']);
    desk.passes('1!');
    expect(taker.seen).toEqual(['look a', 'take 1!']);
  });

  it('are refused with the name of the error when a filter fails, before and behind the one that was asked', () => {
    const { taker, desk, offer } = setUp(['http-modify', 'var-subst']);
    offer('a');
    desk.answer({ kind: 'error', detail: 'network request failed: connection refused' });
    offer('b');
    desk.passes('%(gone)s');
    expect(taker.seen).toEqual([
      'look a',
      'filter error: network request failed: connection refused',
      'look b',
      "filter error: var-subst: No such variable 'gone' at position 7",
    ]);
  });

  it('are refused when there is nobody to ask the filter', () => {
    const holds = sampleHolds();
    const taker = new Taker(['http-check'], undefined);
    const subscription = holds.hub.subscribe('c', new RecordingSubscriber(), false);
    new ItemQueue(holds.parts, taker).offer(new Publication(streamItem('c', 'a')), subscription);
    expect(taker.seen).toEqual(['look a', 'filter error: http-check cannot be asked here']);
  });

  it('are dropped and counted beyond what may wait', () => {
    const { taker, desk, offer, counters } = setUp();
    for (const text of ['a', '!b', '!c', '!d', '!e', '!f']) offer(text);
    desk.passes('a');
    expect(taker.seen.filter((text) => text.startsWith('take'))).toEqual(['take a', 'take !b', 'take !c', 'take !d']);
    expect(counters.dropped['queue-full']).toBe(2);
  });
});

describe('a queue that stops', () => {
  it('lets items wait, and asks anew for the one that was on its way', () => {
    const { taker, desk, queue, offer } = setUp();
    offer('a');
    offer('!b');
    queue.stop();
    expect(desk.cancelled).toBe(1);
    offer('!c');
    queue.go();
    expect(desk.asked).toHaveLength(2);
    desk.passes('a');
    expect(taker.seen).toEqual(['look a', 'look a', 'take a', 'look !b', 'take !b', 'look !c', 'take !c']);
  });

  it('leaves out the leading items that the client knows by then, and none behind them', () => {
    const { taker, queue, offer } = setUp([]);
    queue.stop();
    for (const text of ['a', 'b', 'a']) offer(text);
    queue.go(({ publication: { item } }) => {
      const { stream } = item.formats;
      return stream?.action === 'send' && stream.content.toString() === 'a';
    });
    expect(taker.seen).toEqual(['look b', 'take b', 'look a', 'take a']);
  });

  it('stops again when an item that it lets out says so, and keeps the rest', () => {
    const { taker, queue, offer } = setUp([]);
    queue.stop();
    for (const text of ['a', 'b']) offer(text);
    taker.onTake = () => queue.stop();
    queue.go();
    expect(taker.seen).toEqual(['look a', 'take a']);
    taker.onTake = undefined;
    queue.go();
    expect(taker.seen).toEqual(['look a', 'take a', 'look b', 'take b']);
  });

  it('takes nothing after it is closed, and calls off what it asked', () => {
    const { taker, desk, queue, offer } = setUp();
    offer('a');
    offer('!b');
    queue.close();
    offer('!c');
    queue.go();
    expect(desk.cancelled).toBe(1);
    expect(taker.seen).toEqual(['look a']);
  });
});

describe('the tally of an item in a queue', () => {
  it('is settled only when the item is through, and never twice', () => {
    const { desk, taker, queue, offer } = setUp();
    const settled: string[] = [];
    const tally = (name: string): Tally => {
      const one = new Tally(() => settled.push(name));
      one.begin();
      return one;
    };
    const [a, b, c] = ['a', 'b', 'c'].map(tally) as [Tally, Tally, Tally];
    offer('a', a);
    offer('!b', b);
    offer('c', c);
    for (const one of [a, b, c]) one.end();
    expect(settled).toEqual([]);
    queue.stop();
    queue.go();
    desk.passes('a');
    expect(settled).toEqual(['a', 'b']);
    queue.close();
    expect(settled).toEqual(['a', 'b', 'c']);
    expect(c.dropped.get('left')).toBeUndefined();
    expect(taker.seen.at(-1)).toBe('look c');
  });

  it('says that the queue was full, and that an item was left out for a gap', () => {
    const { queue, offer, counters } = setUp([], 1);
    const [kept, full] = [new Tally(() => {}), new Tally(() => {})];
    queue.stop();
    offer('a', kept);
    offer('b', full);
    queue.forget('gap');
    expect([...full.dropped]).toEqual([['queue-full', 1]]);
    expect([...kept.dropped]).toEqual([['gap', 1]]);
    expect(counters.dropped.gap).toBe(1);
  });
});
