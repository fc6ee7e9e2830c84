import { describe, expect, it } from 'vitest';
import { Tally } from '../../src/hub/tally.js';

function tallied() {
  let settled = 0;
  const tally = new Tally(() => {
    settled += 1;
  });
  return { tally, settled: () => settled };
}

describe('a tally', () => {
  it('says what it has counted, and another one takes it in', () => {
    const { tally: there } = tallied();
    there.begin();
    there.expect(6);
    there.count('response', 'delivered');
    there.count('stream', 'delivered');
    there.count('ws', 'filtered');
    there.count('ws', 'outbox-full');
    there.count('ws', 'outbox-full');
    there.end();
    expect(there.counts).toEqual({
      expected: 6,
      reached: { response: 1, stream: 1, ws: 0 },
      filtered: 1,
      dropped: [
        ['outbox-full', 2],
        ['left', 1],
      ],
    });

    const { tally: here, settled } = tallied();
    here.begin();
    here.begin();
    here.expect(10);
    here.count('ws', 'outbox-full');
    here.add(there.counts, 6);
    here.end();
    expect([here.pending, settled()]).toEqual([3, 0]);
    here.end();
    expect(settled()).toBe(1);
    expect(here.reached).toEqual({ response: 1, stream: 1, ws: 0 });
    expect(here.filtered).toBe(1);
    expect([...here.dropped]).toEqual([
      ['outbox-full', 3],
      ['left', 4],
    ]);
  });

  it('expects what there was in the other process instead of what was promised', () => {
    const { tally } = tallied();
    tally.begin();
    tally.expect(5);
    const reached = { response: 0, stream: 7, ws: 0 };
    tally.add({ expected: 7, reached, filtered: 0, dropped: [] }, 5);
    tally.end();
    expect([tally.pending, [...tally.dropped]]).toEqual([0, []]);

    const { tally: gone } = tallied();
    gone.begin();
    gone.expect(5);
    gone.add({ expected: 0, reached: { ...reached, stream: 0 }, filtered: 0, dropped: [] }, 5);
    gone.end();
    expect([gone.pending, [...gone.dropped]]).toEqual([0, []]);
  });
});
