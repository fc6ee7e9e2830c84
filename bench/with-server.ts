/** An origin, a server in front of it and client processes: there for as long as something is done with them. */
import { Clients } from './clients.js';
import { startOrigin } from './servers/origin-process.js';
import type { Processes } from './servers/processes.js';
import { RunningServer, type ServerSpec } from './servers/servers.js';

/**
 * Everything is started for `use` and stopped after it, however it ends.
 * @param clientCount - of client processes
 */
export async function withServer<T>(
  processes: Processes,
  spec: ServerSpec,
  clientCount: number,
  use: (server: RunningServer, clients: Clients) => Promise<T>,
): Promise<T> {
  let server: RunningServer | undefined;
  try {
    server = await RunningServer.start(processes, spec, await startOrigin(processes));
    return await use(server, new Clients(processes, clientCount));
  } finally {
    // Before the others, so that it does not see its clients and its origin go.
    await server?.stop();
    await processes.stopAll();
  }
}
