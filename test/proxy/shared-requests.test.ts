/** One answer for several receivers: who gets what, when, and who slows it down (specification 3.12). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnswerCall, AnswerReceiver, Failure } from '../../src/backend/verdict.js';
import { SHARED_BYTES_MAX, type SharedCall, SharedRequests } from '../../src/proxy/shared-requests.js';

/** A receiver that notes what it gets, and takes `room` chunks before it asks for a pause. */
class Listener implements AnswerReceiver {
  readonly got: string[] = [];
  room = Number.POSITIVE_INFINITY;
  onHead: () => void = () => {};

  head(code: number): void {
    this.got.push(`head ${code}`);
    this.onHead();
  }

  data(chunk: Buffer): boolean {
    this.got.push(chunk.toString());
    this.room -= 1;
    return this.room > 0;
  }

  end(): void {
    this.got.push('end');
  }

  failed(failure: Failure): void {
    this.got.push(`failed ${failure.kind}`);
  }
}

/** The origin's side of one request. */
class Asked implements AnswerCall {
  flowing = true;
  cancelled = false;

  constructor(readonly answer: AnswerReceiver) {}

  /** As an origin's connection does: what is paused says nothing. */
  say(text: string): void {
    if (!this.flowing) throw new Error('the origin was paused');
    this.flowing = this.answer.data(Buffer.from(text));
  }

  resume(): void {
    this.flowing = true;
  }

  cancel(): void {
    this.cancelled = true;
  }
}

class Bench {
  readonly requests = new SharedRequests();
  readonly asked: Asked[] = [];
  private readonly scope = {};

  join(listener: AnswerReceiver, key = 'key', scope: object = this.scope): SharedCall {
    return this.requests.join(scope, key, listener, (answer) => {
      const asked = new Asked(answer);
      this.asked.push(asked);
      return asked;
    });
  }

  /** The only request there should be. */
  get origin(): Asked {
    const [asked, ...more] = this.asked;
    if (asked === undefined || more.length > 0) throw new Error(`there are ${this.asked.length} requests`);
    return asked;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => queueMicrotask(resolve));

describe('a shared request', () => {
  it('gives everybody the same answer', () => {
    const bench = new Bench();
    const listeners = [new Listener(), new Listener(), new Listener()];
    for (const listener of listeners) bench.join(listener);
    bench.origin.answer.head(200, 'OK', []);
    bench.origin.say('a');
    bench.origin.say('b');
    bench.origin.answer.end();
    for (const { got } of listeners) expect(got).toEqual(['head 200', 'a', 'b', 'end']);
  });

  it('gives everybody the same failure', () => {
    const bench = new Bench();
    const listeners = [new Listener(), new Listener()];
    for (const listener of listeners) bench.join(listener);
    bench.origin.answer.failed({ kind: 'connect' });
    for (const { got } of listeners) expect(got).toEqual(['failed connect']);
    bench.join(new Listener());
    expect(bench.asked.length).toBe(2);
  });

  it('is one for the same key in the same scope only', () => {
    const bench = new Bench();
    bench.join(new Listener(), 'a');
    bench.join(new Listener(), 'b');
    bench.join(new Listener(), 'a', {});
    bench.join(new Listener(), 'a');
    expect(bench.asked.length).toBe(3);
  });

  it('has a number once there are two', () => {
    const bench = new Bench();
    const first = bench.join(new Listener());
    expect(first.sharedAs).toBeUndefined();
    const second = bench.join(new Listener());
    expect([first.sharedAs, second.sharedAs]).toEqual([1, 1]);
    const other = bench.join(new Listener(), 'other');
    bench.join(new Listener(), 'other');
    expect(other.sharedAs).toBe(2);
  });

  it('gives a latecomer what it missed, later, and then the rest in order', async () => {
    const bench = new Bench();
    bench.join(new Listener());
    bench.origin.answer.head(201, 'Created', []);
    bench.origin.say('a');
    const late = new Listener();
    bench.join(late);
    expect(late.got).toEqual([]);
    bench.origin.say('b');
    bench.origin.answer.end();
    expect(late.got).toEqual([]);
    await turn();
    expect(late.got).toEqual(['head 201', 'a', 'b', 'end']);
  });

  it('is closed to newcomers once more was said than is kept', async () => {
    const bench = new Bench();
    bench.join(new Listener());
    const { origin } = bench;
    origin.answer.head(200, 'OK', []);
    origin.say('x'.repeat(SHARED_BYTES_MAX));
    const late = new Listener();
    bench.join(late);
    expect(bench.asked.length).toBe(1);
    origin.say('y');
    bench.join(new Listener());
    expect(bench.asked.length).toBe(2);
    await turn();
    expect(late.got).toEqual(['head 200', 'x'.repeat(SHARED_BYTES_MAX), 'y']);
    // The end of the first says nothing about the second.
    origin.answer.end();
    bench.join(new Listener());
    expect(bench.asked.length).toBe(2);
  });

  it('is closed to newcomers once it has ended', () => {
    const bench = new Bench();
    bench.join(new Listener());
    bench.origin.answer.head(204, '', []);
    bench.origin.answer.end();
    bench.join(new Listener());
    expect(bench.asked.length).toBe(2);
  });

  it('goes on only when all who asked for a pause can take more', () => {
    const bench = new Bench();
    const [quick, slow, slower] = [new Listener(), new Listener(), new Listener()];
    const calls = [quick, slow, slower].map((listener) => bench.join(listener));
    slow.room = 1;
    slower.room = 1;
    const { origin } = bench;
    origin.answer.head(200, 'OK', []);
    origin.say('a');
    expect(origin.flowing).toBe(false);
    calls[0]?.resume();
    calls[1]?.resume();
    expect(origin.flowing).toBe(false);
    slower.room = 10;
    calls[2]?.resume();
    expect(origin.flowing).toBe(true);
  });

  it('gives a latecomer that asks for a pause the rest when it can take more', async () => {
    const bench = new Bench();
    bench.join(new Listener());
    const { origin } = bench;
    origin.answer.head(200, 'OK', []);
    for (const text of ['a', 'b', 'c']) origin.say(text);
    const late = new Listener();
    late.room = 1;
    const call = bench.join(late);
    await turn();
    expect(late.got).toEqual(['head 200', 'a']);
    origin.answer.end();
    late.room = 1;
    call.resume();
    expect(late.got).toEqual(['head 200', 'a', 'b']);
    late.room = 9;
    call.resume();
    expect(late.got).toEqual(['head 200', 'a', 'b', 'c', 'end']);
  });

  it('goes on without who leaves, and is not paused by him any more', () => {
    const bench = new Bench();
    const [stays, leaves] = [new Listener(), new Listener()];
    bench.join(stays);
    const call = bench.join(leaves);
    leaves.room = 1;
    const { origin } = bench;
    origin.answer.head(200, 'OK', []);
    origin.say('a');
    expect(origin.flowing).toBe(false);
    call.cancel();
    call.cancel();
    origin.say('b');
    expect([origin.cancelled, stays.got, leaves.got]).toEqual([false, ['head 200', 'a', 'b'], ['head 200', 'a']]);
  });

  it('is called off by the last who leaves, and the next asks anew', () => {
    const bench = new Bench();
    const calls = [bench.join(new Listener()), bench.join(new Listener())];
    calls[0]?.cancel();
    expect(bench.origin.cancelled).toBe(false);
    calls[1]?.cancel();
    expect(bench.origin.cancelled).toBe(true);
    bench.join(new Listener());
    expect(bench.asked.length).toBe(2);
  });

  it('bears that a receiver leaves, or another comes, in the middle of its telling', async () => {
    const bench = new Bench();
    const [first, second, third] = [new Listener(), new Listener(), new Listener()];
    bench.join(first);
    const call = bench.join(second);
    first.onHead = () => {
      call.cancel();
      bench.join(third);
    };
    bench.origin.answer.head(200, 'OK', []);
    bench.origin.say('a');
    bench.origin.answer.end();
    await turn();
    expect([first.got, second.got, third.got]).toEqual([['head 200', 'a', 'end'], [], ['head 200', 'a', 'end']]);
  });

  it('gives everybody who stays the whole answer, whoever comes, leaves and dawdles', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('join' as const), room: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ kind: fc.constant('say' as const), size: fc.integer({ min: 1, max: 30_000 }) }),
      fc.record({ kind: fc.constantFrom('resume' as const, 'leave' as const), which: fc.nat(5) }),
      fc.constant({ kind: 'turn' as const }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const bench = new Bench();
        const parties: { listener: Listener; call: SharedCall; left: boolean }[] = [];
        const join = (room: number): void => {
          const listener = new Listener();
          listener.room = room;
          parties.push({ listener, call: bench.join(listener), left: false });
        };
        // One that never leaves and is never slow keeps the request alive.
        join(Number.POSITIVE_INFINITY);
        const [origin] = bench.asked;
        if (origin === undefined) throw new Error('nothing was asked');
        origin.answer.head(200, 'OK', []);
        let said = '';
        for (const one of steps) {
          if (one.kind === 'join') join(one.room);
          else if (one.kind === 'say' && origin.flowing) {
            const text = String.fromCharCode(97 + (said.length % 26)).repeat(one.size);
            said += text;
            origin.say(text);
          } else if (one.kind === 'turn') await turn();
          else if (one.kind === 'resume' || one.kind === 'leave') {
            const party = parties[1 + one.which];
            if (party === undefined) continue;
            if (one.kind === 'resume') {
              party.listener.room = 2;
              party.call.resume();
            } else {
              party.left = true;
              party.call.cancel();
            }
          }
        }
        origin.answer.end();
        await turn();
        for (const { listener, call } of parties) {
          listener.room = Number.POSITIVE_INFINITY;
          call.resume();
        }
        for (const { listener, left } of parties) {
          const [head, ...rest] = listener.got;
          // Who came when more had been said than is kept asked for an answer of his own, which nobody gives here.
          if (left || head === undefined) continue;
          expect([head, rest.join('')]).toEqual(['head 200', `${said}end`]);
        }
        expect(parties[0]?.listener.got.at(-1)).toBe('end');
      }),
    );
  });
});
