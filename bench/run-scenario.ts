/** One run of one scenario against one server: everything is started for it and stopped after it. */
import { Clients } from './clients.js';
import { Meter, type MeterObserver } from './measure/meter.js';
import type { Outcome, Scenario, ScenarioOptions } from './scenarios/scenario.js';
import { startOrigin } from './servers/origin-process.js';
import type { Processes } from './servers/processes.js';
import { RunningServer, type ServerSpec } from './servers/servers.js';

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
  let server: RunningServer | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    const origin = await startOrigin(processes);
    server = await RunningServer.start(processes, spec, origin.port);
    const clients = new Clients(processes, options.clients);
    const meter = new Meter(server.pid, observe?.(server));
    const limit = PATIENCE + options.seconds * STRETCHES * 1_000;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${scenario.name} took more than ${limit / 1_000} s`)), limit);
    });
    return await Promise.race([scenario.run({ server, clients, meter, options }), late]);
  } finally {
    clearTimeout(timer);
    await server?.stop();
    await processes.stopAll();
  }
}
