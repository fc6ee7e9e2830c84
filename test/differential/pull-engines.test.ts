/** The same messages from a real PUSH through both readers of PULL: the same items, counters and log lines. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Push } from 'zeromq';
import { Opened } from '../support/closing.js';
import { PULL_ENGINES, type PullEngine } from '../support/pull-engines.js';
import { PullSystem } from '../support/pull-system.js';
import { pushTo } from '../support/push.js';
import { GOOD, JUNK, tnetItem } from '../support/zeromq-messages.js';

const MAX_MESSAGE = 5_000;

type Message = readonly (Buffer | string)[];

interface Side {
  readonly system: PullSystem;
  readonly push: Push;
}

describe('holdfast and libzmq', () => {
  const opened = new Opened();
  let turns = 0;

  async function side(engine: PullEngine): Promise<Side> {
    const settings = { pull: ['tcp://127.0.0.1:*'], pullMaxMessageBytes: MAX_MESSAGE };
    const system = await PullSystem.start(opened, engine, settings);
    return { system, push: pushTo(opened, system.endpoint) };
  }

  /** What becomes of the messages, and of one behind them. */
  async function outcome({ system, push }: Side, messages: readonly Message[], end: string) {
    const before = system.items.all.length;
    for (const message of messages) await push.send([...message]);
    await push.send(tnetItem(end));
    await system.items.endWith(end);
    const { published, dropped } = system.holdfast.counters;
    return { items: system.items.all.slice(before), published, dropped: { ...dropped }, lines: [...system.log.lines] };
  }

  async function expectSame(sides: readonly Side[], messages: readonly Message[]): Promise<void> {
    turns += 1;
    const [ours, theirs] = await Promise.all(sides.map((one) => outcome(one, messages, `end ${turns}`)));
    expect(ours).toEqual(theirs);
  }

  it.each([
    ['junk', JUNK.map((message) => [message])],
    ['junk in parts', JUNK.map((message) => [message, GOOD])],
    ['empty parts', [[''], ['', ''], ['', GOOD], [GOOD, '']]],
    ['many parts', [Array.from({ length: 5_000 }, () => GOOD), [GOOD]]],
    ['sizes about those of a short frame', [254, 255, 256, 257].map((size) => [`J${' '.repeat(size - 3)}{}`])],
    ['sizes about the limit', [-1, 0, 1].map((more) => [tnetItem('x'.repeat(MAX_MESSAGE - 68 + more))])],
    ['a large message in parts', [['x'.repeat(MAX_MESSAGE * 3), 'x'.repeat(MAX_MESSAGE * 3)]]],
    ['what looks like frames', [['\x04\x05READY'], ['\x01\0\0'], ['\xff\0\0\0\0\0\0\0\x01\x7f']]],
    ['ids, twice and out of order', ['b', 'a', 'a', 'c'].map((id) => [`J{"channel":"x","id":"${id}","prev-id":"z"}`])],
  ])('make the same of %s', async (_what, messages) => {
    await expectSame(await Promise.all(PULL_ENGINES.map(side)), messages);
  });

  it('make the same of anything', async () => {
    const sides = await Promise.all(PULL_ENGINES.map(side));
    const content = fc.string({ maxLength: 300, unit: 'grapheme' });
    const part = fc.oneof(
      { weight: 4, arbitrary: content.map((text) => tnetItem(text)) },
      {
        weight: 2,
        arbitrary: content.map((text) => `J${JSON.stringify({ channel: 'a', 'http-stream': { content: text } })}`),
      },
      { weight: 1, arbitrary: fc.constantFrom(...JUNK, '') },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)) },
      { weight: 1, arbitrary: fc.integer({ min: 4_900, max: 5_100 }).map((size) => 'J'.padEnd(size)) },
    );
    const parts = fc.oneof(
      { weight: 6, arbitrary: fc.tuple(part) },
      { weight: 1, arbitrary: fc.array(part, { minLength: 2, maxLength: 6 }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(parts, { maxLength: 200 }), (messages) => expectSame(sides, messages)),
      { numRuns: 30 },
    );
  });
});
