/** Turns: one group every 100 ms, a hundred clients of it at most, each client once. */
import { expect, it } from 'vitest';
import { UpdateQueue } from '../../src/hold/update-queue.js';
import { Wheel } from '../../src/time/wheel.js';
import { ManualClock } from '../support/manual-clock.js';

function queue(): {
  clock: ManualClock;
  updates: UpdateQueue;
  asked: string[];
  client: (name: string) => { update(): void };
} {
  const clock = new ManualClock();
  const updates = new UpdateQueue(new Wheel(clock));
  const asked: string[] = [];
  return { clock, updates, asked, client: (name) => ({ update: () => void asked.push(name) }) };
}

it('lets a client ask after 100 ms, once however often it was queued', () => {
  const { clock, updates, asked, client } = queue();
  const one = client('one');
  updates.add('a', one);
  updates.add('a', one);
  clock.advance(50);
  expect(asked).toEqual([]);
  clock.advance(100);
  clock.advance(1_000);
  expect(asked).toEqual(['one']);
});

it('takes a hundred of a group and then the next group', () => {
  const { clock, updates, asked, client } = queue();
  for (let i = 0; i < 150; i += 1) updates.add('a', client('a'));
  updates.add('b', client('b'));
  clock.advance(150);
  expect(asked.length).toBe(100);
  clock.advance(100);
  expect(asked.slice(100)).toEqual(['b']);
  clock.advance(200);
  expect(asked.length).toBe(151);
  expect(updates.size).toBe(0);
});

it('forgets a client that has gone', () => {
  const { clock, updates, asked, client } = queue();
  const one = client('one');
  updates.add('a', one);
  updates.remove('a', one);
  clock.advance(1_000);
  expect(asked).toEqual([]);
});

it('keeps a client that is queued again while it asks', () => {
  const { clock, updates } = queue();
  let times = 0;
  const client = {
    update: () => {
      times += 1;
      if (times < 3) updates.add('a', client);
    },
  };
  updates.add('a', client);
  clock.advance(1_000);
  expect(times).toBe(3);
});

it('stops ticking when nobody waits', () => {
  const { clock, updates, client } = queue();
  updates.add('a', client('one'));
  clock.advance(1_000);
  expect(clock.pending).toBe(0);
});

it('asks ten times a second on a clock whose turns are a little late', () => {
  const { clock, updates, asked, client } = queue();
  for (let i = 0; i < 30; i += 1) updates.add(`group ${i}`, client(String(i)));
  for (let time = 0; time < 2_040; time += 51) clock.advance(51);
  expect(asked.length).toBeGreaterThanOrEqual(19);
  expect(asked.length).toBeLessThanOrEqual(20);
});
