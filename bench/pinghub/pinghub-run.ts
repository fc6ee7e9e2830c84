/**
 * One server in one process, two crowds of WebSockets: one on a path of the built-in Pinghub, one on a channel of GRIP.
 * Rounds publish to one and to the other, so that what disturbs the machine, and what the engine has learned, is the same
 * for both. The crowd that opened first costs a few percent more for each message, whichever it is: a second server has them
 * the other way round.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { HoldsSpec, ServerPorts } from '../client/messages.js';
import { Clients } from '../clients.js';
import { Meter, type Stretch } from '../measure/meter.js';
import { FanOutRun } from '../scenarios/fan-out-run.js';
import { holdsShare } from '../scenarios/holds.js';
import { httpPublisher, type Publisher, pathPublisher } from '../scenarios/publisher.js';
import { endedOf, faultsOf } from '../scenarios/scenario.js';
import { startOrigin } from '../servers/origin-process.js';
import type { Processes } from '../servers/processes.js';
import { holdfastSpec, RunningServer } from '../servers/servers.js';

export interface PinghubOptions {
  /** WebSockets in each crowd. */
  readonly connections: number;
  /** For each of the two orders in which the crowds open. */
  readonly rounds: number;
  /** Of publishing to each crowd, in each round, half of it at a time. */
  readonly seconds: number;
  /** Messages that not everybody has. */
  readonly window: number;
  readonly messageBytes: number;
  /** Client processes for each crowd. */
  readonly clients: number;
  /** CPU seconds for each crowd. */
  readonly warmUp: number;
}

export type Way = 'pinghub' | 'grip';

export interface WayFigures {
  readonly deliveriesPerCpuSecond: number | undefined;
  readonly deliveriesPerSecond: number;
}

export interface Round {
  readonly pinghub: WayFigures;
  readonly grip: WayFigures;
}

export interface PinghubResult {
  readonly rounds: readonly Round[];
  readonly faults: Readonly<Record<string, number>>;
}

const PATH = '/pinghub/fan-out';
const CHANNEL = 'fan-out';
/** Milliseconds between two parts. */
const REST = 100;

const ORDERS: readonly (readonly [Way, Way])[] = [
  ['pinghub', 'grip'],
  ['grip', 'pinghub'],
];

export async function pinghubRun(processes: Processes, options: PinghubOptions): Promise<PinghubResult> {
  const rounds: Round[] = [];
  const faults: Record<string, number> = {};
  for (const order of ORDERS) {
    const part = await withServer(processes, order, options);
    rounds.push(...part.rounds);
    addTo(faults, part.faults);
  }
  return { rounds, faults };
}

async function withServer(
  processes: Processes,
  order: readonly [Way, Way],
  options: PinghubOptions,
): Promise<PinghubResult> {
  let server: RunningServer | undefined;
  try {
    const origin = await startOrigin(processes);
    const routes = ['*,path_beg=/pinghub/ pinghub', `* 127.0.0.1:${origin},over_http`];
    const moreArgs = routes.flatMap((route) => ['--route', route]);
    server = await RunningServer.start(processes, { ...holdfastSpec({ workers: 1 }), moreArgs }, origin);
    const crowds = new Map<Way, Crowd>();
    for (const way of order) crowds.set(way, await Crowd.gather(processes, server.ports, options, way));
    return await compare(crowds, order, new Meter(server.pid), options);
  } finally {
    await server?.stop();
    await processes.stopAll();
  }
}

async function compare(
  crowds: ReadonlyMap<Way, Crowd>,
  [a, b]: readonly [Way, Way],
  meter: Meter,
  { rounds, seconds, warmUp }: PinghubOptions,
): Promise<PinghubResult> {
  for (const crowd of crowds.values()) await crowd.warmUp(meter, warmUp);
  const done: Round[] = [];
  while (done.length < rounds) {
    const all: Record<Way, Delivered[]> = { pinghub: [], grip: [] };
    // A crowd that has just been published to is cheaper than one that comes after the other.
    for (const way of [a, b, b, a]) all[way].push(await crowdOf(crowds, way).stretch(meter, seconds / 2));
    done.push({ pinghub: figuresOf(all.pinghub), grip: figuresOf(all.grip) });
  }
  const faults: Record<string, number> = {};
  for (const crowd of crowds.values()) addTo(faults, await crowd.leave());
  return { rounds: done, faults };
}

function crowdOf(crowds: ReadonlyMap<Way, Crowd>, way: Way): Crowd {
  const crowd = crowds.get(way);
  if (crowd === undefined) throw new Error(`there is no crowd for ${way}`);
  return crowd;
}

function addTo(sums: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}

interface Delivered {
  readonly deliveries: number;
  readonly stretch: Stretch;
}

function figuresOf(all: readonly Delivered[]): WayFigures {
  const sum = (value: (one: Delivered) => number): number => all.reduce((total, one) => total + value(one), 0);
  const deliveries = sum((one) => one.deliveries);
  const cpu = sum(({ stretch }) => stretch.cpu ?? Number.NaN);
  return {
    deliveriesPerCpuSecond: cpu > 0 ? deliveries / cpu : undefined,
    deliveriesPerSecond: deliveries / sum(({ stretch }) => stretch.wall),
  };
}

/** Clients of one channel, and who publishes to it. */
class Crowd {
  private readonly faults: Record<string, number> = {};

  private constructor(
    private readonly clients: Clients,
    private readonly run: FanOutRun,
    private readonly publisher: Publisher,
    private readonly options: PinghubOptions,
  ) {}

  static async gather(processes: Processes, ports: ServerPorts, options: PinghubOptions, way: Way): Promise<Crowd> {
    const { connections, messageBytes } = options;
    const clients = new Clients(processes, options.clients);
    const holds: Omit<HoldsSpec, 'kind' | 'count' | 'inFlight'> = {
      transport: 'ws',
      channels: { prefix: CHANNEL, own: false },
      messageBytes,
      ...(way === 'pinghub' ? { path: PATH } : {}),
    };
    await clients.start(ports, (index, count) => holdsShare(connections, index, count, holds));
    const publisher = way === 'pinghub' ? pathPublisher(ports, PATH) : httpPublisher(ports);
    const run = new FanOutRun(clients, publisher, {
      channel: CHANNEL,
      format: 'ws-message',
      messageBytes,
      parts: clients.count,
      from: 0,
    });
    return new Crowd(clients, run, publisher, options);
  }

  async warmUp(meter: Meter, seconds: number): Promise<void> {
    await this.run.windowed(meter.warmUp(seconds), this.options.window);
    addTo(this.faults, faultsOf(await this.clients.all({ kind: 'mark' })));
  }

  /** Publishes for so long, and waits until everybody has everything. */
  async stretch(meter: Meter, seconds: number): Promise<Delivered> {
    const { run, clients, options } = this;
    await pause(REST);
    run.mark();
    const stretch = await meter.during(() => run.windowed(pause(seconds * 1_000), options.window));
    const total = await clients.all({ kind: 'mark' });
    const deliveries = total.count('deliveries');
    const lost = (run.published - run.refused) * options.connections - deliveries;
    addTo(this.faults, { ...(lost === 0 ? {} : { 'lost deliveries': lost }), ...faultsOf(total), ...endedOf(stretch) });
    return { deliveries, stretch };
  }

  /** @returns what went wrong since the start */
  async leave(): Promise<Record<string, number>> {
    this.publisher.close();
    await this.clients.all({ kind: 'stop' });
    addTo(this.faults, this.run.faults);
    return this.faults;
  }
}
