/** Held streams in growing numbers on one server; at each number, what a hold, an accept and a publish cost. */
import { setTimeout as pause } from 'node:timers/promises';
import { SHARED_NUMBERS } from '../client/holds-load.js';
import { type Clients, shareOf, type Total } from '../clients.js';
import { memoryUse } from '../measure/memory.js';
import { Meter } from '../measure/meter.js';
import { FanOutRun } from '../scenarios/fan-out-run.js';
import { holdsShare, publishingShare } from '../scenarios/holds.js';
import { httpPublisher, type Publisher } from '../scenarios/publisher.js';
import { faultsOf, perCpuSecond } from '../scenarios/scenario.js';
import type { Processes } from '../servers/processes.js';
import type { RunningServer, ServerSpec } from '../servers/servers.js';
import { withServer } from '../with-server.js';

export interface ScaleOptions {
  /** Numbers of held streams, rising. */
  readonly counts: readonly number[];
  /** Seconds of publishing at each number. */
  readonly seconds: number;
  readonly clients: number;
  readonly messageBytes: number;
}

export interface ScalePoint {
  /** Held streams, and channels: each has its own. */
  readonly holds: number;
  /** kB of all server processes. */
  readonly pss: number;
  /** kB; undefined for the first ones, which drown in what the process takes itself. */
  readonly kbPerHold: number | undefined;
  readonly acceptsPerSecond: number;
  readonly acceptsPerCpuSecond: number | undefined;
  /** Microseconds from a publish to its one subscriber, one at a time. */
  readonly publishP50: number | undefined;
  readonly publishP99: number | undefined;
  /** Microseconds of CPU for each publish to one subscriber, 64 in flight. */
  readonly cpuPerPublish: number | undefined;
  /** Streams of the shared channel, and microseconds until the last of them has a message. */
  readonly fanOutTo: number;
  readonly fanOutP50: number | undefined;
  readonly fanOutP99: number | undefined;
  readonly faults: Readonly<Record<string, number>>;
}

const SHARED = 'shared';
const SHARING = 1_000;
const WINDOW = 64;
const PUBLISHERS = 16;
/** Holds before the first count. */
const WARM_UP = 300;
/** Messages to the shared channel, and milliseconds between them. */
const FAN_OUTS = 50;
const BETWEEN = 20;
/** Milliseconds until the server has come to rest. */
const SETTLE = 3_000;
/** Below this the memory of a hold cannot be told from the process's own. */
const FEWEST_FOR_MEMORY = 1_000;

export async function scale(
  processes: Processes,
  spec: ServerSpec,
  options: ScaleOptions,
  reached: (point: ScalePoint) => void,
): Promise<ScalePoint[]> {
  return withServer(processes, spec, options.clients, async (server, clients) => {
    const publisher = httpPublisher(server.ports);
    const climb = new Climb(server, clients, publisher, options);
    const points: ScalePoint[] = [];
    try {
      for (const count of options.counts) {
        const point = await climb.to(count);
        points.push(point);
        reached(point);
      }
    } finally {
      publisher.close();
    }
    return points;
  });
}

class Climb {
  private holds = 0;
  private messages = SHARED_NUMBERS;
  private empty: number | undefined = undefined;

  constructor(
    private readonly server: RunningServer,
    private readonly clients: Clients,
    private readonly publisher: Publisher,
    private readonly options: ScaleOptions,
  ) {}

  async to(count: number): Promise<ScalePoint> {
    const { clients, server } = this;
    await this.begin();
    const meter = new Meter(server.pid);
    const before = this.holds;
    let opened = await clients.all({ kind: 'mark' });
    const accepting = await meter.during(async () => {
      opened = await this.grow(count);
    });
    const accepted = opened.count('opened');
    await pause(SETTLE);
    const { pss } = memoryUse(server.pid);
    const settling = await clients.all({ kind: 'mark' });
    const single = await this.publishing(1, 1, 1);
    const loaded = await this.publishing(WINDOW, PUBLISHERS, 0, meter);
    const fanOut = await this.fanOut();
    const end = await clients.all({ kind: 'report' });
    const perPublish = loaded.cpu === undefined ? undefined : (loaded.cpu / loaded.total.count('deliveries')) * 1e6;
    return {
      holds: count,
      pss,
      kbPerHold: count < FEWEST_FOR_MEMORY ? undefined : (pss - (this.empty ?? 0)) / count,
      acceptsPerSecond: accepted / accepting.wall,
      acceptsPerCpuSecond: perCpuSecond(accepted, accepting),
      publishP50: single.total.latency('delivery', 0.5),
      publishP99: single.total.latency('delivery', 0.99),
      cpuPerPublish: perPublish,
      fanOutTo: Math.min(SHARING, count),
      fanOutP50: fanOut.last.percentile(0.5),
      fanOutP99: fanOut.last.percentile(0.99),
      faults: {
        ...faultsOf(settling, single.before, single.rest, loaded.before, loaded.rest, end),
        ...fanOut.faults,
        ...(accepted < count - before ? { 'holds missing': count - before - accepted } : {}),
      },
    };
  }

  /** The first time: clients without holds yet, and the memory of the server without any. */
  private async begin(): Promise<void> {
    const { clients, server, options } = this;
    if (this.empty !== undefined) return;
    // What is compiled and allocated once, whatever the number of holds, is not theirs.
    await clients.start(server.ports, (index, count) =>
      holdsShare(WARM_UP, index, count, {
        transport: 'stream',
        channels: { prefix: 'warm', own: true },
        messageBytes: options.messageBytes,
      }),
    );
    await this.publishing(WINDOW, PUBLISHERS, 0);
    await clients.all({ kind: 'stop' });
    await pause(SETTLE);
    this.empty = memoryUse(server.pid).pss;
    await clients.start(server.ports, (index, count) =>
      holdsShare(0, index, count, {
        transport: 'stream',
        channels: { prefix: 'scale', own: true },
        shared: { channel: SHARED, count: shareOf(Math.min(SHARING, Math.max(...options.counts)), index, count) },
        messageBytes: options.messageBytes,
      }),
    );
  }

  private async grow(count: number): Promise<Total> {
    const { clients } = this;
    const before = this.holds;
    this.holds = count;
    return clients.all((index) => ({
      kind: 'change',
      change: { kind: 'grow', count: shareOf(count, index, clients.count) - shareOf(before, index, clients.count) },
    }));
  }

  /** Publishes to random channels for some seconds. @param window - in all client processes together */
  private async publishing(window: number, publishers: number, between: number, meter?: Meter) {
    const { clients, options } = this;
    // With one message at a time there is one client process that publishes; the others hold.
    const processes = window === 1 ? 1 : clients.count;
    const change = publishingShare(window, publishers, between, processes);
    await clients.all((index) => (index < processes ? { kind: 'change', change } : { kind: 'report' }));
    await pause(Math.min(1_000, options.seconds * 500));
    const before = await clients.all({ kind: 'mark' });
    let total = before;
    const run = async (): Promise<void> => {
      await pause(options.seconds * 1_000);
      total = await clients.all({ kind: 'report' });
    };
    const stretch = meter === undefined ? await run() : await meter.during(run);
    // It counts from the same mark as `total`, and also what never came.
    const rest = await clients.all({ kind: 'change', change: { kind: 'rest' } });
    await clients.all({ kind: 'mark' });
    return { total, before, rest, cpu: stretch?.cpu };
  }

  /** To the streams that share a channel, one message at a time. */
  private async fanOut(): Promise<FanOutRun> {
    const { clients, publisher, options, holds } = this;
    const run = new FanOutRun(clients, publisher, {
      channel: SHARED,
      format: 'http-stream',
      messageBytes: options.messageBytes,
      // With fewer streams than processes, the first ones have one each.
      parts: Math.min(SHARING, holds, clients.count),
      from: this.messages,
    });
    await run.oneByOne(FAN_OUTS, BETWEEN);
    this.messages += FAN_OUTS;
    return run;
  }
}
