/** What the figures are called, and which way is better. */

/** More is better of rates, less of everything else. */
export type Better = 'more' | 'less';

export interface Figure {
  readonly better: Better;
  /** For people, with its unit. */
  readonly label: string;
}

function more(label: string): Figure {
  return { better: 'more', label };
}

function less(label: string): Figure {
  return { better: 'less', label };
}

/** By name, in the order of tables. */
export const FIGURES: Readonly<Record<string, Figure>> = {
  requests_per_cpu_s: more('requests per CPU second'),
  messages_per_cpu_s: more('messages per CPU second'),
  cycles_per_cpu_s: more('cycles per CPU second'),
  deliveries_per_cpu_s: more('deliveries per CPU second'),
  publishes_per_cpu_s: more('publishes per CPU second'),
  accepts_per_cpu_s: more('accepts per CPU second'),
  burst_deliveries_per_cpu_s: more('deliveries per CPU second, burst'),
  requests_per_s: more('requests per second'),
  messages_per_s: more('messages per second'),
  cycles_per_s: more('cycles per second'),
  deliveries_per_s: more('deliveries per second'),
  publishes_per_s: more('publishes per second'),
  accepts_per_s: more('accepts per second'),
  p50_us: less('latency p50, µs'),
  p99_us: less('latency p99, µs'),
  first_p50_us: less('first client p50, µs'),
  last_p50_us: less('last client p50, µs'),
  last_p99_us: less('last client p99, µs'),
  loaded_last_p99_us: less('last client p99 under load, µs'),
  kb_per_hold: less('kB for each hold'),
  kb_per_hold_in_all: less('kB for each hold, with the process itself'),
  idle_cpu_percent: less('CPU while idle, % of a core'),
};

export function figureNamed(name: string): Figure {
  return FIGURES[name] ?? { better: 'less', label: name };
}
