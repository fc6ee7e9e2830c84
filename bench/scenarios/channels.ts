/** Many channels with one stream each. */
import { setTimeout as pause } from 'node:timers/promises';
import { shareOf } from '../clients.js';
import { endedOf, faultsOf, perCpuSecond, type Scenario } from './scenario.js';

const CHANNELS = 2_000;
const IN_FLIGHT = 64;
/** Not yet delivered at a time, and connections to publish on, over all client processes. */
const WINDOW = 64;
const PUBLISHERS = 16;

export const channels: Scenario = {
  name: 'channels',
  what: '2,000 channels with one stream each, publishes to random ones, 64 in flight',
  needsZeroMq: false,
  run: async ({ clients, server, meter, options }) => {
    const count = options.connections ?? CHANNELS;
    const opened = await clients.start(server.ports, (index, processes) => ({
      kind: 'holds',
      transport: 'stream',
      count: shareOf(count, index, processes),
      channels: { prefix: 'channel', own: true },
      inFlight: Math.max(1, shareOf(IN_FLIGHT, index, processes)),
      messageBytes: options.messageBytes,
    }));
    const publish = {
      kind: 'publish',
      window: Math.max(1, Math.floor(WINDOW / clients.count)),
      publishers: Math.max(1, Math.floor(PUBLISHERS / clients.count)),
      pause: 0,
    } as const;
    await clients.all({ kind: 'change', change: publish });
    await meter.warmUp(options.warmUp);
    let total = await clients.all({ kind: 'mark' });
    const stretch = await meter.during(async () => {
      await pause(options.seconds * 1_000);
      total = await clients.all({ kind: 'report' });
    });
    const end = await clients.all({ kind: 'change', change: { kind: 'rest' } });
    await clients.all({ kind: 'stop' });
    const delivered = total.count('deliveries');
    return {
      figures: {
        publishes_per_cpu_s: perCpuSecond(delivered, stretch),
        publishes_per_s: delivered / stretch.wall,
        p50_us: total.latency('delivery', 0.5),
        p99_us: total.latency('delivery', 0.99),
      },
      faults: { ...faultsOf(opened, end), ...endedOf(stretch) },
    };
  },
};
