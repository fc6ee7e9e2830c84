/** A client's exchange inside of another one, which does something of its own with the answers. */
import type { BodyFraming, ClientExchange, ResponseHead } from '../hold/client-connection.js';
import type { CompleteResponse } from '../protocol/instruct.js';

/** Passes everything on. */
export abstract class OuterExchange implements ClientExchange {
  constructor(protected readonly inner: ClientExchange) {}

  get framing(): BodyFraming {
    return this.inner.framing;
  }

  get gone(): boolean {
    return this.inner.gone;
  }

  get queuedBytes(): number {
    return this.inner.queuedBytes;
  }

  get onGone(): (() => void) | undefined {
    return this.inner.onGone;
  }

  set onGone(listener: (() => void) | undefined) {
    this.inner.onGone = listener;
  }

  get onDrain(): (() => void) | undefined {
    return this.inner.onDrain;
  }

  set onDrain(listener: (() => void) | undefined) {
    this.inner.onDrain = listener;
  }

  abstract answer(response: CompleteResponse): void;
  abstract begin(head: ResponseHead, length: number | undefined): void;

  write(bytes: Buffer): boolean {
    return this.inner.write(bytes);
  }

  writeFramed(bytes: Buffer): boolean {
    return this.inner.writeFramed(bytes);
  }

  end(): void {
    this.inner.end();
  }

  abort(): void {
    this.inner.abort();
  }

  release(): void {
    this.inner.release();
  }
}
