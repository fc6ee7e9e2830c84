import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AcceptResult, ClientQueue } from '../../src/backend/websocket-over-http/client-queue.js';
import { encodeCloseContent } from '../../src/protocol/websocket-events.js';

const ALL = Number.POSITIVE_INFINITY;

type MessageType = 'TEXT' | 'BINARY' | 'PING' | 'PONG';

/** What happens next: the client says something, or a request is made and the origin accepts a share of it. */
type Step = { readonly says: MessageType; readonly length: number } | { readonly accepts: number | undefined };

const says = fc.record({
  says: fc.constantFrom<MessageType>('TEXT', 'BINARY', 'PING', 'PONG'),
  length: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 12 })),
});
const accepts = fc.record({ accepts: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }) });

/** One client and one origin that believes what it accepts. */
class Conversation {
  readonly queue = new ClientQueue();
  readonly said: Buffer[] = [];
  readonly heard: Buffer[] = [];
  /** By the byte that a message's content is made of. */
  private readonly types = new Map<number, string>();
  private saidMessages = 0;
  private heardBytes = 0;
  private offeredUpTo = 0;

  constructor(private readonly minimum: number) {}

  say(type: MessageType, length: number): void {
    // Each message is made of a byte of its own, so that a piece shows which message it is of.
    this.saidMessages += 1;
    const content = Buffer.alloc(length, this.saidMessages);
    this.types.set(this.saidMessages, type);
    this.said.push(content);
    this.queue.add(type, content);
  }

  request(share: number | undefined): AcceptResult {
    const offer = this.queue.offer(this.minimum);
    const contents = offer.events.map(({ content }) => content ?? Buffer.alloc(0));
    const bytes = Buffer.concat(contents);
    expect(offer.bytes).toBe(bytes.length);
    expect(offer.replayed).toBe(Math.min(this.offeredUpTo - this.heardBytes, bytes.length));
    for (const { type, content } of offer.events) {
      if (type === 'CLOSE' || content === undefined || content.length === 0) continue;
      expect(this.types.get(content[0] ?? 0)).toBe(type);
      expect(new Set(content).size).toBe(1);
    }
    const accepted = share === undefined ? undefined : Math.round(share * bytes.length);
    const result = this.queue.accept(offer, accepted);
    this.offeredUpTo = Math.max(this.offeredUpTo, this.heardBytes + bytes.length);
    this.heardBytes += accepted ?? bytes.length;
    this.heard.push(Buffer.from(bytes.subarray(0, accepted)));
    return result;
  }
}

describe('whatever is accepted in whatever portions', () => {
  it.each([
    ['everything at a time', ALL],
    ['one event at a time', 1],
  ])('the origin has in the end heard exactly what the client said (%s)', (_, minimum) => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(says, accepts) as fc.Arbitrary<Step>, { maxLength: 60, size: 'max' }),
        fc.option(fc.record({ code: fc.integer({ min: 1_000, max: 4_999 }), reason: fc.string({ maxLength: 10 }) }), {
          nil: undefined,
        }),
        (steps, close) => {
          const talk = new Conversation(minimum);
          for (const step of steps) {
            if ('says' in step) talk.say(step.says, step.length);
            else expect(talk.request(step.accepts)).toBe('ok');
          }
          if (close !== undefined) {
            talk.queue.addClose(close.code, close.reason);
            talk.said.push(encodeCloseContent(close.code, close.reason) ?? Buffer.alloc(0));
          }
          for (let requests = 0; !talk.queue.empty; requests += 1) {
            expect(requests).toBeLessThan(100);
            expect(talk.request(undefined)).toBe('ok');
          }
          expect(Buffer.concat(talk.heard)).toEqual(Buffer.concat(talk.said));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('a close is heard whole or not at all', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 4 }),
        fc.string({ maxLength: 8 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (lengths, reason, share) => {
          const talk = new Conversation(ALL);
          for (const length of lengths) talk.say('TEXT', length);
          talk.queue.addClose(1_000, reason);
          const before = talk.queue.offer(ALL);
          const messageBytes = lengths.reduce((sum, length) => sum + length, 0);
          const accepted = Math.round(share * before.bytes);
          const result = talk.request(share);
          if (accepted === before.bytes) expect([result, talk.queue.empty]).toEqual(['ok', true]);
          else expect(talk.queue.closing).toBe(true);
          if (accepted < messageBytes) expect(result).toBe('ok');
          else if (accepted > messageBytes && accepted < before.bytes) expect(result).toBe('close-cut');
        },
      ),
      { numRuns: 500 },
    );
  });
});
