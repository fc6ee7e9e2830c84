/** The SockJS sessions over polling of one process, by their id (specification 13). Owned by `runtime`. */
import type { PollingSession } from './polling-session.js';

export class SockjsSessions {
  private readonly sessions = new Map<string, PollingSession>();

  /** @param limit - sessions at a time, those included that are only remembered for a while */
  constructor(private readonly limit: number) {}

  get size(): number {
    return this.sessions.size;
  }

  get full(): boolean {
    return this.sessions.size >= this.limit;
  }

  find(id: string): PollingSession | undefined {
    return this.sessions.get(id);
  }

  add(id: string, session: PollingSession): void {
    this.sessions.set(id, session);
  }

  /** Forgets a session, unless another one has got the id since. */
  remove(id: string, session: PollingSession): void {
    if (this.sessions.get(id) === session) this.sessions.delete(id);
  }
}
