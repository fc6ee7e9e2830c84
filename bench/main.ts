/** `npm run bench`: measures the built product, alone or beside another server, and ends in a table of figures. */
import { execFileSync } from 'node:child_process';
import { numberOption, parseOptions, runTool, UsageError, wholeOption, workersOption } from './arguments.js';
import { hasProc } from './measure/process-tree.js';
import { SMALLEST_MESSAGE } from './payload.js';
import { describeMachine, thisMachine } from './report/machine.js';
import { type Measurements, type Run, readMeasurements, writeJson } from './report/measurements.js';
import { comparisonTable, faultLines, measurementsTable, shown } from './report/table.js';
import { type RunOptions, runScenario } from './run-scenario.js';
import { SCENARIOS, scenariosNamed } from './scenarios/all.js';
import { hasZeroMq } from './scenarios/publisher.js';
import type { Outcome, Scenario } from './scenarios/scenario.js';
import { Processes } from './servers/processes.js';
import { holdfastVersion } from './servers/project.js';
import { holdfastSpec, isInstalled, otherSpec, pushpinSpec, type ServerSpec } from './servers/servers.js';

const HELP = `Usage: npm run bench -- [options]     (after npm run build)

  --scenarios A,B       only these (default: all)
  --runs N              runs of each, of which the median counts (default 1)
  --secs S              seconds of each measured stretch (default 3)
  --warm-up S           CPU seconds the server works before it (default 2)
  --clients N           client processes (default 2)
  --conns N             connections, instead of what each scenario has by itself
  --size N              bytes of a published message (default 100)
  --workers N           worker processes of Holdfast (default 1)
  --with-pushpin        Debian's pushpin beside it
  --against 'COMMAND'   another build beside it: COMMAND --config FILE, a pushpin.conf
  --json FILE           writes all figures
  --compare OLD NEW     prints the ratios of two such files, and measures nothing

Scenarios:
${SCENARIOS.map(({ name, what }) => `  ${name.padEnd(14)} ${what}`).join('\n')}
`;

const OPTIONS = {
  scenarios: { type: 'string' },
  runs: { type: 'string' },
  secs: { type: 'string' },
  'warm-up': { type: 'string' },
  clients: { type: 'string' },
  conns: { type: 'string' },
  size: { type: 'string' },
  workers: { type: 'string' },
  'with-pushpin': { type: 'boolean' },
  against: { type: 'string' },
  json: { type: 'string' },
  compare: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseOptions(argv, OPTIONS, true);
  if (values.help === true) {
    say(HELP.trimEnd());
    return 0;
  }
  if (values.compare === true) return compare(positionals);
  if (positionals.length > 0) throw new UsageError(`unexpected argument "${positionals[0]}"; options start with --`);
  if (values['with-pushpin'] === true && values.against !== undefined) {
    throw new UsageError('--with-pushpin and --against are for one opponent at a time');
  }
  const options: RunOptions = {
    seconds: numberOption('secs', values.secs, 3, 0.1, 600),
    warmUp: numberOption('warm-up', values['warm-up'], 2, 0, 600),
    clients: wholeOption('clients', values.clients, 2, 1, 64),
    connections: wholeOption('conns', values.conns, undefined, 1, 1_000_000),
    messageBytes: wholeOption('size', values.size, 100, SMALLEST_MESSAGE, 100_000),
  };
  const workers = workersOption(values.workers);
  const servers = [holdfastSpec({ workers }), ...opponents(values['with-pushpin'] === true, values.against)];
  const runs = wholeOption('runs', values.runs, 1, 1, 1_000);
  const chosen = await chosenScenarios(values.scenarios);
  const machine = thisMachine();
  say(describeMachine(machine));
  if (!hasProc())
    say('There is no /proc here: figures per CPU second and of memory are left out, or those of one process.');
  const measured = await measure(chosen, servers, runs, options);
  const measurements: Measurements = {
    kind: 'measurements',
    date: new Date().toISOString(),
    machine,
    versions: versionsOf(servers),
    options: { ...options, workers, runs, ...(values.against === undefined ? {} : { against: values.against }) },
    servers: servers.map(({ name }) => name),
    runs: measured,
  };
  if (values.json !== undefined) writeJson(values.json, measurements);
  say(`\n${measurementsTable(measurements)}`);
  if (servers.length > 1)
    say(`ratio: above 1 ${servers[0]?.name} is better; spread over ${runs} ${runs === 1 ? 'run' : 'runs'}`);
  return measured.some((run) => hasFailed(run, servers[0]?.name)) ? 1 : 0;
}

/** @param ours - the server whose faults are failures; those of one beside it are facts to be told */
function hasFailed({ error, server, faults }: Run, ours: string | undefined): boolean {
  // A poll that was published to before it was there has lost nothing: the machine has too much to do.
  const names = Object.keys(faults).filter((name) => name !== 'published again');
  return error !== undefined || (server === ours && names.length > 0);
}

function compare(files: readonly string[]): number {
  const [old, now] = files;
  if (old === undefined || now === undefined || files.length > 2)
    throw new UsageError('--compare takes two files: OLD NEW');
  const [before, after] = [readMeasurements(old), readMeasurements(now)];
  say(`old: ${before.date}, ${before.servers[0]}, ${describeMachine(before.machine)}`);
  say(`new: ${after.date}, ${after.servers[0]}, ${describeMachine(after.machine)}\n`);
  say(comparisonTable(before, after));
  say('ratio: above 1 the new one is better');
  return 0;
}

function opponents(withPushpin: boolean, against: string | undefined): ServerSpec[] {
  if (against !== undefined) return [otherSpec(against)];
  if (!withPushpin) return [];
  if (isInstalled('pushpin')) return [pushpinSpec()];
  say('pushpin is not installed (apt-get install pushpin), so Holdfast is measured alone.');
  return [];
}

async function chosenScenarios(names: string | undefined): Promise<Scenario[]> {
  const chosen = names === undefined ? [...SCENARIOS] : scenariosNamed(names);
  if (await hasZeroMq()) return chosen;
  const left = chosen.filter(({ needsZeroMq }) => !needsZeroMq);
  if (left.length < chosen.length) say('The package zeromq is not installed: its scenarios are left out.');
  return left;
}

/** Each scenario with all servers in turn, A B, B A, A B ... */
async function measure(
  scenarios: readonly Scenario[],
  servers: readonly ServerSpec[],
  runs: number,
  options: RunOptions,
): Promise<Run[]> {
  const processes = new Processes();
  const measured: Run[] = [];
  for (const scenario of scenarios) {
    for (let run = 1; run <= runs; run += 1) {
      for (const spec of run % 2 === 1 ? servers : [...servers].reverse()) {
        const where = { scenario: scenario.name, server: spec.name, run };
        const one = await runScenario(processes, scenario, spec, options).then(
          (outcome): Run => ({ ...where, ...known(outcome) }),
          (error: Error): Run => ({ ...where, figures: {}, faults: {}, error: error.message }),
        );
        measured.push(one);
        const [name, value] = Object.entries(one.figures)[0] ?? [];
        note(`${scenario.name}, ${spec.name}, run ${run}: ${one.error ?? `${name} ${shown(value)}`}`);
        for (const line of one.error === undefined ? faultLines([one]) : []) note(line);
      }
    }
  }
  return measured;
}

/** Without figures that this system does not tell. */
function known({ figures, faults }: Outcome): Pick<Run, 'figures' | 'faults'> {
  const told = Object.entries(figures).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return { figures: Object.fromEntries(told), faults };
}

function versionsOf(servers: readonly ServerSpec[]): Record<string, string> {
  const versions: Record<string, string> = { holdfast: holdfastVersion() };
  for (const spec of servers.slice(1)) {
    try {
      versions[spec.name] = execFileSync(spec.command, [...spec.args.filter((arg) => arg !== '-m'), '--version'], {
        encoding: 'utf8',
      }).trim();
    } catch {
      versions[spec.name] = 'unknown';
    }
  }
  return versions;
}

runTool(main);
