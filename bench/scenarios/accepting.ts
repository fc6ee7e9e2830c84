/** How fast clients are held. */
import type { Transport } from '../client/messages.js';
import { shareOf } from '../clients.js';
import { holdsShare } from './holds.js';
import { endedOf, faultsOf, ratesOf, type Scenario } from './scenario.js';

const CONNECTIONS = 3_000;
/** Clients before the measured ones, as a part of them. */
const WARM_UP = 0.7;

function accepting(name: string, transport: Transport): Scenario {
  return {
    name,
    what: `new held connections (${transport}), 64 opening at a time, until the head is back`,
    needsZeroMq: false,
    run: async ({ clients, server, meter, options }) => {
      const connections = options.connections ?? CONNECTIONS;
      const warm = await clients.start(server.ports, (index, count) =>
        holdsShare(Math.ceil(connections * WARM_UP), index, count, {
          transport,
          channels: { prefix: 'accept', own: true },
          messageBytes: options.messageBytes,
        }),
      );
      let total = await clients.all({ kind: 'mark' });
      const stretch = await meter.during(async () => {
        total = await clients.all((index) => ({
          kind: 'change',
          change: { kind: 'grow', count: shareOf(connections, index, clients.count) },
        }));
      });
      await clients.all({ kind: 'stop' });
      return {
        figures: ratesOf({ total, stretch }, 'opened', 'open', 'accepts'),
        faults: { ...faultsOf(warm, total), ...endedOf(stretch) },
      };
    },
  };
}

export const acceptStream = accepting('accept-stream', 'stream');
export const acceptWs = accepting('accept-ws', 'ws');
