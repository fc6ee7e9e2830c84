import { describe, expect, it } from 'vitest';
import { MessageBacklog } from '../../src/hold/message-backlog.js';

describe('MessageBacklog', () => {
  it('counts the messages of which some part still waits', () => {
    const backlog = new MessageBacklog();
    backlog.add(1, 10);
    backlog.add(3, 30);
    backlog.add(1, 10);
    expect(backlog.waiting(50)).toBe(5);
    expect(backlog.waiting(41)).toBe(5);
    expect(backlog.waiting(40)).toBe(4);
    expect(backlog.waiting(11)).toBe(4);
    expect(backlog.waiting(10)).toBe(1);
    expect(backlog.waiting(1)).toBe(1);
    expect(backlog.waiting(0)).toBe(0);
    backlog.add(2, 5);
    expect(backlog.waiting(5)).toBe(2);
  });

  it('agrees with a plain list, and keeps no more than what waits', () => {
    const backlog = new MessageBacklog();
    let state = 7;
    const random = (most: number): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state % most;
    };
    let list: { left: number; messages: number }[] = [];
    for (let step = 0; step < 5_000; step += 1) {
      if (random(3) > 0) {
        const [messages, bytes] = [1 + random(3), 1 + random(100)];
        backlog.add(messages, bytes);
        list.push({ left: bytes, messages });
      } else {
        let sent = random(300);
        for (const write of list) {
          const part = Math.min(write.left, sent);
          write.left -= part;
          sent -= part;
        }
        list = list.filter(({ left }) => left > 0);
      }
      const queued = list.reduce((sum, { left }) => sum + left, 0);
      expect(backlog.waiting(queued)).toBe(list.reduce((sum, { messages }) => sum + messages, 0));
    }
  });
});
