/** Many channels with one stream each. */
import { setTimeout as pause } from 'node:timers/promises';
import { holdsShare, publishingShare } from './holds.js';
import { endedOf, faultsOf, perCpuSecond, type Scenario } from './scenario.js';

const CHANNELS = 2_000;
/** Not yet delivered at a time, and connections to publish on, over all client processes. */
const WINDOW = 64;
const PUBLISHERS = 16;

export const channels: Scenario = {
  name: 'channels',
  what: '2,000 channels with one stream each, publishes to random ones, 64 in flight',
  needsZeroMq: false,
  run: async ({ clients, server, meter, options }) => {
    const count = options.connections ?? CHANNELS;
    const opened = await clients.start(server.ports, (index, processes) =>
      holdsShare(count, index, processes, {
        transport: 'stream',
        channels: { prefix: 'channel', own: true },
        messageBytes: options.messageBytes,
      }),
    );
    await clients.all({ kind: 'change', change: publishingShare(WINDOW, PUBLISHERS, 0, clients.count) });
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
