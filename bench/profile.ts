/** `npm run bench:profile`: one scenario with the server's CPU profiled while it is measured. */
import { writeFileSync } from 'node:fs';
import { numberOption, parseOptions, runTool, UsageError, wholeOption } from './arguments.js';
import { SMALLEST_MESSAGE } from './payload.js';
import { type CpuProfile, type Part, type Summary, summarise } from './profile/cpu-profile.js';
import { faultTexts } from './report/faults.js';
import { aligned, shown } from './report/table.js';
import { runScenario } from './run-scenario.js';
import { scenariosNamed } from './scenarios/all.js';
import { ProbeQuestions } from './servers/probe-questions.js';
import { Processes } from './servers/processes.js';
import { holdfastSpec } from './servers/servers.js';

const HELP = `Usage: npm run bench:profile -- --scenario NAME [options]     (after npm run build)

  --secs S      seconds of the measured stretch, which is what is profiled (default 5)
  --clients N   client processes (default 2)
  --conns N     connections, instead of what the scenario has by itself
  --size N      bytes of a published message (default 100)
  --keep FILE   keeps the .cpuprofile, for the developer tools of a browser
`;

const OPTIONS = {
  scenario: { type: 'string' },
  secs: { type: 'string' },
  clients: { type: 'string' },
  conns: { type: 'string' },
  size: { type: 'string' },
  keep: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

const LONGEST = 10;
/** CPU seconds before the measured stretch: what is compiled by then is what a server spends its days in. */
const WARM_UP = 3;

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function list(title: string, parts: readonly Part[]): string {
  return `${title}\n${aligned(parts.slice(0, LONGEST).map(({ name, share }) => ['', name, percent(share)]))}`;
}

function describe({ seconds, busy, collecting, functions, files, rooms }: Summary): string {
  return [
    `${shown(seconds)} s profiled, busy ${percent(busy)} of them; of the busy time:`,
    `  garbage collection ${percent(collecting)}`,
    list('self time by function', functions),
    list('by file', files),
    list('by room', rooms),
  ].join('\n');
}

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseOptions(argv, OPTIONS);
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (values.scenario === undefined) throw new UsageError('--scenario names what is profiled');
  const [scenario, ...more] = scenariosNamed(values.scenario);
  if (scenario === undefined || more.length > 0) throw new UsageError('--scenario takes one scenario');
  const seconds = numberOption('secs', values.secs, 5, 0.1, 600);
  // Of a scenario that measures several stretches the first one, which is its main one.
  let profile: string | undefined;
  const { figures, faults } = await runScenario(
    new Processes(),
    scenario,
    holdfastSpec({ workers: 1, probed: true }),
    {
      seconds,
      warmUp: Math.min(WARM_UP, seconds),
      clients: wholeOption('clients', values.clients, 2, 1, 64),
      connections: wholeOption('conns', values.conns, undefined, 1, 1_000_000),
      messageBytes: wholeOption('size', values.size, 100, SMALLEST_MESSAGE, 100_000),
    },
    (server) => {
      const questions = new ProbeQuestions(server.process);
      return {
        begins: async () => {
          if (profile === undefined) await questions.ask({ kind: 'start-profile' });
        },
        ends: async () => {
          profile ??= (await questions.ask({ kind: 'stop-profile' })).profile;
        },
      };
    },
  );
  if (profile === undefined) throw new Error('the scenario measured nothing');
  if (values.keep !== undefined) writeFileSync(values.keep, profile);
  process.stdout.write(`${scenario.name}: ${describe(summarise(JSON.parse(profile) as CpuProfile))}\n`);
  const [name, value] = Object.entries(figures)[0] ?? [];
  process.stdout.write(`with the profiler on: ${name} ${shown(value)}\n`);
  for (const text of faultTexts(faults)) process.stdout.write(`faults: ${text}\n`);
  return 0;
}

runTool(main);
