/** A whole Holdfast whose PULL socket is read by one engine or the other, and what came in. */
import { createHoldfast, type DeepPartial, type Holdfast, type Item, type Settings } from '../../src/index.js';
import { type Opened, pullEndpoint } from './closing.js';
import { CollectedItems } from './collected-items.js';
import { CollectedLog } from './collected-log.js';
import { ManualClock } from './manual-clock.js';
import type { PullEngine } from './pull-engines.js';

export class PullSystem {
  private constructor(
    readonly holdfast: Holdfast,
    readonly log: CollectedLog,
    readonly items: CollectedItems,
  ) {}

  /** Its clock stands still: a kind of warning is written once. */
  static async start(
    opened: Opened,
    pullEngine: PullEngine,
    zeromq: DeepPartial<Settings>['zeromq'] = { pull: ['tcp://127.0.0.1:*'] },
  ): Promise<PullSystem> {
    const log = new CollectedLog('info');
    const settings = { zeromq: { pullEngine, ...zeromq } };
    const items = new CollectedItems();
    const listeners = { publish: (item: Item) => items.add(item) };
    const holdfast = await createHoldfast({ settings, logger: log, clock: new ManualClock(), listeners });
    return new PullSystem(
      opened.add(holdfast, (one) => one.close()),
      log,
      items,
    );
  }

  /** The first endpoint. */
  get endpoint(): string {
    return pullEndpoint(this.holdfast);
  }

  get warnings(): string[] {
    return this.log.lines.filter((line) => line.startsWith('warn'));
  }
}
