/** The program that a worker process runs; started by the main process and by nobody else. */
import { Socket } from 'node:net';
import { HoldfastError } from '../../errors/holdfast-error.js';
import { Bus } from './bus.js';
import type { MainMessage, StartMessage, WorkerMessage } from './messages.js';
import { BUS_DESCRIPTOR } from './worker-link.js';
import { WorkerProcess } from './worker-process.js';
import { WorkerUplink } from './worker-uplink.js';

// A terminal sends these to all processes at once: the main process decides, and tells.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

let worker: WorkerProcess | undefined;

const bus: Bus<WorkerMessage, MainMessage> = new Bus(new Socket({ fd: BUS_DESCRIPTOR }), {
  message: (message) => {
    if (message.kind === 'start') void start(message);
    else worker?.take(message);
  },
  frame: (type, payload) => worker?.frame(type, payload),
  // Without the main process nothing that is published comes any more: clients are better off elsewhere.
  lost: () => process.exit(1),
});
const uplink = new WorkerUplink(bus);

async function start(message: StartMessage): Promise<void> {
  try {
    worker = new WorkerProcess(bus, uplink, message);
    bus.send({ kind: 'listening', ...(await worker.open()) });
  } catch (error) {
    const code = error instanceof HoldfastError ? error.code : undefined;
    bus.send({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
    await bus.end();
    process.exit(1);
  }
}
