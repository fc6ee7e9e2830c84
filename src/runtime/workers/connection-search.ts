/** Looks for client connections in all workers at once (specification 8.3, `conncheck` and `refresh`). */
import type { Connections } from '../../control/commands.js';
import { Timed, type Wheel } from '../../time/wheel.js';
import type { MainMessage, WorkerMessage } from './messages.js';

/** Milliseconds that a worker may take to answer. */
const PATIENCE = 10_000;

/** A worker as the search sees it. */
export interface Searched {
  send(message: MainMessage): void;
}

class Search extends Timed {
  private readonly found: string[] = [];

  /** @param done - called once, with undefined when it took too long */
  constructor(
    readonly workers: Set<Searched>,
    private readonly wheel: Wheel,
    private readonly done: (found: readonly string[] | undefined) => void,
  ) {
    super();
    wheel.start(this, PATIENCE);
  }

  /** What this worker has. */
  answered(worker: Searched, ids: readonly string[]): void {
    if (!this.workers.delete(worker)) return;
    for (const id of ids) this.found.push(id);
    if (this.workers.size > 0) return;
    this.wheel.stop(this);
    this.done(this.found);
  }

  onTime(): void {
    this.workers.clear();
    this.done(undefined);
  }
}

export class ConnectionSearch implements Connections {
  private readonly searches = new Map<number, Search>();
  private lastId = 0;

  /** @param workers - those that serve */
  constructor(
    private readonly wheel: Wheel,
    private readonly workers: () => readonly Searched[],
  ) {}

  find(ids: readonly string[], refresh: boolean, done: (found: readonly string[] | undefined) => void): void {
    const workers = new Set(this.workers());
    if (workers.size === 0) {
      done([]);
      return;
    }
    this.lastId += 1;
    const id = this.lastId;
    this.searches.set(
      id,
      new Search(workers, this.wheel, (found) => {
        this.searches.delete(id);
        done(found);
      }),
    );
    for (const worker of workers) worker.send({ kind: 'find', id, ids, refresh });
  }

  found(worker: Searched, { id, ids }: Extract<WorkerMessage, { kind: 'found' }>): void {
    this.searches.get(id)?.answered(worker, ids);
  }

  /** A worker has gone, and its connections with it. */
  gone(worker: Searched): void {
    for (const search of [...this.searches.values()]) search.answered(worker, []);
  }
}
