/** The client processes as the driver sees them: one command to all, one report of all. */
import type { Command, Completed, FromClient, LoadSpec, Report, ServerPorts, ToClient } from './client/messages.js';
import { Histogram } from './histogram.js';
import type { Processes, RunningProcess } from './servers/processes.js';

const MODULE = new URL('./client/main.js', import.meta.url);

/** Milliseconds for a command that opens or closes connections. */
const PATIENCE = 180_000;

interface Waiting {
  readonly resolve: (report: Report) => void;
  readonly reject: (why: Error) => void;
}

/** What all clients counted together. */
export interface Total {
  count(name: string): number;
  /** Names and counts of everything. */
  readonly counts: Readonly<Record<string, number>>;
  /** Microseconds; undefined when nothing was timed. @param share - from 0 to 1 */
  latency(name: string, share: number): number | undefined;
}

class Client {
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;

  constructor(
    private readonly running: RunningProcess,
    completed: (messages: readonly Completed[]) => void,
  ) {
    running.child.on('message', (message) => {
      const from = message as FromClient;
      if (from.kind === 'completed') {
        completed(from.messages);
        return;
      }
      const waiting = this.waiting.get(from.id);
      this.waiting.delete(from.id);
      if (from.kind === 'reply') waiting?.resolve(from.report);
      else waiting?.reject(new Error(from.why));
    });
    running.child.on('exit', () => {
      for (const { reject } of this.waiting.values()) reject(new Error(`a client process ended: ${running.output}`));
    });
  }

  async ask(command: Command): Promise<Report> {
    this.asked += 1;
    const message: ToClient = { id: this.asked, command };
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Report>((resolve, reject) => {
        this.waiting.set(message.id, { resolve, reject });
        timer = setTimeout(() => reject(new Error(`a client process did not answer "${command.kind}"`)), PATIENCE);
        this.running.child.send(message);
      });
    } finally {
      clearTimeout(timer);
      this.waiting.delete(message.id);
    }
  }
}

export class Clients {
  private readonly clients: Client[];
  /** Called with each message of the shared channel that a client process has completely. */
  onCompleted: (messages: readonly Completed[]) => void = () => {};

  constructor(processes: Processes, count: number) {
    this.clients = Array.from(
      { length: count },
      () => new Client(processes.fork(MODULE), (messages) => this.onCompleted(messages)),
    );
  }

  get count(): number {
    return this.clients.length;
  }

  /** Starts a load. @param specOf - for each client process, and how many there are */
  start(ports: ServerPorts, specOf: (index: number, count: number) => LoadSpec): Promise<Total> {
    return this.all((index) => ({ kind: 'start', spec: specOf(index, this.count), ports, index }));
  }

  /** The same to all, or different by process. */
  async all(command: Command | ((index: number) => Command)): Promise<Total> {
    const reports = await Promise.all(
      this.clients.map((client, index) => client.ask(typeof command === 'function' ? command(index) : command)),
    );
    return totalOf(reports);
  }
}

/** The part of `total` that falls to one of `count`. */
export function shareOf(total: number, index: number, count: number): number {
  return Math.floor(total / count) + (index < total % count ? 1 : 0);
}

export function totalOf(reports: readonly Report[]): Total {
  const counts: Record<string, number> = {};
  const histograms = new Map<string, Histogram>();
  for (const report of reports) {
    for (const [name, count] of Object.entries(report.counts)) counts[name] = (counts[name] ?? 0) + count;
    for (const [name, entries] of Object.entries(report.latencies)) {
      const histogram = histograms.get(name) ?? new Histogram();
      histogram.addEntries(entries);
      histograms.set(name, histogram);
    }
  }
  return {
    counts,
    count: (name) => counts[name] ?? 0,
    latency: (name, share) => histograms.get(name)?.percentile(share),
  };
}
