/** How many messages wait for a client, told from bytes (pinghub specification 5), and that nothing stays of those that do not. */
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageBacklog } from '../../src/hold/message-backlog.js';
import { Opened } from '../support/closing.js';
import { keptBytes } from '../support/memory.js';
import { PinghubStage } from '../support/pinghub-stage.js';

const CLIENTS = 20;
const ROUNDS = 3_000;

describe('the backlog of a client', () => {
  const opened = new Opened();

  it('counts the messages of each write that has not left as a whole', () => {
    const backlog = new MessageBacklog();
    expect(backlog.waiting(0)).toBe(0);
    backlog.add(1, 100);
    backlog.add(3, 300);
    expect([400, 301, 300, 299, 1].map((queued) => backlog.waiting(queued))).toEqual([4, 4, 3, 3, 3]);
    backlog.add(2, 50);
    expect([51, 50, 1].map((queued) => backlog.waiting(queued))).toEqual([5, 2, 2]);
    expect(backlog.waiting(0)).toBe(0);
    backlog.add(1, 10);
    expect(backlog.waiting(10)).toBe(1);
  });

  it('is right after any order of writes and of bytes that leave', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 40 }), fc.nat(60)), { maxLength: 200 }),
        (all) => {
          const backlog = new MessageBacklog();
          /** One for each write: bytes of it that wait, and its messages. */
          const queue: { bytes: number; readonly messages: number }[] = [];
          const queued = (): number => queue.reduce((sum, { bytes }) => sum + bytes, 0);
          for (const [messages, bytes, leaving] of all) {
            for (let left = leaving; left > 0 && queue[0] !== undefined; ) {
              const part = Math.min(left, queue[0].bytes);
              queue[0].bytes -= part;
              left -= part;
              if (queue[0].bytes === 0) queue.shift();
            }
            expect(backlog.waiting(queued())).toBe(queue.reduce((sum, one) => sum + one.messages, 0));
            backlog.add(messages, bytes);
            queue.push({ bytes, messages });
          }
        },
      ),
    );
  });

  it('keeps nothing of messages that have left', async () => {
    const stage = await PinghubStage.set(opened);
    const listeners = await Promise.all(Array.from({ length: CLIENTS }, () => stage.listen('/a')));
    const publish = async (count: number): Promise<void> => {
      for (let round = 0; round < count; round += 1) {
        stage.holdfast.publish({ channel: 'pinghub:/a', formats: { 'ws-message': { content: 'x' } } });
        // One write for each: what comes in one turn is merged.
        await turn();
      }
      for (const listener of listeners) {
        await listener.hears(count);
        // What the listeners themselves remember is not of interest.
        listener.texts.length = 0;
      }
    };
    await publish(ROUNDS);
    const before = keptBytes();
    await publish(ROUNDS);
    // Ten bytes for each message and client.
    expect(keptBytes() - before).toBeLessThan(CLIENTS * ROUNDS * 10);
  });
});
