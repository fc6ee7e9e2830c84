import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { Opened } from '../support/closing.js';

describe('a listening socket that several processes share', () => {
  const opened = new Opened();

  it('is found again by one that has let go of it, however often and however fast it does', async () => {
    const child = opened.add(Child.node(['test/support/sharing-cluster.mjs']), (one) => one.stop());
    const { code, stdout, stderr } = await child.ended();
    expect(stdout.split('\n').filter((line) => line !== '')).toEqual(Array.from({ length: 12 }, () => 'worker 1'));
    expect([code, stderr]).toEqual([0, '']);
  });
});
