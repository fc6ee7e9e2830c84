/**
 * Signs of life for the handlers of all sessions (specification 9.4): each hears of each of its sessions at least every
 * 45 seconds, by one packet for up to 128 of them where it takes that.
 */
import { encodeZhttpRequest, type ZhttpSessionId } from '../../protocol/zhttp.js';
import { Timed } from '../../time/wheel.js';
import { MAX_BATCH } from './packet-link.js';
import type { SessionHome, ZhttpSession } from './session.js';

/** Milliseconds between two looks, and those of silence after which a sign is sent: together below 45 seconds. */
const INTERVAL = 15_000;
const SILENCE = 29_000;

/** Sessions of one handler that are due. */
interface Batch {
  readonly spec: string;
  readonly peer: string;
  sessions: ZhttpSessionId[];
}

export class KeepAlives extends Timed {
  constructor(
    private readonly home: SessionHome,
    private readonly sessions: ReadonlyMap<string, ZhttpSession>,
  ) {
    super();
  }

  /** There are sessions. */
  start(): void {
    if (this.due === 0) this.home.wheel.start(this, INTERVAL);
  }

  /** There are none. */
  rest(): void {
    this.home.wheel.stop(this);
  }

  onTime(): void {
    const before = this.home.wheel.clock.now() - SILENCE;
    const batches = new Map<string, Batch>();
    for (const session of this.sessions.values()) {
      const { peer, spec, id, multi, saidAt } = session;
      if (peer === undefined || saidAt > before) continue;
      if (!multi) {
        session.keepAlive();
        continue;
      }
      const key = `${spec} ${peer}`;
      const batch = batches.get(key) ?? { spec, peer, sessions: [] };
      batches.set(key, batch);
      batch.sessions.push({ id, seq: session.nextSeq() });
      if (batch.sessions.length === MAX_BATCH) this.send(batch);
    }
    for (const batch of batches.values()) if (batch.sessions.length > 0) this.send(batch);
    if (this.sessions.size > 0) this.start();
  }

  private send(batch: Batch): void {
    const { spec, peer, sessions } = batch;
    batch.sessions = [];
    const { link, instanceId: from } = this.home;
    link.followAll(spec, peer, sessions, encodeZhttpRequest({ from, id: sessions, type: 'keep-alive' }));
  }
}
