/** One run of one scenario against one server: everything is started for it and stopped after it. */
import { Meter, type MeterObserver } from './measure/meter.js';
import type { Outcome, Scenario, ScenarioOptions } from './scenarios/scenario.js';
import type { Processes } from './servers/processes.js';
import type { RunningServer, ServerSpec } from './servers/servers.js';
import { withServer } from './with-server.js';

/** Milliseconds beyond the measured time that a run may take. */
const PATIENCE = 120_000;
/** Stretches a scenario measures at most, each of `seconds`. */
const STRETCHES = 4;

export interface RunOptions extends ScenarioOptions {
  /** Client processes. */
  readonly clients: number;
}

/** @throws Error when a server does not start, a process ends, or the time is over */
export async function runScenario(
  processes: Processes,
  scenario: Scenario,
  spec: ServerSpec,
  options: RunOptions,
  observe?: (server: RunningServer) => MeterObserver,
): Promise<Outcome> {
  return withServer(processes, spec, options.clients, async (server, clients) => {
    const meter = new Meter(server.pid, observe?.(server));
    const limit = PATIENCE + options.seconds * STRETCHES * 1_000;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${scenario.name} took more than ${limit / 1_000} s`)), limit);
    });
    try {
      return await Promise.race([scenario.run({ server, clients, meter, options }), late]);
    } finally {
      clearTimeout(timer);
    }
  });
}
