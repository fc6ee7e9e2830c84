/** Whatever gets lost, comes late, twice or out of order, and however the origin answers: the client sees each item once, in order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LinkReceiver, LinkSource } from '../../src/hold/next-link.js';
import { parseInstruct } from '../../src/protocol/instruct.js';
import { encodeEvents } from '../../src/protocol/websocket-events.js';
import { RecordingWebSocket } from '../support/recording-websocket.js';
import { sampleHolds } from '../support/sample-hold-parts.js';
import { nextTurn } from '../support/sample-hub.js';
import { textItem } from '../support/sample-items.js';

const EVENTS = 'application/websocket-events';

/** An origin that stores what it publishes and never says a wrong word. */
class HonestOrigin implements LinkSource {
  /** Items so far; their ids count from 1. */
  stored = 0;
  private questions: { readonly from: number; readonly storedThen: number; readonly receiver: LinkReceiver }[] = [];
  private failures = 0;

  /** @param page - items in one answer, at most */
  constructor(private readonly page: number) {}

  resolve(link: string): string {
    return `http://example.com${link}`;
  }

  open(_uri: string, lastIds: ReadonlyMap<string, string>, receiver: LinkReceiver) {
    const question = { from: Number(lastIds.get('c')), storedThen: this.stored, receiver };
    this.questions.push(question);
    return {
      resume() {},
      cancel: () => {
        this.questions = this.questions.filter((other) => other !== question);
      },
    };
  }

  askFilter(): never {
    throw new Error('there is no filter');
  }

  /** Answers what it was asked. @param then - as it would have at the time */
  answer(then: boolean): void {
    this.failures = 0;
    for (const { from, storedThen, receiver } of this.questions.splice(0)) {
      const to = Math.max(from, Math.min(from + this.page, then ? storedThen : this.stored));
      const headers: [string, string][] = [
        ['Content-Type', EVENTS],
        ['Grip-Channel', `c; prev-id=${to}`],
      ];
      receiver.opened(parseInstruct({ code: 200, reason: 'OK', headers, body: Buffer.alloc(0) }));
      const missed = Array.from({ length: to - from }, (_, index) => ({
        type: 'TEXT',
        content: Buffer.from(String(from + index + 1)),
      }));
      receiver.data(encodeEvents(missed));
      receiver.ended();
    }
  }

  /** Fails, but not so often that the client's patience ends. */
  fail(): void {
    if (this.failures >= 5) return;
    const questions = this.questions.splice(0);
    if (questions.length > 0) this.failures += 1;
    for (const { receiver } of questions) receiver.failed(500);
  }
}

type Step =
  | { readonly kind: 'publish' | 'lose' | 'pass time' | 'answer' | 'answer as then' | 'fail' | 'ask again' }
  /** An item comes that is so many behind the last. */
  | { readonly kind: 'come late'; readonly back: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ kind: 'publish' } as const) },
  { weight: 2, arbitrary: fc.constant({ kind: 'lose' } as const) },
  { weight: 2, arbitrary: fc.nat(4).map((back) => ({ kind: 'come late', back }) as const) },
  { weight: 3, arbitrary: fc.constant({ kind: 'pass time' } as const) },
  { weight: 2, arbitrary: fc.constantFrom({ kind: 'answer' } as const, { kind: 'answer as then' } as const) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'fail' } as const, { kind: 'ask again' } as const) },
);

async function play(
  steps: readonly Step[],
  page: number,
): Promise<{ readonly seen: string[]; readonly stored: number }> {
  const { parts, hub, clock } = sampleHolds({ hub: { idCacheTtl: 0 }, limits: { outboxBytes: 1_000_000 } });
  const origin = new HonestOrigin(page);
  const hold = new RecordingWebSocket(parts, undefined, { links: origin });
  hold.control({ type: 'subscribe', channel: 'c', 'prev-id': '0', recover: '/missed', 'recover-failed': 'lost' });
  const publish = (id: number): void => {
    hub.publish(textItem('c', String(id), { id: String(id), prevId: String(id - 1), noSeq: true }));
  };
  for (const one of steps) {
    if (one.kind === 'publish' || one.kind === 'lose') origin.stored += 1;
    if (one.kind === 'publish') publish(origin.stored);
    else if (one.kind === 'come late') {
      if (origin.stored > one.back) publish(origin.stored - one.back);
    } else if (one.kind === 'answer') origin.answer(false);
    else if (one.kind === 'answer as then') origin.answer(true);
    else if (one.kind === 'fail') origin.fail();
    else if (one.kind === 'ask again') hold.askAgain();
    else if (one.kind === 'pass time') clock.advance(1_000);
    await nextTurn();
  }
  // The last item comes through, and the origin answers from now on.
  origin.stored += 1;
  publish(origin.stored);
  await nextTurn();
  const texts = (): string[] => hold.calls.map((call) => call.replace('text ', ''));
  for (let round = 0; round < 200 && texts().length < origin.stored; round += 1) {
    clock.advance(40_000);
    origin.answer(false);
    await nextTurn();
  }
  return { seen: texts(), stored: origin.stored };
}

describe('a WebSocket whose origin is honest', () => {
  it.each([1, 3, 1_000])('sees each item once and in order, with answers of %s items at most', async (page) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { seen, stored } = await play(steps, page);
        expect(seen).toEqual(Array.from({ length: stored }, (_, index) => String(index + 1)));
      }),
      { numRuns: 300 },
    );
  });
});
