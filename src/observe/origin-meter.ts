/** Counts requests to origins by what became of them, and, where somebody wants to know, how long their heads took. */
import type { Counters, OriginResult } from './counters.js';
import { observe } from './histogram.js';

const CLASSES: readonly OriginResult[] = ['1xx', '2xx', '3xx', '4xx', '5xx'];

export class OriginMeter {
  /** @param now - milliseconds; undefined: nobody wants to know how long it took */
  constructor(
    private readonly counters: Counters,
    private readonly now: (() => number) | undefined,
  ) {}

  /** A request is sent. @returns what `answered` has to be given */
  begins(): number {
    this.counters.openOriginRequests += 1;
    return this.now === undefined ? 0 : this.now();
  }

  /** The head of its answer is there. */
  answered(since: number, code: number): void {
    const { counters, now } = this;
    counters.openOriginRequests -= 1;
    counters.originResults[CLASSES[Math.floor(code / 100) - 1] ?? 'other'] += 1;
    if (now !== undefined) observe(counters.originLatencies, now() - since);
  }

  /** It ends without a head. */
  ends(result: Exclude<OriginResult, `${number}xx`>): void {
    this.counters.openOriginRequests -= 1;
    this.counters.originResults[result] += 1;
  }

  /** Its answer breaks off behind the head. */
  breaks(): void {
    this.counters.brokenAnswers += 1;
  }
}
