/** `npm run soak`: clients that come and go at about half load, and what the server keeps of them. */
import { numberOption, parseOptions, runTool, wholeOption, workersOption } from './arguments.js';
import { describeMachine, thisMachine } from './report/machine.js';
import { writeJson } from './report/measurements.js';
import { type Plot, seriesOf } from './report/plots.js';
import { shown } from './report/table.js';
import { Processes } from './servers/processes.js';
import { holdfastVersion } from './servers/project.js';
import { faultsIn, limitsFor, type Sample } from './soak/criteria.js';
import { type SoakOptions, soak } from './soak/soak-run.js';

const HELP = `Usage: npm run soak -- [options]     (after npm run build)

  --minutes M     length of the load (default 30)
  --interval S    seconds between two samples (default 5)
  --clients N     client processes (default 2)
  --workers N     worker processes of Holdfast (default 1)
  --visits N      visits a second; default: as many as keep the server half busy
  --json FILE     writes samples, results and plots
`;

const OPTIONS = {
  minutes: { type: 'string' },
  interval: { type: 'string' },
  clients: { type: 'string' },
  workers: { type: 'string' },
  visits: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Cores. */
const HALF = 0.5;

function plotsOf(samples: readonly Sample[]): Plot[] {
  const x = { label: 'time, minutes', scale: 'linear' } as const;
  const line = (name: string, y: (sample: Sample) => number | undefined) =>
    seriesOf(name, samples, ({ at }) => at / 60, y);
  return [
    {
      title: 'Memory while clients come and go',
      x,
      y: { label: 'memory, MB', scale: 'linear' },
      series: [
        line('PSS', ({ pss }) => pss / 1_024),
        line('RSS', ({ rss }) => rss / 1_024),
        line('heap in use', ({ heap }) => (heap === undefined ? undefined : heap / 2 ** 20)),
      ],
    },
    {
      title: 'Open descriptors while clients come and go',
      x,
      y: { label: 'descriptors', scale: 'linear' },
      series: [line('descriptors', ({ descriptors }) => descriptors)],
    },
  ];
}

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseOptions(argv, OPTIONS);
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const options: SoakOptions = {
    seconds: numberOption('minutes', values.minutes, 30, 0.05, 10_000) * 60,
    interval: numberOption('interval', values.interval, 5, 0.1, 600),
    clients: wholeOption('clients', values.clients, 2, 1, 64),
    workers: workersOption(values.workers),
    visitsPerSecond: numberOption('visits', values.visits, undefined, 0.1, 100_000),
    busy: HALF,
  };
  const machine = thisMachine();
  process.stdout.write(`${describeMachine(machine)}\n`);
  const result = await soak(new Processes(), options, {
    sampled: ({ at, pss, heap, descriptors }, pace) => {
      const inUse = shown((heap ?? Number.NaN) / 2 ** 20);
      process.stderr.write(
        `${shown(at)} s: PSS ${shown(pss / 1_024)} MB, heap ${inUse} MB, ${descriptors ?? '-'} descriptors, ${shown(pace)} visits/s\n`,
      );
    },
  });
  const limits = limitsFor(options.seconds);
  const wrong = faultsIn(result, limits);
  if (values.json !== undefined) {
    writeJson(values.json, {
      kind: 'soak',
      date: new Date().toISOString(),
      machine,
      versions: { holdfast: holdfastVersion() },
      options,
      result,
      wrong,
      plots: plotsOf(result.samples),
    });
  }
  const { before, after, visits } = result;
  process.stdout.write(
    `${visits} visits; without clients: heap ${shown(before.heap / 2 ** 20)} MB before, ${shown(after.heap / 2 ** 20)} MB after; ` +
      `${before.descriptors ?? '-'} descriptors before, ${after.descriptors ?? '-'} after\n`,
  );
  for (const line of wrong) process.stdout.write(`failed: ${line}\n`);
  if (limits.memory === undefined) process.stdout.write('growth of memory is judged from ten minutes on only\n');
  if (wrong.length === 0) process.stdout.write('passed\n');
  return wrong.length === 0 ? 0 : 1;
}

runTool(main);
