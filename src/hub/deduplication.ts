/** Remembers (channel, id) pairs for a while, so that an item that is published twice goes out once (specification 5.6, 1). */

/** Pairs remembered at most; beyond it the oldest are forgotten early. */
const MAX_REMEMBERED = 1_000_000;

export class Deduplication {
  /** Key to the clock milliseconds it is forgotten at; the time to live is constant, so insertion order is expiry order. */
  private readonly seen = new Map<string, number>();

  /** @param ttl - milliseconds, counted from the first sight and not renewed; 0 turns it off */
  constructor(private readonly ttl: number) {}

  get size(): number {
    return this.seen.size;
  }

  /** True when this pair was seen before and is not forgotten; remembers it otherwise. */
  isDuplicate(channel: string, id: string, now: number): boolean {
    if (this.ttl <= 0) return false;
    // The length makes the pair unambiguous whatever bytes the two contain.
    const key = `${channel.length}:${channel}${id}`;
    const expiry = this.seen.get(key);
    if (expiry !== undefined) {
      if (expiry > now) return true;
      this.seen.delete(key);
    }
    if (this.seen.size >= MAX_REMEMBERED) this.forgetOldest();
    this.seen.set(key, now + this.ttl);
    return false;
  }

  /** Forgets what is past its time. */
  expire(now: number): void {
    for (const [key, expiry] of this.seen) {
      if (expiry > now) return;
      this.seen.delete(key);
    }
  }

  private forgetOldest(): void {
    for (const key of this.seen.keys()) {
      this.seen.delete(key);
      return;
    }
  }
}
