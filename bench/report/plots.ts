/** Line plots as the tools put them into their files. */

export interface Axis {
  /** With its unit: `memory, MB`. */
  readonly label: string;
  readonly scale: 'linear' | 'log';
}

export interface Series {
  readonly name: string;
  /** In rising order of x. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  readonly x: Axis;
  /** A linear one begins at 0. */
  readonly y: Axis;
  readonly series: readonly Series[];
}

/** One point for each of `all` that has a `y`. */
export function seriesOf<T>(
  name: string,
  all: readonly T[],
  x: (one: T) => number,
  y: (one: T) => number | undefined,
): Series {
  const points = all.flatMap((one) => {
    const value = y(one);
    return value === undefined ? [] : [[x(one), value] as const];
  });
  return { name, points };
}

/** The plots of a file. @throws Error when it has none */
export function plotsOf(content: unknown): readonly Plot[] {
  const { plots } = (typeof content === 'object' && content !== null ? content : {}) as { plots?: unknown };
  if (!Array.isArray(plots) || plots.length === 0) throw new Error('the file has no plots');
  return plots as readonly Plot[];
}
