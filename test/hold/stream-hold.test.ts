import { describe, expect, it } from 'vitest';
import { StreamHold } from '../../src/hold/stream-hold.js';
import { RecordingExchange } from '../support/recording-exchange.js';
import { type SampleHoldOptions, type SampleHolds, sampleHolds } from '../support/sample-hold-parts.js';
import { nextTurn } from '../support/sample-hub.js';
import { itemOf, responseFormat, streamAction, streamItem } from '../support/sample-items.js';

interface Bench extends SampleHolds {
  readonly exchange: RecordingExchange;
  readonly hold: StreamHold;
}

function setUp(options: SampleHoldOptions = {}, exchange = new RecordingExchange()): Bench {
  const holds = sampleHolds(options);
  const hold = new StreamHold(holds.parts, exchange, 'bucket', undefined);
  hold.subscribe(['c', 'd']);
  return { ...holds, exchange, hold };
}

describe('a held stream', () => {
  it('writes what is published to its channels, as chunks', async () => {
    const { hub, exchange, counters } = setUp();
    hub.publish(streamItem('c', 'hello'));
    hub.publish(streamItem('d', 'world'));
    hub.publish(streamItem('e', 'elsewhere'));
    await nextTurn();
    expect(exchange.calls).toEqual(['5\r\nhello\r\n', '5\r\nworld\r\n']);
    expect(counters.delivered).toBe(2);
  });

  it('writes what was published in one turn as one piece and counts every item', async () => {
    const { hub, exchange, counters } = setUp();
    for (const text of ['a', 'b', 'c']) hub.publish(streamItem('c', text));
    await nextTurn();
    expect(exchange.calls).toEqual(['1\r\na\r\n1\r\nb\r\n1\r\nc\r\n']);
    expect(counters.delivered).toBe(3);
  });

  it('writes raw bytes to a client whose body ends with the connection', async () => {
    const { hub, exchange } = setUp({}, new RecordingExchange('until-close'));
    hub.publish(streamItem('c', 'hello'));
    await nextTurn();
    expect(exchange.calls).toEqual(['hello']);
  });

  it('writes nothing to a HEAD request and still obeys a close', async () => {
    const { hub, exchange } = setUp({}, new RecordingExchange('none'));
    hub.publish(streamItem('c', 'hello'));
    await nextTurn();
    expect(exchange.calls).toEqual([]);
    hub.publish(streamAction('c', 'close'));
    await nextTurn();
    expect(exchange.calls).toEqual(['end']);
  });

  it('is one of the open holds and counted as a stream as long as it lasts', async () => {
    const { hub, hold, parts, counters } = setUp();
    expect([...parts.open]).toEqual([hold]);
    expect([counters.holds.stream, hub.count('c', 'stream')]).toEqual([1, 1]);
    hub.publish(streamAction('c', 'close'));
    await nextTurn();
    expect(parts.open.size).toBe(0);
    expect([counters.holds.stream, hub.channelCount]).toEqual([0, 0]);
  });

  it.each(['hint', 'refresh'] as const)('takes no notice of %s', async (action) => {
    const { hub, exchange } = setUp();
    hub.publish(streamAction('c', action));
    hub.publish(streamItem('c', 'x'));
    await nextTurn();
    expect(exchange.calls).toEqual(['1\r\nx\r\n']);
  });

  it('takes no notice of items without a stream format', async () => {
    const { hub, exchange, counters } = setUp();
    hub.publish(itemOf('c', { response: responseFormat({ body: Buffer.from('x') }) }));
    await nextTurn();
    expect(exchange.calls).toEqual([]);
    expect(counters.dropped.filtered).toBe(0);
  });

  it('does not write an item that asserts content filters it has not, and counts that', async () => {
    const { hub, exchange, counters } = setUp();
    const filtered = (contentFilters: string[]): void => {
      hub.publish(itemOf('c', { stream: { action: 'send', content: Buffer.from('x'), contentFilters } }));
    };
    filtered(['build-id']);
    filtered([]);
    await nextTurn();
    expect(exchange.calls).toEqual(['1\r\nx\r\n']);
    expect(counters.dropped.filtered).toBe(1);
  });
});

describe('the end of a stream', () => {
  it('is clean on a close, after what came before it and before what comes after it', async () => {
    const { hub, exchange } = setUp();
    hub.publish(streamItem('c', 'last'));
    hub.publish(streamAction('c', 'close'));
    hub.publish(streamItem('c', 'too late'));
    await nextTurn();
    expect(exchange.calls).toEqual(['4\r\nlast\r\n', 'end']);
  });

  it('comes when the client goes, and nothing is done to its connection', async () => {
    const { hub, exchange, counters, parts } = setUp();
    exchange.leave();
    hub.publish(streamItem('c', 'x'));
    await nextTurn();
    expect(exchange.calls).toEqual([]);
    expect([counters.holds.stream, parts.open.size, hub.channelCount]).toEqual([0, 0, 0]);
  });

  it('by the end of the proxy comes after what is published already, and only once', async () => {
    const { hub, hold, exchange, counters } = setUp();
    hub.publish(streamItem('c', 'last'));
    hold.shutDown();
    hold.shutDown();
    await nextTurn();
    expect(exchange.calls).toEqual(['4\r\nlast\r\n', 'end']);
    expect(counters.holds.stream).toBe(0);
    expect(exchange.onGone).toBeUndefined();
  });

  it('by the end of the proxy is not announced twice when a close is on its way already', async () => {
    const { hub, hold, exchange } = setUp();
    hub.publish(streamAction('c', 'close'));
    hold.shutDown();
    await nextTurn();
    expect(exchange.calls).toEqual(['end']);
  });

  it('makes later subscriptions void', () => {
    const { hub, hold } = setUp();
    hold.shutDown();
    hold.subscribe(['e']);
    expect(hub.channelCount).toBe(0);
  });
});

describe('a client that reads too slowly', () => {
  it('is broken off where the policy is close, counted and told of', async () => {
    const { hub, exchange, counters, log, parts } = setUp({ limits: { outboxBytes: 100, outboxPolicy: 'close' } });
    exchange.queuedBytes = 90;
    hub.publish(streamItem('c', 'too much'));
    await nextTurn();
    expect(exchange.calls).toEqual(['abort']);
    expect([counters.dropped['outbox-full'], counters.delivered, counters.holds.stream]).toEqual([1, 0, 0]);
    expect([parts.open.size, hub.channelCount]).toEqual([0, 0]);
    expect(log.lines.filter((line) => line.startsWith('warn'))).toEqual([
      'warn a client has 90 bytes waiting (hold.outbox_bytes 100): closing it as slow',
    ]);
  });

  it('misses items where the policy is drop, each of them counted, and gets those that fit again', async () => {
    const { hub, exchange, counters, log } = setUp({ limits: { outboxBytes: 100, outboxPolicy: 'drop' } });
    exchange.queuedBytes = 95;
    for (const text of ['1', '2', '3']) hub.publish(streamItem('c', text));
    await nextTurn();
    exchange.queuedBytes = 94;
    hub.publish(streamItem('c', '4'));
    await nextTurn();
    expect(exchange.calls).toEqual(['1\r\n4\r\n']);
    expect([counters.dropped['outbox-full'], counters.delivered, counters.holds.stream]).toEqual([3, 1, 1]);
    expect(log.lines.filter((line) => line.startsWith('warn'))).toEqual([
      'warn a client has 95 bytes waiting (hold.outbox_bytes 100): dropping what is published to it',
    ]);
  });

  it('is not one whose outbox is empty, however large the item', async () => {
    const { hub, exchange } = setUp({ limits: { outboxBytes: 100 } });
    hub.publish(streamItem('c', 'x'.repeat(200)));
    await nextTurn();
    expect(exchange.calls).toEqual([`c8\r\n${'x'.repeat(200)}\r\n`]);
  });

  it('costs the others nothing', async () => {
    const { hub, exchange, parts } = setUp({ limits: { outboxBytes: 10 } });
    const quick = new RecordingExchange();
    new StreamHold(parts, quick, '', undefined).subscribe(['c']);
    exchange.queuedBytes = 10;
    hub.publish(streamItem('c', 'x'));
    await nextTurn();
    expect([exchange.calls, quick.calls]).toEqual([['abort'], ['1\r\nx\r\n']]);
  });
});
