/** `npm run bench:pinghub`: what a delivery costs with the built-in Pinghub, beside the same through GRIP. */
import { numberOption, parseOptions, runTool, wholeOption } from './arguments.js';
import { SMALLEST_MESSAGE } from './payload.js';
import { type PinghubOptions, pinghubRun, type Round, type Way } from './pinghub/pinghub-run.js';
import { faultTexts } from './report/faults.js';
import { describeMachine, thisMachine } from './report/machine.js';
import { median, writeJson } from './report/measurements.js';
import { aligned, shown } from './report/table.js';
import { Processes } from './servers/processes.js';
import { holdfastVersion } from './servers/project.js';

const HELP = `Usage: npm run bench:pinghub -- [options]     (after npm run build)

  --conns N        WebSockets on the path, and as many on the channel (default 1000)
  --rounds N       rounds with each of the two orders of opening (default 20)
  --secs S         seconds of publishing to each in a round (default 1)
  --window N       messages in flight that not everybody has (default 8)
  --size N         bytes of a message (default 100)
  --clients N      client processes for each (default 1)
  --warm-up S      CPU seconds of the server for each, before the first round (default 2)
  --least R        fails when the median of the ratios is below (default 0.95)
  --json FILE      writes all figures
`;

const OPTIONS = {
  conns: { type: 'string' },
  rounds: { type: 'string' },
  secs: { type: 'string' },
  window: { type: 'string' },
  size: { type: 'string' },
  clients: { type: 'string' },
  'warm-up': { type: 'string' },
  least: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const WAYS: readonly (readonly [Way, string])[] = [
  ['pinghub', 'pinghub: POST /path'],
  ['grip', 'GRIP: POST /publish/'],
];

function ratioOf({ pinghub, grip }: Round): number | undefined {
  const { deliveriesPerCpuSecond: ours } = pinghub;
  const { deliveriesPerCpuSecond: theirs } = grip;
  return ours === undefined || theirs === undefined ? undefined : ours / theirs;
}

function table(rounds: readonly Round[]): string {
  const rows = WAYS.map(([way, name]) => [
    name,
    '',
    shown(median(rounds.map((round) => round[way].deliveriesPerCpuSecond))),
    shown(median(rounds.map((round) => round[way].deliveriesPerSecond))),
  ]);
  return aligned([['', '', 'deliveries per CPU second', 'per second'], ...rows]);
}

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseOptions(argv, OPTIONS);
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const clients = wholeOption('clients', values.clients, 1, 1, 64);
  const options: PinghubOptions = {
    connections: wholeOption('conns', values.conns, 1_000, clients, 9_000),
    rounds: wholeOption('rounds', values.rounds, 20, 1, 1_000),
    seconds: numberOption('secs', values.secs, 1, 0.1, 600),
    window: wholeOption('window', values.window, 8, 1, 200),
    messageBytes: wholeOption('size', values.size, 100, SMALLEST_MESSAGE, 65_536),
    clients,
    warmUp: numberOption('warm-up', values['warm-up'], 2, 0, 60),
  };
  const least = numberOption('least', values.least, 0.95, 0, 10);
  const machine = thisMachine();
  process.stdout.write(`${describeMachine(machine)}\n`);
  const { rounds, faults } = await pinghubRun(new Processes(), options);
  const ratios = rounds.map(ratioOf).filter((one): one is number => one !== undefined);
  const ratio = median(ratios);
  if (values.json !== undefined) {
    writeJson(values.json, {
      kind: 'pinghub',
      date: new Date().toISOString(),
      machine,
      versions: { holdfast: holdfastVersion() },
      options,
      rounds,
      ratio,
      faults,
    });
  }
  process.stdout.write(`${table(rounds)}\n`);
  if (ratio !== undefined) {
    const spread = `${shown(Math.min(...ratios))} to ${shown(Math.max(...ratios))}`;
    process.stdout.write(`ratio per CPU second, median of ${ratios.length} rounds: ${shown(ratio)} (${spread})\n`);
  }
  const wrong = faultTexts(faults);
  if (ratio !== undefined && ratio < least) wrong.push(`the ratio is below ${least}`);
  for (const line of wrong) process.stdout.write(`failed: ${line}\n`);
  return wrong.length === 0 ? 0 : 1;
}

runTool(main);
