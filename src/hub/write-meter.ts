/** Measures how long items take from coming in to the last subscriber: one look at the clock for each flush that ends. */
import { type Latencies, observe } from '../observe/histogram.js';
import type { Clock } from '../time/clock.js';
import type { Publication } from './publication.js';

export class WriteMeter {
  constructor(
    private readonly clock: Clock,
    private readonly latencies: Latencies,
  ) {}

  /** They have been handed to everybody who was to get them. */
  written(publications: readonly Publication[]): void {
    const now = this.clock.now();
    for (const { since } of publications) observe(this.latencies, now - since);
  }

  /** One delivery of an item is over that goes out at a limited rate. */
  writtenOnce(publication: Publication): void {
    publication.owed -= 1;
    if (publication.owed === 0) observe(this.latencies, this.clock.now() - publication.since);
  }
}
