/** Congestion that a test begins and ends: whoever publishes waits behind it. */
import type { Congestion } from '../../src/control/publish-door.js';

export class Dam implements Congestion {
  congested = false;
  private waiting: (() => void)[] = [];

  get waiters(): number {
    return this.waiting.length;
  }

  whenClear(run: () => void): void {
    if (this.congested) this.waiting.push(run);
    else run();
  }

  open(): void {
    this.congested = false;
    for (const run of this.waiting.splice(0)) run();
  }
}
