/** One channel with many clients. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Transport } from '../client/messages.js';
import { FanOutRun } from './fan-out-run.js';
import { holdsShare } from './holds.js';
import { httpPublisher, zmqPublisher } from './publisher.js';
import { endedOf, faultsOf, type Outcome, perCpuSecond, type Scenario, type Stage } from './scenario.js';

const CLIENTS = 1_000;
/** Messages not yet delivered to everybody, in the sustained part. */
const WINDOW = 8;
/** Messages one at a time, and milliseconds between them. */
const SINGLE = 100;
const BETWEEN = 5;
const BURST = 200;
/** Milliseconds between two parts. */
const REST = 200;

async function fanOut(stage: Stage, transport: Transport, zmq: boolean): Promise<Outcome> {
  const { clients, server, meter, options } = stage;
  const holds = Math.max(options.connections ?? CLIENTS, clients.count);
  await clients.start(server.ports, (index, count) =>
    holdsShare(holds, index, count, {
      transport,
      channels: { prefix: 'fan-out', own: false },
      messageBytes: options.messageBytes,
    }),
  );
  const publisher = zmq ? await zmqPublisher(server.ports) : httpPublisher(server.ports);
  const run = new FanOutRun(clients, publisher, {
    channel: 'fan-out',
    format: transport === 'ws' ? 'ws-message' : 'http-stream',
    messageBytes: options.messageBytes,
    parts: clients.count,
    from: 0,
  });
  try {
    await run.windowed(meter.warmUp(options.warmUp), WINDOW);
    await pause(REST);
    run.mark();
    await run.oneByOne(SINGLE, BETWEEN);
    const first = run.first.percentile(0.5);
    const last = { p50: run.last.percentile(0.5), p99: run.last.percentile(0.99) };
    const before = await clients.all({ kind: 'mark' });
    run.mark();
    const stretch = await meter.during(() => run.windowed(pause(options.seconds * 1_000), WINDOW));
    const loaded = run.last.percentile(0.99);
    const total = await clients.all({ kind: 'mark' });
    const due = (run.published - run.refused) * holds;
    run.mark();
    const burst = await meter.during(() => run.burst(BURST));
    const burstTotal = await clients.all({ kind: 'report' });
    const burstDue = (run.published - run.refused) * holds;
    return {
      figures: {
        deliveries_per_cpu_s: perCpuSecond(total.count('deliveries'), stretch),
        deliveries_per_s: total.count('deliveries') / stretch.wall,
        first_p50_us: first,
        last_p50_us: last.p50,
        last_p99_us: last.p99,
        loaded_last_p99_us: loaded,
        burst_deliveries_per_cpu_s: perCpuSecond(burstTotal.count('deliveries'), burst),
      },
      faults: {
        ...lostOf(due - total.count('deliveries') + burstDue - burstTotal.count('deliveries')),
        ...faultsOf(before, total, burstTotal),
        ...run.faults,
        ...endedOf(stretch),
      },
    };
  } finally {
    publisher.close();
    await clients.all({ kind: 'stop' });
  }
}

function lostOf(lost: number): Record<string, number> {
  return lost === 0 ? {} : { 'lost deliveries': lost };
}

export const fanout: Scenario = {
  name: 'fanout',
  what: '1,000 streams on one channel: one message at a time, 8 in flight, and a burst',
  needsZeroMq: false,
  run: (stage) => fanOut(stage, 'stream', false),
};

export const fanoutWs: Scenario = {
  name: 'fanout-ws',
  what: 'the same with WebSockets',
  needsZeroMq: false,
  run: (stage) => fanOut(stage, 'ws', false),
};

export const fanoutZmq: Scenario = {
  name: 'fanout-zmq',
  what: 'the same with streams, published over ZeroMQ',
  needsZeroMq: true,
  run: (stage) => fanOut(stage, 'stream', true),
};
