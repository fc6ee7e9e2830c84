/** Churn against a Holdfast for some time, watched from outside and from its probe. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Clients, Total } from '../clients.js';
import { micros } from '../clock.js';
import { cpuBetween, cpuSample } from '../measure/cpu-time.js';
import { descriptorCount, memoryUse } from '../measure/memory.js';
import { ProbeQuestions } from '../servers/probe-questions.js';
import type { Processes } from '../servers/processes.js';
import { holdfastSpec, type RunningServer } from '../servers/servers.js';
import { withServer } from '../with-server.js';
import type { Rest, Sample, SoakResult } from './criteria.js';

export interface SoakOptions {
  readonly seconds: number;
  /** Seconds between two samples. */
  readonly interval: number;
  readonly clients: number;
  readonly workers: number;
  /** Visits a second of all clients; undefined finds those that make the server half busy. */
  readonly visitsPerSecond: number | undefined;
  /** CPU of the server that is aimed at, in cores. */
  readonly busy: number;
}

const MESSAGE_BYTES = 100;
/** Seconds an idle connection to the origin is kept: the last one has to be gone before descriptors are counted. */
const ORIGIN_KEEP_ALIVE = 2;
/** Seconds the channels of answered polls stay: those are not what is looked for in the heap. */
const LINGER = 1;
/** Seconds of churn before the state without clients is looked at for the first time. */
const WARM_UP = 3;
/** Visits a second at first, while the pace is being found. */
const FIRST_PACE = 100;
/** Part of the run in which the pace may change. */
const PACING = 0.15;
/** Milliseconds until descriptors that stay count as lost. */
const REST_LIMIT = 20_000;
const REST_LOOK = 250;
/** Milliseconds until the last channel that lingers is gone. */
const LINGERED = 2_500;
/** Looks with the same number of descriptors after which it is the number at rest. */
const REST_LOOKS = 8;

export interface SoakProgress {
  sampled(sample: Sample, pace: number): void;
}

export async function soak(processes: Processes, options: SoakOptions, progress: SoakProgress): Promise<SoakResult> {
  const sets = [`proxy.origin_keep_alive=${ORIGIN_KEEP_ALIVE}`, `hold.subscription_linger=${LINGER}`];
  const spec = holdfastSpec({ workers: options.workers, probed: true, sets });
  return withServer(processes, spec, options.clients, (server, clients) =>
    new Soak(server, clients, options, progress).run(),
  );
}

class Soak {
  private readonly probe: ProbeQuestions;
  private pace: number;

  constructor(
    private readonly server: RunningServer,
    private readonly clients: Clients,
    private readonly options: SoakOptions,
    private readonly progress: SoakProgress,
  ) {
    this.probe = new ProbeQuestions(server.process);
    this.pace = options.visitsPerSecond ?? FIRST_PACE;
  }

  async run(): Promise<SoakResult> {
    const warm = await this.churn(WARM_UP, []);
    const before = await this.rest(undefined);
    const samples: Sample[] = [];
    const total = await this.churn(this.options.seconds, samples);
    const after = await this.rest(before.descriptors);
    return { samples, before, after, faults: faultsOf(warm, total), visits: visitsOf(total) };
  }

  /** Visits for `seconds`, until the last one has left. */
  private async churn(seconds: number, samples: Sample[]): Promise<Total> {
    const { clients, server, options } = this;
    const visitsPerSecond = this.pace / clients.count;
    await clients.start(server.ports, () => ({ kind: 'churn', visitsPerSecond, messageBytes: MESSAGE_BYTES }));
    const start = micros();
    const passed = (): number => (micros() - start) / 1e6;
    let cpu = cpuSample(server.pid);
    let cpuAt = micros();
    while (passed() < seconds) {
      await pause(Math.min(options.interval, Math.max(0, seconds - passed())) * 1_000);
      const now = cpuSample(server.pid);
      const busy = cpu && now ? cpuBetween(cpu, now).seconds / ((micros() - cpuAt) / 1e6) : undefined;
      [cpu, cpuAt] = [now, micros()];
      if (passed() < seconds * PACING) await this.setPace(busy);
      const sample = await this.sample(passed());
      samples.push(sample);
      this.progress.sampled(sample, this.pace);
    }
    return clients.all({ kind: 'stop' });
  }

  /** @param busy - cores the server has used since the last sample */
  private async setPace(busy: number | undefined): Promise<void> {
    const { options, clients } = this;
    if (options.visitsPerSecond !== undefined || busy === undefined || busy <= 0) return;
    this.pace *= Math.min(2, Math.max(0.5, options.busy / busy));
    await clients.all({ kind: 'change', change: { kind: 'pace', visitsPerSecond: this.pace / clients.count } });
  }

  private async sample(at: number): Promise<Sample> {
    const { pid } = this.server;
    const { pss, rss } = memoryUse(pid);
    const { heap } = await this.probe.ask({ kind: 'heap', collect: false });
    return { at, pss, rss, heap, descriptors: descriptorCount(pid) };
  }

  /** @param wanted - number of descriptors to wait for; undefined waits until it changes no more */
  private async rest(wanted: number | undefined): Promise<Rest> {
    const { pid } = this.server;
    await pause(LINGERED);
    const deadline = Date.now() + REST_LIMIT;
    let descriptors = descriptorCount(pid);
    for (let same = 0; same < REST_LOOKS && Date.now() < deadline; ) {
      if (wanted !== undefined && descriptors === wanted) break;
      await pause(REST_LOOK);
      const now = descriptorCount(pid);
      same = now === descriptors && wanted === undefined ? same + 1 : 0;
      descriptors = now;
    }
    const { heap, external } = await this.probe.ask({ kind: 'heap', collect: true });
    return { heap: heap + external, descriptors };
  }
}

const VISITS = 'visits: ';

function visitsOf(total: Total): number {
  return Object.entries(total.counts).reduce((sum, [name, count]) => sum + (name.startsWith(VISITS) ? count : 0), 0);
}

/** Everything that clients count besides visits is a fault. */
function faultsOf(...totals: readonly Total[]): Record<string, number> {
  const faults: Record<string, number> = {};
  for (const { counts } of totals) {
    for (const [name, count] of Object.entries(counts)) {
      if (count > 0 && !name.startsWith(VISITS) && name !== 'under way') faults[name] = (faults[name] ?? 0) + count;
    }
  }
  return faults;
}
