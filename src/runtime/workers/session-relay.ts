/**
 * Requests of SockJS sessions between workers, as the main process passes them on: each worker asks, the owner of the
 * session serves.
 *
 *     worker 1: client ──elsewhere──► main ──serve──► worker 2: session
 *                      ◄──served─────      ◄──served──
 */
import type { MainMessage, WorkerMessage } from './messages.js';

/** A worker as the relay sees it. */
export interface RelayEnd {
  send(message: MainMessage): void;
}

interface Passed {
  readonly from: RelayEnd;
  readonly fromId: number;
  readonly to: RelayEnd;
}

export class SessionRelay {
  /** By the number that the owner knows it by. */
  private readonly passed = new Map<number, Passed>();
  /** The same numbers by who asked, and by its own number. */
  private readonly numbers = new Map<RelayEnd, Map<number, number>>();
  private lastId = 0;

  /** @param serving - the worker with this number, counted from 0; undefined while it does not serve */
  constructor(private readonly serving: (number: number) => RelayEnd | undefined) {}

  /** Requests that wait for their answer. */
  get size(): number {
    return this.passed.size;
  }

  ask(from: RelayEnd, { id, owner, request }: Extract<WorkerMessage, { kind: 'elsewhere' }>): void {
    const to = this.serving(owner);
    if (to === undefined) {
      from.send({ kind: 'served', id, response: undefined });
      return;
    }
    this.lastId += 1;
    this.passed.set(this.lastId, { from, fromId: id, to });
    const numbers = this.numbers.get(from) ?? new Map<number, number>();
    numbers.set(id, this.lastId);
    this.numbers.set(from, numbers);
    to.send({ kind: 'serve', id: this.lastId, request });
  }

  /** The client has gone. */
  left(from: RelayEnd, fromId: number): void {
    const id = this.numbers.get(from)?.get(fromId);
    const passed = id === undefined ? undefined : this.forget(id);
    if (id !== undefined) passed?.to.send({ kind: 'unserve', id });
  }

  served({ id, response }: Extract<WorkerMessage, { kind: 'served' }>): void {
    const passed = this.forget(id);
    if (passed === undefined) return;
    passed.from.send({ kind: 'served', id: passed.fromId, response });
  }

  /** A worker has gone: its sessions have, and its clients. */
  gone(worker: RelayEnd): void {
    for (const [id, { from, fromId, to }] of this.passed) {
      if (from !== worker && to !== worker) continue;
      this.forget(id);
      if (to === worker && from !== worker) from.send({ kind: 'served', id: fromId, response: undefined });
      else if (to !== worker) to.send({ kind: 'unserve', id });
    }
    this.numbers.delete(worker);
  }

  private forget(id: number): Passed | undefined {
    const passed = this.passed.get(id);
    if (passed === undefined) return undefined;
    this.passed.delete(id);
    this.numbers.get(passed.from)?.delete(passed.fromId);
    return passed;
  }
}
