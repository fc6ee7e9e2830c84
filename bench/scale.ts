/** `npm run bench:scale`: what a hold, an accept and a publish cost, by number of held streams. */
import { numberOption, parseOptions, runTool, wholeOption, wholesOption, workersOption } from './arguments.js';
import { descriptorLimit } from './measure/memory.js';
import { SMALLEST_MESSAGE } from './payload.js';
import { faultTexts } from './report/faults.js';
import { describeMachine, thisMachine } from './report/machine.js';
import { writeJson } from './report/measurements.js';
import { type Plot, seriesOf } from './report/plots.js';
import { aligned, shown } from './report/table.js';
import { type ScalePoint, scale } from './scale/scale-run.js';
import { Processes } from './servers/processes.js';
import { holdfastVersion } from './servers/project.js';
import { holdfastSpec } from './servers/servers.js';

const HELP = `Usage: npm run bench:scale -- [options]     (after npm run build)

  --counts A,B,C   numbers of held streams, each on its own channel (default 1,100,1000,10000)
  --workers N      worker processes of Holdfast (default 1)
  --secs S         seconds of publishing at each number (default 3)
  --clients N      client processes (default: one for each 10,000 streams, at least 2)
  --size N         bytes of a published message (default 100)
  --json FILE      writes all figures and plots
`;

const OPTIONS = {
  counts: { type: 'string' },
  workers: { type: 'string' },
  secs: { type: 'string' },
  clients: { type: 'string' },
  size: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const COUNTS = [1, 100, 1_000, 10_000] as const;
const STREAMS_PER_CLIENT = 10_000;
/** Descriptors of a server process that are not clients. */
const SPARE = 500;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function plotsOf(points: readonly ScalePoint[]): Plot[] {
  const x = { label: 'held streams, each on its own channel', scale: 'log' } as const;
  const line = (name: string, y: (point: ScalePoint) => number | undefined) =>
    seriesOf(name, points, ({ holds }) => holds, y);
  return [
    {
      title: 'Memory of all processes for each hold',
      x,
      y: { label: 'memory, kB', scale: 'linear' },
      series: [line('kB for each hold', ({ kbPerHold }) => kbPerHold)],
    },
    {
      title: 'From a publish to its one subscriber; to the last of 1,000',
      x,
      y: { label: 'latency, µs', scale: 'log' },
      series: [
        line('one p50', ({ publishP50 }) => publishP50),
        line('one p99', ({ publishP99 }) => publishP99),
        line('1,000 p50', ({ fanOutTo, fanOutP50 }) => (fanOutTo < 1_000 ? undefined : fanOutP50)),
        line('1,000 p99', ({ fanOutTo, fanOutP99 }) => (fanOutTo < 1_000 ? undefined : fanOutP99)),
      ],
    },
    {
      title: 'CPU for each publish to one subscriber',
      x,
      y: { label: 'CPU time, µs', scale: 'linear' },
      series: [line('CPU for each publish', ({ cpuPerPublish }) => cpuPerPublish)],
    },
    {
      title: 'Clients held in a second while the number grows',
      x,
      y: { label: 'accepts a second', scale: 'linear' },
      series: [
        line('a second', ({ acceptsPerSecond }) => acceptsPerSecond),
        line('a CPU second', ({ acceptsPerCpuSecond }) => acceptsPerCpuSecond),
      ],
    },
  ];
}

function table(points: readonly ScalePoint[]): string {
  const rows = points.map((point) => [
    shown(point.holds),
    '',
    shown(point.kbPerHold),
    shown(point.acceptsPerSecond),
    shown(point.acceptsPerCpuSecond),
    shown(point.publishP50),
    shown(point.publishP99),
    shown(point.cpuPerPublish),
    shown(point.fanOutTo),
    shown(point.fanOutP50),
    shown(point.fanOutP99),
  ]);
  const head = [
    'holds',
    '',
    'kB each',
    'accepts/s',
    '/CPU s',
    'one p50 µs',
    'p99',
    'CPU µs',
    'fan-out to',
    'p50 µs',
    'p99',
  ];
  return aligned([head, ...rows]);
}

/** What the limit on descriptors allows, when that is less than was asked for. */
function limitNote(most: number, workers: number): string | undefined {
  const limit = descriptorLimit();
  if (limit === undefined) return undefined;
  const allowed = (limit - SPARE) * workers;
  if (most <= allowed) return undefined;
  const needed = Math.ceil(most / (limit - SPARE));
  return (
    `A process may have ${limit} descriptors here, which is about ${allowed} streams with ${workers} worker(s): ` +
    `${most} need --workers ${needed}, or a higher limit (ulimit -Hn).`
  );
}

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseOptions(argv, OPTIONS);
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const counts = wholesOption('counts', values.counts, COUNTS, 1_000_000);
  const most = Math.max(...counts);
  const workers = workersOption(values.workers);
  const options = {
    counts,
    seconds: numberOption('secs', values.secs, 3, 0.1, 600),
    clients: wholeOption('clients', values.clients, Math.max(2, Math.ceil(most / STREAMS_PER_CLIENT)), 1, 250),
    messageBytes: wholeOption('size', values.size, 100, SMALLEST_MESSAGE, 100_000),
  };
  const machine = thisMachine();
  say(describeMachine(machine));
  const limited = limitNote(most, workers);
  if (limited !== undefined) say(limited);
  const spec = holdfastSpec({ workers, sets: [`http.max_connections=${most + SPARE}`] });
  const points = await scale(new Processes(), spec, options, ({ holds, faults }) => {
    const wrong = faultTexts(faults);
    process.stderr.write(`${holds} holds${wrong.length === 0 ? '' : `, faults: ${wrong.join('; ')}`}\n`);
  });
  if (values.json !== undefined) {
    writeJson(values.json, {
      kind: 'scale',
      date: new Date().toISOString(),
      machine,
      versions: { holdfast: holdfastVersion() },
      options: { ...options, workers },
      points,
      plots: plotsOf(points),
    });
  }
  say(`\n${table(points)}`);
  return points.some(({ faults }) => Object.keys(faults).length > 0) ? 1 : 0;
}

runTool(main);
