/** `npm run bench:slow`: what clients that never read cost those that do, and what becomes of them. */
import { numberOption, parseOptions, runTool, UsageError, wholeOption } from './arguments.js';
import { SMALLEST_MESSAGE } from './payload.js';
import { describeMachine, thisMachine } from './report/machine.js';
import { writeJson } from './report/measurements.js';
import { type Plot, seriesOf } from './report/plots.js';
import { aligned, shown } from './report/table.js';
import { Processes } from './servers/processes.js';
import { holdfastVersion } from './servers/project.js';
import { type SlowOptions, type SlowResult, type SlowSample, slowRun } from './slow/slow-run.js';
import { wrongIn } from './slow/verdict.js';

const HELP = `Usage: npm run bench:slow -- [options]     (after npm run build)

  --secs S        seconds of publishing, without and with slow readers (default 60)
  --streams N     held streams on one channel (default 1000)
  --slow N        those of them that never read (default 50)
  --size N        bytes of a published message (default 4000)
  --outbox N      hold.outbox_bytes (default 1048576)
  --clients N     client processes (default 2)
  --json FILE     writes all figures and plots
`;

const OPTIONS = {
  secs: { type: 'string' },
  streams: { type: 'string' },
  slow: { type: 'string' },
  size: { type: 'string' },
  outbox: { type: 'string' },
  clients: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

function nameOf({ slow }: SlowResult): string {
  return slow === 0 ? 'all read' : `${slow} never read`;
}

function plotsOf(results: readonly SlowResult[]): Plot[] {
  const x = { label: 'time, seconds', scale: 'linear' } as const;
  const lines = (y: (sample: SlowSample) => number) =>
    results.map((result) => seriesOf(nameOf(result), result.samples, ({ at }) => at, y));
  return [
    {
      title: 'Memory of the process while it publishes at full rate',
      x,
      y: { label: 'memory (PSS), MB', scale: 'linear' },
      series: lines(({ pss }) => pss / 1_024),
    },
    {
      title: 'Streams held',
      x,
      y: { label: 'streams', scale: 'linear' },
      series: lines(({ streams }) => streams),
    },
  ];
}

function table(results: readonly SlowResult[]): string {
  const rows = results.map((result) => [
    nameOf(result),
    '',
    shown(result.published),
    shown(result.lastP50),
    shown(result.lastP99),
    shown(Math.max(...result.samples.map(({ pss }) => pss / 1_024))),
    shown(result.closed),
    shown(result.counted.outboxFull),
    shown(result.counted.streams),
  ]);
  const head = ['', '', 'published', 'last_p50 µs', 'last_p99 µs', 'most MB', 'closed', 'counted', 'held at the end'];
  return aligned([head, ...rows]);
}

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseOptions(argv, OPTIONS);
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const options: SlowOptions = {
    seconds: numberOption('secs', values.secs, 60, 0.5, 3_600),
    streams: wholeOption('streams', values.streams, 1_000, 2, 19_000),
    slow: wholeOption('slow', values.slow, 50, 1, 19_000),
    messageBytes: wholeOption('size', values.size, 4_000, SMALLEST_MESSAGE, 100_000),
    outboxBytes: wholeOption('outbox', values.outbox, 1_048_576, 1, 2 ** 31 - 1),
    clients: wholeOption('clients', values.clients, 2, 1, 64),
  };
  if (options.slow > options.streams - options.clients) {
    throw new UsageError('--slow has to leave one reading stream for each client process');
  }
  const machine = thisMachine();
  process.stdout.write(`${describeMachine(machine)}\n`);
  const processes = new Processes();
  const results = [await slowRun(processes, { ...options, slow: 0 }), await slowRun(processes, options)];
  const wrong = results.flatMap((result) => wrongIn(result, options).map((text) => `${nameOf(result)}: ${text}`));
  if (values.json !== undefined) {
    writeJson(values.json, {
      kind: 'slow',
      date: new Date().toISOString(),
      machine,
      versions: { holdfast: holdfastVersion() },
      options,
      results,
      wrong,
      plots: plotsOf(results),
    });
  }
  process.stdout.write(`${table(results)}\n`);
  for (const line of wrong) process.stdout.write(`failed: ${line}\n`);
  if (wrong.length === 0)
    process.stdout.write('passed: the slow readers were closed and counted, nobody else lost anything\n');
  return wrong.length === 0 ? 0 : 1;
}

runTool(main);
