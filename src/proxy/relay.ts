/**
 * Passes an ordinary answer through to the client as it arrives (specification 3.6). A body of unknown length that is
 * there by the end of the current turn leaves as one answer with its length; otherwise it is streamed. One that is
 * wrapped on its way gets another length, which only the whole of it has: a short one is waited for.
 *
 *     waiting ──end in the same turn; end of a short one that is wrapped──► answered whole
 *        └──turn over, too much of it──► streaming ──► ended, or broken off
 */
import type { BodySink, BodySource } from '../backend/verdict.js';
import type { ClientExchange, ResponseHead } from '../hold/client-connection.js';

/** Bytes that are kept back at most. */
const MAX_KEPT = 65_536;

export class Relay implements BodySink {
  private kept: Buffer[] | undefined;
  private keptBytes = 0;
  private ended = false;
  /** Body bytes given to the client. */
  size = 0;

  /**
   * @param wrapped - the exchange makes another body of it
   * @param over - called once: the answer has ended; false when it was broken off
   */
  constructor(
    private readonly exchange: ClientExchange,
    private readonly head: ResponseHead,
    length: number | undefined,
    private readonly source: BodySource,
    wrapped: boolean,
    private readonly over: (complete: boolean) => void,
  ) {
    exchange.onDrain = () => source.resume();
    if ((length === undefined || wrapped) && exchange.framing !== 'none') {
      this.kept = [];
      if (length === undefined || length > MAX_KEPT) process.nextTick(openRelay, this);
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
