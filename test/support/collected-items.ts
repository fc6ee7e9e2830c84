/** Items that have come in, which a test can await. */
import type { Item } from '../../src/protocol/item.js';
import { Watch } from './deadline.js';
import { textOf } from './item-text.js';

export class CollectedItems {
  readonly all: Item[] = [];
  private readonly watch = new Watch();

  add(item: Item): void {
    this.all.push(item);
    this.watch.changed();
  }

  /** What they say to streams. */
  get contents(): string[] {
    return this.all.map((item) => textOf(item, 'stream'));
  }

  /** Resolves when so many items have come since the start. */
  taken(count: number): Promise<void> {
    return this.watch.until(
      `item ${count}`,
      () => this.all.length >= count,
      () => `, only ${this.all.length}`,
    );
  }

  /** Resolves when the last item to come has this content. */
  endWith(content: string): Promise<void> {
    return this.watch.until(
      `the item ${content}`,
      () => this.contents.at(-1) === content,
      () => `, the last is ${this.contents.at(-1)}`,
    );
  }
}
