/**
 * A short soak against the built command: clients of all kinds come and go, and afterwards every descriptor is given
 * back and the heap is as large as before.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hasProc } from '../../bench/measure/process-tree.js';
import type { SoakResult } from '../../bench/soak/criteria.js';
import { Child } from '../support/child.js';
import { within } from '../support/deadline.js';

/** Milliseconds: eight seconds of load, the warming up, and the waiting for what closes late. */
const PATIENCE = 50_000;
/** Visits a second: enough to leak visibly, few enough for a machine that runs other tests too. */
const PACE = 120;
/** Bytes of heap a visit that is over may not leave behind on average. */
const LEFT_BY_A_VISIT = 2_000;

describe.runIf(hasProc())('clients that come and go', { timeout: PATIENCE + 10_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'soak-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('leave no descriptor and no memory behind, and miss nothing', async () => {
    const json = join(folder, 'soak.json');
    const args = ['--minutes', '0.13', '--interval', '1', '--visits', String(PACE), '--json', json];
    const child = Child.node(['dist-bench/soak.js', ...args]);
    try {
      const { code, stdout, stderr } = await within('the end of the soak', child.ending, PATIENCE);
      expect(code, stdout + stderr).toBe(0);
      expect(stdout).toContain('\npassed\n');
    } finally {
      await child.stop();
    }
    const { result, wrong } = JSON.parse(readFileSync(json, 'utf8')) as { result: SoakResult; wrong: string[] };
    expect(wrong).toEqual([]);
    expect(result.faults).toEqual({});
    expect(result.visits).toBeGreaterThan(500);
    // While clients are there, there are more: the count is not one that never changes.
    expect(Math.max(...result.samples.map(({ descriptors }) => descriptors ?? 0))).toBeGreaterThan(
      (result.before.descriptors ?? 0) + 20,
    );
    expect(result.after.descriptors).toBe(result.before.descriptors);
    expect(result.after.heap - result.before.heap).toBeLessThan(LEFT_BY_A_VISIT * result.visits);
  });
});
