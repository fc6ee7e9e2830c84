/**
 * A histogram of whole numbers from 0 to 2^31, exact below 256 and within one percent above.
 *
 *     index   0 ... 255 | 256 ... 383 | 384 ... 511 | ...
 *     value   0 ... 255 | 256 ... 511 | 512 ... 1023| ...    128 buckets for each power of two
 *
 * It takes the same memory for ten values as for ten million, and those of several processes can be added up.
 */

const EXACT = 256;
const PER_POWER = 128;
const BUCKETS = EXACT + PER_POWER * 23;
const LARGEST = 2 ** 31 - 1;

/** Index and count in turn, for buckets that are not empty: how a histogram travels between processes and files. */
export type HistogramEntries = readonly number[];

export class Histogram {
  private readonly counts = new Float64Array(BUCKETS);
  private total = 0;

  static from(entries: HistogramEntries): Histogram {
    const histogram = new Histogram();
    histogram.addEntries(entries);
    return histogram;
  }

  /** Number of values. */
  get count(): number {
    return this.total;
  }

  /** Values below 0 count as 0, fractions are rounded. */
  record(value: number): void {
    const index = indexOf(Math.min(Math.max(Math.round(value), 0), LARGEST));
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.total += 1;
  }

  addEntries(entries: HistogramEntries): void {
    for (let at = 0; at + 1 < entries.length; at += 2) {
      const index = entries[at] ?? 0;
      const count = entries[at + 1] ?? 0;
      this.counts[index] = (this.counts[index] ?? 0) + count;
      this.total += count;
    }
  }

  /**
   * The smallest value that `share` of all values do not exceed (the middle of its bucket).
   * @param share - from 0 to 1
   * @returns undefined when there are no values
   */
  percentile(share: number): number | undefined {
    if (this.total === 0) return undefined;
    const rank = Math.max(1, Math.ceil(share * this.total));
    let seen = 0;
    for (let index = 0; index < BUCKETS; index += 1) {
      seen += this.counts[index] ?? 0;
      if (seen >= rank) return middleOf(index);
    }
    return middleOf(BUCKETS - 1);
  }

  clear(): void {
    this.counts.fill(0);
    this.total = 0;
  }

  entries(): number[] {
    const entries: number[] = [];
    this.counts.forEach((count, index) => {
      if (count > 0) entries.push(index, count);
    });
    return entries;
  }
}

function indexOf(value: number): number {
  if (value < EXACT) return value;
  const power = 31 - Math.clz32(value);
  const shift = power - 7;
  return EXACT + (power - 8) * PER_POWER + (value >>> shift) - PER_POWER;
}

function middleOf(index: number): number {
  if (index < EXACT) return index;
  const power = Math.floor((index - EXACT) / PER_POWER) + 8;
  const width = 2 ** (power - 7);
  const lowest = (((index - EXACT) % PER_POWER) + PER_POWER) * width;
  return lowest + (width - 1) / 2;
}
