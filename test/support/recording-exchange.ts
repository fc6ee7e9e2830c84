/** A client's connection that keeps what a hold does to it. The test says how full it is and when the client goes. */
import type { BodyFraming, ClientExchange, ResponseHead } from '../../src/hold/client-connection.js';
import type { CompleteResponse } from '../../src/protocol/instruct.js';

export class RecordingExchange implements ClientExchange {
  gone = false;
  onGone: (() => void) | undefined = undefined;
  onDrain: (() => void) | undefined = undefined;
  queuedBytes = 0;
  readonly answers: CompleteResponse[] = [];
  /** Everything else in the order it was called: `end`, `abort`, `release`, `begin CODE`, or the bytes as text. */
  readonly calls: string[] = [];

  constructor(readonly framing: BodyFraming = 'chunked') {}

  answer(response: CompleteResponse): void {
    this.answers.push(response);
  }

  begin(head: ResponseHead): void {
    this.calls.push(`begin ${head.code}`);
  }

  write(bytes: Buffer): boolean {
    this.calls.push(`unframed ${bytes}`);
    return true;
  }

  writeFramed(bytes: Buffer): boolean {
    this.calls.push(bytes.toString());
    return true;
  }

  end(): void {
    this.calls.push('end');
  }

  abort(): void {
    this.calls.push('abort');
  }

  release(): void {
    this.calls.push('release');
  }

  /** The client goes. */
  leave(): void {
    this.gone = true;
    this.onGone?.();
  }
}
