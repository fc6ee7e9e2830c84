/**
 * The time that all fuzz tests may take together, and how it is shared out. `HOLDFAST_FUZZ_SECONDS` gives them more;
 * `HOLDFAST_FUZZ_SEED` repeats the run whose seed a failure printed.
 */
import fc from 'fast-check';

/** Seconds for all files together, when the environment names none. */
const SECONDS = 20;

/** What part of the whole each file gets, in relation to the others. */
const WEIGHTS = {
  'body-patch': 2,
  'config-files': 2,
  'edge-reference': 4,
  filters: 2,
  headers: 3,
  'http-heads': 5,
  'instruct-json': 2,
  items: 3,
  jsonp: 2,
  'origin-answers': 3,
  packets: 3,
  routes: 2,
  'websocket-text': 2,
  'zhttp-sessions': 2,
} as const;

export type FuzzArea = keyof typeof WEIGHTS;

const TOTAL_WEIGHT = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);

/** Milliseconds beyond its share that a property may take: for the run under way when its time is up, and for shrinking. */
const GRACE = 20_000;

/** The share of one file, divided equally among its properties. */
export class FuzzShare {
  private readonly milliseconds: number;

  /** @param properties - how many properties the file has */
  constructor(area: FuzzArea, properties: number) {
    this.milliseconds = ((seconds() * WEIGHTS[area]) / TOTAL_WEIGHT / properties) * 1_000;
  }

  /** For vitest: what takes longer than this hangs. */
  get timeout(): number {
    return this.milliseconds + GRACE;
  }

  /** Tries inputs until the time is up. */
  check<Ts>(property: fc.IProperty<Ts>): void {
    settle(fc.check(property, this.parameters<Ts>()));
  }

  /** The same for a property that has to wait for something. */
  async checkAsync<Ts>(property: fc.IAsyncProperty<Ts>): Promise<void> {
    settle(await fc.check(property, this.parameters<Ts>()));
  }

  private parameters<Ts>(): fc.Parameters<Ts> {
    const seed = process.env.HOLDFAST_FUZZ_SEED;
    return {
      numRuns: Number.MAX_SAFE_INTEGER,
      interruptAfterTimeLimit: this.milliseconds,
      markInterruptAsFailure: false,
      ...(seed === undefined || seed === '' ? {} : { seed: Number(seed) }),
    };
  }
}

/** The time is up, and nothing was tried: that is no proof of anything. */
function settle<Ts>(details: fc.RunDetails<Ts>): void {
  const message = fc.defaultReportMessage(details);
  if (message !== undefined) throw new Error(message, { cause: details.errorInstance });
  if (details.numRuns === 0) throw new Error('no input was tried: there was no time for it');
}

function seconds(): number {
  const text = process.env.HOLDFAST_FUZZ_SECONDS;
  if (text === undefined || text === '') return SECONDS;
  const number = Number(text);
  if (!(number > 0)) throw new Error(`HOLDFAST_FUZZ_SECONDS must be a number of seconds, not "${text}"`);
  return number;
}
