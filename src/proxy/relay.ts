/**
 * Passes an ordinary answer through to the client as it arrives (specification 3.6). A body of unknown length that is
 * there by the end of the current turn leaves as one answer with its length; otherwise it is streamed.
 *
 *     waiting ──end in the same turn──► answered whole
 *        └──turn over──► streaming ──► ended, or broken off
 */
import type { BodySink, BodySource } from '../backend/verdict.js';
import type { ClientExchange, ResponseHead } from '../hold/client-connection.js';

/** Bytes that are kept back within one turn at most. */
const MAX_KEPT = 65_536;

export class Relay implements BodySink {
  private kept: Buffer[] | undefined;
  private keptBytes = 0;
  private ended = false;
  /** Body bytes given to the client. */
  size = 0;

  /** @param over - called once: the answer has ended; false when it was broken off */
  constructor(
    private readonly exchange: ClientExchange,
    private readonly head: ResponseHead,
    length: number | undefined,
    private readonly source: BodySource,
    private readonly over: (complete: boolean) => void,
  ) {
    exchange.onDrain = () => source.resume();
    if (length === undefined && exchange.framing !== 'none') {
      this.kept = [];
      process.nextTick(openRelay, this);
    } else {
      exchange.begin(head, length);
    }
    source.pipe(this);
  }

  write(chunk: Buffer): boolean {
    this.size += chunk.length;
    if (this.kept === undefined) return this.exchange.write(chunk);
    this.kept.push(chunk);
    this.keptBytes += chunk.length;
    if (this.keptBytes > MAX_KEPT) this.open();
    return true;
  }

  end(): void {
    this.ended = true;
    if (this.kept === undefined) this.exchange.end();
    else this.exchange.answer({ ...this.head, body: Buffer.concat(this.kept) });
    this.kept = undefined;
    this.over(true);
  }

  fail(): void {
    this.ended = true;
    this.open();
    // A clean end would tell the client that it has everything; the original does that, and hangs on a known length.
    this.exchange.abort();
    this.over(false);
  }

  /** Begins the answer with what there is. */
  open(): void {
    const { kept } = this;
    if (kept === undefined) return;
    this.kept = undefined;
    this.exchange.begin(this.head, undefined);
    let room = true;
    for (const chunk of kept) room = this.exchange.write(chunk);
    if (room && !this.ended) this.source.resume();
  }
}

function openRelay(relay: Relay): void {
  relay.open();
}
