import { describe, expect, it } from 'vitest';
import type { BodyFraming } from '../../src/hold/client-connection.js';
import { keepAliveDelay } from '../../src/hold/hold-parts.js';
import { StreamHold } from '../../src/hold/stream-hold.js';
import type { KeepAlive } from '../../src/protocol/instruct.js';
import { RecordingExchange } from '../support/recording-exchange.js';
import { type SampleHoldOptions, type SampleHolds, sampleHolds } from '../support/sample-hold-parts.js';
import { nextTurn } from '../support/sample-hub.js';
import { streamAction, streamItem } from '../support/sample-items.js';

interface Bench extends SampleHolds {
  readonly exchange: RecordingExchange;
  readonly hold: StreamHold;
  /** Moves the clock, a tick at a time, and tells the moments at which something was written, from the start on. */
  readonly writesWithin: (milliseconds: number) => number[];
  /** Publishes a stream item and has it written. */
  readonly publish: () => Promise<void>;
}

function setUp(
  keepAlive: Partial<KeepAlive> | undefined,
  options: SampleHoldOptions & { framing?: BodyFraming } = {},
): Bench {
  const holds = sampleHolds(options);
  const exchange = new RecordingExchange(options.framing);
  const whole = keepAlive && { content: Buffer.from('\n'), mode: 'idle' as const, timeout: 10, ...keepAlive };
  const hold = new StreamHold(holds.parts, exchange, '', whole);
  hold.subscribe(['c']);
  const { clock, hub } = holds;
  const begin = clock.now();
  const writesWithin = (milliseconds: number): number[] => {
    const moments: number[] = [];
    for (let passed = 0; passed < milliseconds; passed += 50) {
      const before = exchange.calls.length;
      clock.advance(50);
      for (let at = before; at < exchange.calls.length; at += 1) moments.push(clock.now() - begin);
    }
    return moments;
  };
  const publish = async (): Promise<void> => {
    hub.publish(streamItem('c', 'x'));
    await nextTurn();
  };
  return { ...holds, exchange, hold, writesWithin, publish };
}

describe('a keep-alive', () => {
  it.each(['idle', 'interval', 'none'] as const)('of mode %s comes every timeout when nothing else happens', (mode) => {
    const { writesWithin, exchange, counters } = setUp({ mode });
    expect(writesWithin(35_000)).toEqual([10_000, 20_000, 30_000]);
    expect(exchange.calls).toEqual(['1\r\n\n\r\n', '1\r\n\n\r\n', '1\r\n\n\r\n']);
    expect(counters.delivered).toBe(0);
  });

  it('is not sent where none was asked for', () => {
    const { writesWithin, wheel } = setUp(undefined);
    expect(writesWithin(300_000)).toEqual([]);
    expect(wheel.size).toBe(0);
  });

  it('of mode idle starts anew with each item', async () => {
    const { writesWithin, publish } = setUp({ mode: 'idle' });
    writesWithin(4_000);
    await publish();
    writesWithin(4_000);
    await publish();
    expect(writesWithin(9_950)).toEqual([]);
    expect(writesWithin(20_050)).toEqual([18_000, 28_000, 38_000]);
  });

  it.each(['interval', 'none'] as const)('of mode %s comes whatever is published', async (mode) => {
    const { writesWithin, publish } = setUp({ mode });
    writesWithin(9_000);
    await publish();
    expect(writesWithin(12_000)).toEqual([10_000, 20_000]);
  });

  it('of mode idle is not put off by an action or by an item for others', async () => {
    const { writesWithin, hub } = setUp({ mode: 'idle' });
    writesWithin(9_000);
    hub.publish(streamAction('c', 'hint'));
    hub.publish(streamItem('elsewhere', 'x'));
    await nextTurn();
    expect(writesWithin(1_000)).toEqual([10_000]);
  });

  it.each<[BodyFraming, string[]]>([
    ['chunked', ['4\r\nping\r\n']],
    ['until-close', ['ping']],
    ['none', []],
  ])('is framed for the client (%s)', (framing, calls) => {
    const { clock, exchange } = setUp({ content: Buffer.from('ping') }, { framing });
    clock.advance(10_000);
    expect(exchange.calls).toEqual(calls);
  });

  it('without content writes nothing, because an empty chunk would end the body', () => {
    const { clock, exchange } = setUp({ content: Buffer.alloc(0) });
    clock.advance(60_000);
    expect(exchange.calls).toEqual([]);
  });

  it('ends with the stream', () => {
    const { clock, exchange, hold, wheel } = setUp({});
    hold.shutDown();
    expect(wheel.size).toBe(0);
    clock.advance(60_000);
    expect(exchange.calls).toEqual(['end']);
  });

  it('ends when the client goes', () => {
    const { clock, exchange, wheel } = setUp({});
    exchange.leave();
    expect(wheel.size).toBe(0);
    clock.advance(60_000);
    expect(exchange.calls).toEqual([]);
  });

  it('that finds the outbox full counts as no item', () => {
    const { clock, exchange, counters } = setUp({}, { limits: { outboxBytes: 10, outboxPolicy: 'drop' } });
    exchange.queuedBytes = 10;
    clock.advance(10_000);
    expect(exchange.calls).toEqual([]);
    expect(counters.dropped['outbox-full']).toBe(0);
    exchange.queuedBytes = 0;
    clock.advance(10_000);
    expect(exchange.calls).toHaveLength(1);
  });

  it('that finds the outbox full closes the client where that is the policy', () => {
    const { clock, exchange, counters } = setUp({}, { limits: { outboxBytes: 10, outboxPolicy: 'close' } });
    exchange.queuedBytes = 10;
    clock.advance(30_000);
    expect(exchange.calls).toEqual(['abort']);
    expect(counters.holds.stream).toBe(0);
  });
});

describe('the jitter', () => {
  it.each([
    [0, 10, 10_000],
    [0.5, 10, 9_500],
    [0.9999, 10, 9_001],
    [0.9999, 1, 1],
    [0.5, 0, 0],
  ])('for a random number of %d takes part of a second off %i s: %i ms', (random, timeout, delay) => {
    expect(keepAliveDelay(sampleHolds({ random: () => random }).parts, timeout)).toBe(delay);
  });

  it('is drawn anew for each keep-alive', () => {
    const numbers = [0.5, 0, 0.9, 0];
    const { writesWithin } = setUp({ mode: 'interval' }, { random: () => numbers.shift() ?? 0 });
    expect(writesWithin(30_000)).toEqual([9_500, 19_500, 28_600]);
  });

  it('holds for the idle time after an item too', async () => {
    const { writesWithin, publish } = setUp({ mode: 'idle' }, { random: () => 0.5 });
    writesWithin(5_000);
    await publish();
    expect(writesWithin(10_000)).toEqual([14_500]);
  });
});
