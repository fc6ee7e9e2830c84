/** What an idle held connection costs in memory. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Transport } from '../client/messages.js';
import { shareOf } from '../clients.js';
import { memoryUse } from '../measure/memory.js';
import { endedOf, faultsOf, type Scenario } from './scenario.js';

const CONNECTIONS = 5_000;
/** Connections before the first look, so that code which is loaded on demand is there. */
const WARM_UP = 100;
/** Milliseconds after which the server has come to rest. */
const SETTLE = 3_000;

function idleMemory(name: string, transport: Transport): Scenario {
  return {
    name,
    what: `5,000 idle held connections (${transport}) on their own channels: memory for each, CPU while they idle`,
    needsZeroMq: false,
    run: async ({ clients, server, meter, options }) => {
      const connections = options.connections ?? CONNECTIONS;
      await clients.start(server.ports, (index, count) => ({
        kind: 'holds',
        transport,
        count: shareOf(WARM_UP, index, count),
        channels: { prefix: 'memory', own: true },
        inFlight: 16,
        messageBytes: options.messageBytes,
      }));
      await pause(SETTLE);
      const before = memoryUse(server.pid);
      await clients.all((index) => ({
        kind: 'change',
        change: { kind: 'grow', count: shareOf(connections, index, clients.count) },
      }));
      await pause(SETTLE);
      const after = memoryUse(server.pid);
      const stretch = await meter.during(() => pause(options.seconds * 1_000));
      const end = await clients.all({ kind: 'stop' });
      return {
        figures: {
          kb_per_hold: (after.pss - before.pss) / connections,
          kb_per_hold_in_all: after.pss / connections,
          idle_cpu_percent: stretch.cpu === undefined ? undefined : (100 * stretch.cpu) / stretch.wall,
        },
        faults: { ...faultsOf(end), ...endedOf(stretch) },
      };
    },
  };
}

export const memoryStream = idleMemory('memory-stream', 'stream');
export const memoryWs = idleMemory('memory-ws', 'ws');
