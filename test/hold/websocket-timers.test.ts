import { describe, expect, it } from 'vitest';
import { RecordingWebSocket } from '../support/recording-websocket.js';
import { type SampleHoldOptions, sampleHolds } from '../support/sample-hold-parts.js';
import { nextTurn } from '../support/sample-hub.js';
import { textItem } from '../support/sample-items.js';

function setUp(options: SampleHoldOptions = {}) {
  const holds = sampleHolds(options);
  const hold = new RecordingWebSocket(holds.parts);
  const { clock, hub } = holds;
  const begin = clock.now();
  /** Moves the clock, a tick at a time, and tells the moments at which something was sent, from the start on. */
  const sentWithin = (milliseconds: number): number[] => {
    const moments: number[] = [];
    for (let passed = 0; passed < milliseconds; passed += 50) {
      const before = hold.calls.length;
      clock.advance(50);
      for (let at = before; at < hold.calls.length; at += 1) moments.push(clock.now() - begin);
    }
    return moments;
  };
  const publish = async (content = 'item'): Promise<void> => {
    hub.publish(textItem('c', content));
    await nextTurn();
  };
  return { ...holds, hold, sentWithin, publish };
}

const BEAT = { type: 'keep-alive', content: 'beat', timeout: 10 };
const INTERVAL = { ...BEAT, mode: 'interval' };

function later(content: string, timeout = 10): object {
  return { type: 'send-delayed', content, timeout };
}

const FLUSH = { type: 'flush-delayed' };

describe('a keep-alive', () => {
  it.each(['interval', 'idle', 'whatever'])('of mode %s comes every timeout when nothing else happens', (mode) => {
    const { hold, sentWithin, counters } = setUp();
    hold.control({ ...BEAT, mode });
    expect(sentWithin(35_000)).toEqual([10_000, 20_000, 30_000]);
    expect(hold.calls).toEqual(['text beat', 'text beat', 'text beat']);
    expect(counters.delivered).toBe(0);
  });

  it.each([
    ['55 seconds when no time is named', { type: 'keep-alive', content: 'beat' }],
    ['55 seconds when the time is 0', { ...BEAT, timeout: 0 }],
  ])('comes after %s', (_when, message) => {
    const { hold, sentWithin } = setUp();
    hold.control(message);
    expect(sentWithin(120_000)).toEqual([55_000, 110_000]);
  });

  it('comes up to a second early, each time anew', () => {
    const draws = [0, 0.5, 0.9999];
    const { hold, sentWithin } = setUp({ random: () => draws.shift() ?? 0 });
    hold.control(INTERVAL);
    // 10 s, then 9.5 s, then 9.001 s, each at the next tick of the wheel.
    expect(sentWithin(30_000)).toEqual([10_000, 19_500, 28_550]);
  });

  it.each([
    ['idle', [14_000, 24_000]],
    ['interval', [10_000, 20_000]],
  ])('of mode %s counts from the last message of the origin or its own time', (mode, moments) => {
    const { hold, sentWithin, clock } = setUp();
    hold.control({ ...BEAT, mode });
    clock.advance(4_000);
    hold.say('hello');
    expect(sentWithin(20_500)).toEqual(moments);
  });

  it.each([
    ['idle', [14_000, 24_000]],
    ['interval', [10_000, 20_000]],
  ])('of mode %s counts from the last publish or its own time', async (mode, moments) => {
    const { hold, sentWithin, clock, publish } = setUp();
    hold.control({ type: 'subscribe', channel: 'c' });
    hold.control({ ...BEAT, mode });
    clock.advance(4_000);
    await publish();
    expect(hold.calls).toEqual(['text item']);
    expect(sentWithin(20_500)).toEqual(moments);
  });

  it('of mode idle never comes while messages do', async () => {
    const { hold, clock, publish } = setUp();
    hold.control({ type: 'subscribe', channel: 'c' });
    hold.control(BEAT);
    for (let round = 0; round < 20; round += 1) {
      clock.advance(9_000);
      await publish(String(round));
    }
    expect(hold.calls).toEqual(Array.from({ length: 20 }, (_, round) => `text ${round}`));
  });

  it('is replaced by another one, and ended by one without content', () => {
    const { hold, sentWithin, wheel } = setUp();
    hold.control(INTERVAL);
    expect(sentWithin(5_000)).toEqual([]);
    hold.control({ ...INTERVAL, content: 'other', timeout: 20 });
    expect(sentWithin(25_000)).toEqual([25_000]);
    hold.control({ type: 'keep-alive' });
    expect([sentWithin(60_000), wheel.size]).toEqual([[], 0]);
    expect(hold.calls).toEqual(['text other']);
  });

  it('is dropped for a slow client where the policy is to drop, and goes on', () => {
    const { hold, sentWithin, counters } = setUp({ limits: { outboxPolicy: 'drop' } });
    hold.control(INTERVAL);
    hold.queuedBytes = 1_000;
    expect([sentWithin(15_000), counters.dropped['outbox-full']]).toEqual([[], 1]);
    hold.queuedBytes = 0;
    expect(sentWithin(10_000)).toEqual([20_000]);
  });

  it('closes a client that is too slow even for that, and ends', () => {
    const { hold, clock, wheel } = setUp();
    hold.control(INTERVAL);
    hold.queuedBytes = 1_000;
    clock.advance(10_000);
    expect(hold.calls).toEqual(['close 1013']);
    hold.onClose(1013, '');
    clock.advance(60_000);
    expect([hold.calls, wheel.size]).toEqual([['close 1013', 'end', 'break'], 0]);
  });

  it.each<[string, (hold: RecordingWebSocket) => void]>([
    ['the origin closes', (hold) => hold.close(1000, '')],
    ['the origin breaks off', (hold) => hold.drop()],
    ['the client goes', (hold) => hold.connectionClosed()],
    ['Holdfast ends', (hold) => hold.shutDown()],
  ])('ends when %s', (_what, end) => {
    const { hold, clock, wheel } = setUp();
    hold.control(BEAT);
    hold.control(later('never'));
    end(hold);
    const calls = [...hold.calls];
    clock.advance(60_000);
    expect(hold.calls.filter((call) => call !== 'break')).toEqual(calls.filter((call) => call !== 'break'));
    expect(wheel.size).toBe(0);
  });
});

describe('a delayed message', () => {
  it.each([
    [10, 10_000],
    [0, 1_000],
    [undefined, 1_000],
  ])('with timeout %s comes once, when its time has come', (timeout, moment) => {
    const { hold, sentWithin } = setUp();
    hold.control({ type: 'send-delayed', content: 'late', timeout });
    expect(sentWithin(60_000)).toEqual([moment]);
    expect(hold.calls).toEqual(['text late']);
  });

  it('comes at once when it is flushed, and not again', () => {
    const { hold, sentWithin } = setUp();
    hold.control(later('late'));
    hold.control(FLUSH);
    hold.control(FLUSH);
    expect(hold.calls).toEqual(['text late']);
    expect(sentWithin(60_000)).toEqual([]);
  });

  it('comes at once when another one follows, whose time is its own', () => {
    const { hold, sentWithin, clock } = setUp();
    hold.control(later('one'));
    clock.advance(5_000);
    hold.control(later('two'));
    expect(hold.calls).toEqual(['text one']);
    expect(sentWithin(60_000)).toEqual([15_000]);
    expect(hold.calls).toEqual(['text one', 'text two']);
  });

  it('is of the type it is given, text by default', () => {
    const { hold } = setUp();
    for (const type of ['text', 'binary', 'ping', 'pong']) {
      hold.control({ type: 'send-delayed', content: type, 'message-type': type });
    }
    hold.control({ type: 'send-delayed', 'content-bin': 'YWE=' });
    hold.control(FLUSH);
    expect(hold.calls).toEqual(['text text', 'binary binary', 'ping ping', 'pong pong', 'text aa']);
  });

  it('that is flushed when there is none is nothing', () => {
    const { hold, wheel } = setUp();
    hold.control(FLUSH);
    expect([hold.calls, wheel.size]).toEqual([[], 0]);
  });

  it('counts as a message for keep-alives', () => {
    const { hold, sentWithin } = setUp();
    hold.control(BEAT);
    hold.control(later('late', 4));
    expect(sentWithin(20_000)).toEqual([4_000, 14_000]);
  });

  it('that is for nobody any more is not sent', () => {
    const { hold, clock } = setUp();
    hold.control(later('late'));
    hold.control(FLUSH);
    hold.control(later('later'));
    hold.close(4000, 'bye');
    clock.advance(60_000);
    expect(hold.calls).toEqual(['text late', 'close 4000 bye', 'break']);
  });
});

describe('a delayed message that is due while items wait for a filter', () => {
  /** A filter that the test answers. */
  function asked() {
    const answers: (() => void)[] = [];
    const holds = sampleHolds({ limits: { maxWaitingItems: 2 } });
    const hold = new RecordingWebSocket(holds.parts, undefined, {
      links: {
        resolve: () => undefined,
        open: () => ({ resume() {}, cancel() {} }),
        askFilter: (_filter, { content }, _uri, done) => {
          answers.push(() => done({ kind: 'send', content }));
          return { cancel() {} };
        },
      },
    });
    hold.control({ type: 'subscribe', channel: 'c', filters: ['http-check'] });
    return { ...holds, hold, answer: () => answers.shift()?.() };
  }

  it('comes behind them, in order', async () => {
    const { hub, hold, answer, clock } = asked();
    hub.publish(textItem('c', 'one'));
    hub.publish(textItem('c', 'two'));
    await nextTurn();
    hold.control(later('late'));
    clock.advance(10_100);
    hold.control(later('later'));
    hold.control(FLUSH);
    hold.say('at once');
    answer();
    expect(hold.calls).toEqual(['text at once', 'text one']);
    answer();
    expect(hold.calls.slice(2)).toEqual(['text two', 'text late', 'text later']);
    hold.control(later('free'));
    hold.control(FLUSH);
    expect(hold.calls.at(-1)).toBe('text free');
  });

  it('is dropped and counted when as many wait as may', async () => {
    const { hub, hold, answer, counters } = asked();
    hub.publish(textItem('c', 'one'));
    await nextTurn();
    for (const content of ['1', '2', '3']) {
      hold.control(later(content));
      hold.control(FLUSH);
    }
    expect(counters.dropped['queue-full']).toBe(1);
    answer();
    expect(hold.calls).toEqual(['text one', 'text 1', 'text 2']);
  });

  it('comes when the last of them ends without a word', async () => {
    const { hub, hold, answer } = asked();
    hub.publish(textItem('c', 'one'));
    hub.publish(textItem('c', 'two'));
    await nextTurn();
    hold.control(later('late'));
    hold.control(FLUSH);
    answer();
    hold.control({ type: 'unsubscribe', channel: 'c' });
    answer();
    expect(hold.calls).toContain('text late');
  });
});
