/** Many channels with one stream each. */
import { countWarm } from './closed-loop.js';
import { holdsShare, publishingShare } from './holds.js';
import { endedOf, faultsOf, ratesOf, type Scenario } from './scenario.js';

const CHANNELS = 2_000;
/** Not yet delivered at a time, and connections to publish on, over all client processes. */
const WINDOW = 64;
const PUBLISHERS = 16;

export const channels: Scenario = {
  name: 'channels',
  what: '2,000 channels with one stream each, publishes to random ones, 64 in flight',
  needsZeroMq: false,
  run: async (stage) => {
    const { clients, server, options } = stage;
    const count = options.connections ?? CHANNELS;
    const opened = await clients.start(server.ports, (index, processes) =>
      holdsShare(count, index, processes, {
        transport: 'stream',
        channels: { prefix: 'channel', own: true },
        messageBytes: options.messageBytes,
      }),
    );
    await clients.all({ kind: 'change', change: publishingShare(WINDOW, PUBLISHERS, 0, clients.count) });
    const counted = await countWarm(stage);
    const end = await clients.all({ kind: 'change', change: { kind: 'rest' } });
    await clients.all({ kind: 'stop' });
    return {
      figures: ratesOf(counted, 'deliveries', 'delivery', 'publishes'),
      faults: { ...faultsOf(opened, end), ...endedOf(counted.stretch) },
    };
  },
};
