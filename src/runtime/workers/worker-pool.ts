/**
 * The worker processes: started together, started again with growing pauses when one ends unasked, ended together.
 * Clients come to them by the kernel: all accept from the same listening sockets, which `node:cluster` hands round; who
 * has enough of them steps aside.
 *
 *     slot:  starting ──listening──► serving ──unasked end──► pausing ──► starting
 *            any ──close()──► closed
 */
import cluster from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type { Congestion } from '../../control/publish-door.js';
import { type CounterValues, pastOf, sumOf } from '../../observe/counters.js';
import type { Logger } from '../../observe/logger.js';
import type { ProcessReading, Reading } from '../../observe/reading.js';
import type { Cancellable, Clock } from '../../time/clock.js';
import type { MainMessage, StartMessage } from './messages.js';
import { SilentWorkers } from './silent-workers.js';
import { SlowWorkers } from './slow-workers.js';
import { Spread } from './spread.js';
import { type LinkParts, type Listening, WorkerLink } from './worker-link.js';

/** Milliseconds before a worker is started again; each further time in a row twice as long. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;
/** Milliseconds after which a worker counts as well, and the pauses begin anew. */
const WELL_AFTER = 10_000;
/** Milliseconds that a worker may take for an orderly end. */
const END_TIMEOUT = 5_000;
/** Bytes that may wait for one worker before publishers have to wait. */
const MAX_QUEUED = 16 * 1024 * 1024;

export interface PoolOptions {
  readonly count: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly link: LinkParts;
  /** What a worker is started with; asked for each one, because routes change. */
  readonly start: (number: number) => StartMessage;
}

interface Slot {
  readonly number: number;
  link: WorkerLink | undefined;
  /** Ends in a row. */
  failures: number;
  pause: Cancellable | undefined;
}

export class WorkerPool implements Congestion {
  private readonly slots: Slot[];
  private readonly slow: SlowWorkers;
  private readonly spread: Spread;
  private readonly silent: SilentWorkers;
  private opened = false;
  private closing = false;
  /** What ended workers had counted, without what they held at the time. */
  private past: CounterValues[] = [];
  /** Workers that were started again. */
  restarts = 0;

  constructor(private readonly options: PoolOptions) {
    this.slots = Array.from({ length: options.count }, (_, index) => ({
      number: index + 1,
      link: undefined,
      failures: 0,
      pause: undefined,
    }));
    this.slow = new SlowWorkers(options.clock, options.log, MAX_QUEUED);
    this.spread = new Spread(options.clock, options.log, () => this.allServing);
    this.silent = new SilentWorkers(options.clock, () => this.allServing);
    cluster.schedulingPolicy = cluster.SCHED_NONE;
    cluster.setupPrimary({
      exec: fileURLToPath(new URL('./worker-main.js', import.meta.url)),
      args: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
    });
  }

  /**
   * Starts all workers; resolves with what the first one says when every one of them listens.
   * @throws HoldfastError with what a worker says; those that run already are for `close` to end
   */
  async open(): Promise<Listening> {
    const [first, ...others] = this.slots;
    if (first === undefined) throw new RangeError('a pool has at least one worker');
    // With port 0 the first one's port is everybody's.
    const listening = await this.start(first);
    await Promise.all(others.map((slot) => this.start(slot)));
    this.opened = true;
    this.silent.start();
    return listening;
  }

  /** What all workers together have counted, those included that have ended. */
  get counters(): CounterValues {
    return sumOf([...this.past, ...this.links.map(({ counters }) => counters)]);
  }

  /** What the workers that serve have told of themselves last, by name. */
  get processReadings(): ReadonlyMap<string, ProcessReading> {
    const readings = new Map<string, ProcessReading>();
    for (const { number, link } of this.slots) {
      if (link?.serving === true && link.reading !== undefined) readings.set(nameOf(number), link.reading);
    }
    return readings;
  }

  get reading(): Reading['workers'] {
    const queuedBytes = new Map<string, number>();
    for (const { number, link } of this.slots) {
      if (link?.serving === true) queuedBytes.set(nameOf(number), link.queuedBytes);
    }
    const { restarts, slots, troubles } = this;
    return { configured: slots.length, serving: slots.length - troubles.length, restarts, queuedBytes };
  }

  /** One line for each worker that does not serve. */
  get troubles(): readonly string[] {
    const troubles: string[] = [];
    for (const { number, link } of this.slots) {
      if (link?.serving !== true) {
        troubles.push(`${nameOf(number)} does not serve`);
        continue;
      }
      const silence = this.silent.silenceOf(link);
      if (silence !== undefined) troubles.push(`${nameOf(number)} has said nothing for ${silence} seconds`);
    }
    return troubles;
  }

  get congested(): boolean {
    // Asked for each item: no list is made.
    for (const { link } of this.slots) if (link !== undefined && link.queuedBytes > MAX_QUEUED) return true;
    return false;
  }

  whenClear(run: () => void): void {
    const link = this.links.find(({ queuedBytes }) => queuedBytes > MAX_QUEUED);
    if (link === undefined) {
      run();
      return;
    }
    this.slow.watch(link);
    link.whenTaken(() => this.whenClear(run));
  }

  /** The worker with this number, counted from 0, if it serves. */
  serving(number: number): WorkerLink | undefined {
    const link = this.slots[number]?.link;
    return link?.serving === true ? link : undefined;
  }

  /** The workers that serve. */
  get allServing(): readonly WorkerLink[] {
    return this.links.filter(({ serving }) => serving);
  }

  broadcast(message: MainMessage): void {
    for (const link of this.links) link.send(message);
  }

  /** Ends all workers in order; those that take too long are ended all the same. */
  async close(): Promise<void> {
    this.closing = true;
    this.silent.stop();
    for (const { pause } of this.slots) pause?.cancel();
    const { links } = this;
    for (const link of links) link.send({ kind: 'close' });
    const timer = this.options.clock.after(END_TIMEOUT, () => {
      for (const link of this.links) link.kill();
    });
    await Promise.all(links.map((link) => link.whenEnded()));
    timer.cancel();
  }

  private get links(): WorkerLink[] {
    return this.slots.map(({ link }) => link).filter((link) => link !== undefined);
  }

  private async start(slot: Slot): Promise<Listening> {
    const { link: parts, start, clock } = this.options;
    // One that was started again may be one that keeps dying.
    const probation = this.opened ? WELL_AFTER : 0;
    const link = new WorkerLink(cluster.fork(), parts, clock, probation, () => this.lookAtClients());
    slot.link = link;
    const startedAt = clock.now();
    void link.whenEnded().then(({ pid, how }) => {
      slot.link = undefined;
      this.remember(link.counters);
      // One that has never been able to serve is an error of the start, not to be tried again.
      if (this.closing || !(this.opened || link.hasServed)) return;
      if (clock.now() - startedAt >= WELL_AFTER) slot.failures = 0;
      this.startAgain(slot, `worker ${slot.number} (pid ${pid}) ended with ${how}`);
    });
    return link.start(start(slot.number - 1));
  }

  private startAgain(slot: Slot, what: string): void {
    const { clock, log } = this.options;
    const pause = Math.min(FIRST_PAUSE * 2 ** slot.failures, LONGEST_PAUSE);
    slot.failures += 1;
    log.error(`${what}; its clients are gone, and another one starts in ${pause} ms`);
    slot.pause = clock.after(pause, () => {
      this.restarts += 1;
      this.start(slot).then(
        () => log.info(`worker ${slot.number} serves again (pid ${slot.link?.pid})`),
        (error: unknown) => {
          if (this.closing) return;
          const why = error instanceof Error ? error.message : String(error);
          // Where there is a process, its end is seen by itself.
          if (slot.link === undefined) this.startAgain(slot, `worker ${slot.number} cannot be started: ${why}`);
          else log.error(`worker ${slot.number} cannot serve: ${why}`);
        },
      );
    });
  }

  private lookAtClients(): void {
    if (!this.closing) this.spread.look();
  }

  /** What has happened stays counted, what was held does not. */
  private remember(counters: CounterValues): void {
    this.past = [sumOf([...this.past, pastOf(counters)])];
  }
}

function nameOf(worker: number): string {
  return `worker ${worker}`;
}
