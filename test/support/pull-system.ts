/** A whole Holdfast whose PULL socket is read by one engine or the other, and what came in. */

import type { DeepPartial, Settings } from '../../src/index.js';
import { createHoldfast, type Holdfast, type Item } from '../../src/index.js';
import type { Opened } from './closing.js';
import { CollectedLog } from './collected-log.js';
import { Watch } from './deadline.js';
import { ManualClock } from './manual-clock.js';
import type { PullEngine } from './pull-engines.js';

export class PullSystem {
  readonly items: Item[] = [];
  private readonly watch = new Watch();

  private constructor(
    readonly holdfast: Holdfast,
    readonly log: CollectedLog,
  ) {
    holdfast.on('publish', (item) => {
      this.items.push(item);
      this.watch.changed();
    });
  }

  /** Its clock stands still: a kind of warning is written once. */
  static async start(
    opened: Opened,
    pullEngine: PullEngine,
    zeromq: DeepPartial<Settings>['zeromq'] = { pull: ['tcp://127.0.0.1:*'] },
  ): Promise<PullSystem> {
    const log = new CollectedLog('info');
    const settings = { zeromq: { pullEngine, ...zeromq } };
    const holdfast = await createHoldfast({ settings, logger: log, clock: new ManualClock() });
    return new PullSystem(
      opened.add(holdfast, (one) => one.close()),
      log,
    );
  }

  /** The first endpoint. */
  get endpoint(): string {
    const [endpoint] = this.holdfast.addresses.pull;
    if (endpoint === undefined) throw new Error('there is no PULL socket');
    return endpoint;
  }

  /** Resolves when an item with this content has come. */
  has(content: string): Promise<void> {
    return this.watch.until(
      `the item ${content}`,
      () => this.contents.at(-1) === content,
      () => `, the last is ${this.contents.at(-1)}`,
    );
  }

  /** Resolves when so many items have come since the start. */
  taken(count: number): Promise<void> {
    return this.watch.until(
      `item ${count}`,
      () => this.items.length >= count,
      () => `, only ${this.items.length}`,
    );
  }

  /** Contents of the stream items that have come. */
  get contents(): string[] {
    return this.items.map(contentOf);
  }

  get warnings(): string[] {
    return this.log.lines.filter((line) => line.startsWith('warn'));
  }
}

function contentOf({ formats: { stream } }: Item): string {
  return stream?.action === 'send' ? stream.content.toString() : '';
}
