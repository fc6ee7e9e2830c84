import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const BUILT = fileURLToPath(new URL('../../dist/runtime/tune-engine.js', import.meta.url));

/** `kOptimized` of V8's OptimizationStatus. */
const OPTIMIZED = 1 << 4;

/** Calls a function until V8 has compiled it for speed, in a process of its own, and says how many calls that took. */
function callsUntilCompiled(before: string): { calls: number; errors: string } {
  const program = `
    import { tuneEngine } from ${JSON.stringify(BUILT)};
    ${before}
    const hot = new Function('a', 'let sum = 0; for (let i = 0; i < 10; i += 1) sum += a * i; return sum');
    const status = new Function('hot', 'return %GetOptimizationStatus(hot)');
    let calls = 0;
    while (calls < 1_000_000 && (status(hot) & ${OPTIMIZED}) === 0) {
      hot(calls);
      calls += 1;
    }
    console.log(calls);
  `;
  const flags = ['--allow-natives-syntax', '--no-concurrent-recompilation', '--input-type=module'];
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', program], { encoding: 'utf8' });
  return { calls: Number(stdout), errors: stderr };
}

describe('a tuned engine', () => {
  it('compiles hot code sooner, and knows every flag it is given', () => {
    const plain = callsUntilCompiled('');
    const tuned = callsUntilCompiled('tuneEngine();');
    expect([plain.errors, tuned.errors]).toEqual(['', '']);
    expect(tuned.calls).toBeGreaterThan(0);
    expect(tuned.calls).toBeLessThan(plain.calls / 2);
    expect(plain.calls).toBeLessThan(1_000_000);
  });
});
