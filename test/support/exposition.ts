/** The text format of Prometheus, read as strictly as it is described: what is not in order is an error. */

export interface Family {
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** By name and labels as they are written, such as `holds{mode="ws"}`. */
  readonly samples: ReadonlyMap<string, number>;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"';
const HELP_LINE = new RegExp(`^# HELP (${NAME}) ((?:[^\\\\]|\\\\[\\\\n])+)$`);
const TYPE_LINE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`);
const SAMPLE_LINE = new RegExp(
  `^(${NAME})(\\{${LABEL}(?:,${LABEL})*\\})? ([+-]?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?|\\+Inf)$`,
);
const ENDINGS = ['_bucket', '_sum', '_count'];

export class Exposition {
  private constructor(readonly families: ReadonlyMap<string, Family>) {}

  /** @throws Error that shows the line */
  static read(text: string): Exposition {
    if (!text.endsWith('\n')) throw new Error('the last line has no end');
    const families = new Map<string, Family>();
    let open: { readonly name: string; readonly help: string } | undefined;
    let current: { readonly name: string; readonly type: string; readonly samples: Map<string, number> } | undefined;
    const wrong = (line: string, why: string): Error => new Error(`${why}: ${JSON.stringify(line)}`);
    for (const line of text.slice(0, -1).split('\n')) {
      if (line === '') continue;
      const [, helpName, help] = HELP_LINE.exec(line) ?? [];
      const [, typeName, type] = TYPE_LINE.exec(line) ?? [];
      const [, name, labels = '', value] = SAMPLE_LINE.exec(line) ?? [];
      if (helpName !== undefined && help !== undefined) {
        if (families.has(helpName)) throw wrong(line, 'a metric comes twice');
        open = { name: helpName, help };
      } else if (typeName !== undefined) {
        if (open?.name !== typeName) throw wrong(line, 'a type without its help in front');
        const samples = new Map<string, number>();
        current = { name: typeName, type: String(type), samples };
        families.set(typeName, { help: open.help, type: type as Family['type'], samples });
        open = undefined;
      } else if (name !== undefined && current !== undefined && open === undefined) {
        const own = current.type === 'histogram' ? ENDINGS.map((ending) => current?.name + ending) : [current.name];
        if (!own.includes(name)) throw wrong(line, `a sample among those of ${current.name}`);
        if (current.samples.has(name + labels)) throw wrong(line, 'a sample comes twice');
        if (current.type !== 'gauge' && !(Number(value) >= 0)) throw wrong(line, 'a count below 0');
        current.samples.set(name + labels, Number(value));
      } else throw wrong(line, 'no line of this format');
    }
    for (const [name, { type, samples }] of families) if (type === 'histogram') checkHistogram(name, samples);
    return new Exposition(families);
  }

  /** @param series - name and labels as they are written */
  value(series: string): number {
    for (const { samples } of this.families.values()) {
      const value = samples.get(series);
      if (value !== undefined) return value;
    }
    throw new Error(`there is no ${series}`);
  }

  /** Values other than 0 of a metric, by their labels. */
  nonZero(name: string): Readonly<Record<string, number>> {
    const samples = [...(this.families.get(name)?.samples ?? [])].filter(([, value]) => value !== 0);
    return Object.fromEntries(samples.map(([series, value]) => [series.slice(name.length), value]));
  }

  /** Names as queries have them: a histogram has three. */
  get names(): ReadonlySet<string> {
    const names = new Set<string>();
    for (const [name, { type }] of this.families) {
      for (const ending of type === 'histogram' ? ENDINGS : ['']) names.add(name + ending);
    }
    return names;
  }
}

function checkHistogram(name: string, samples: ReadonlyMap<string, number>): void {
  let [least, bound] = [0, Number.NEGATIVE_INFINITY];
  for (const [series, value] of samples) {
    const [, le] = /^.*_bucket\{le="([^"]+)"\}$/.exec(series) ?? [];
    if (le === undefined) continue;
    const next = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
    if (!(next > bound)) throw new Error(`${series} does not come behind a smaller bound`);
    if (value < least) throw new Error(`${series} is less than the bucket in front of it`);
    [least, bound] = [value, next];
  }
  const count = samples.get(`${name}_count`);
  if (bound !== Number.POSITIVE_INFINITY || count !== least || !samples.has(`${name}_sum`)) {
    throw new Error(`${name} is no whole histogram`);
  }
}
