/** The answer of a ZeroMQ handler, put together for the worker that asked: such answers are whole, and small. */
import type { AnswerReceiver, Failure } from '../../backend/verdict.js';
import type { HeaderList } from '../../protocol/headers.js';
import type { CompleteResponse } from '../../protocol/instruct.js';

export type HandlerResult =
  | { readonly kind: 'answer'; readonly response: CompleteResponse }
  | { readonly kind: 'no-answer'; readonly failure: Failure };

export class HandlerAnswer implements AnswerReceiver {
  private code = 0;
  private reason = '';
  private headers: HeaderList = [];
  private readonly chunks: Buffer[] = [];

  /** @param done - called once */
  constructor(private readonly done: (result: HandlerResult) => void) {}

  head(code: number, reason: string, headers: HeaderList): void {
    this.code = code;
    this.reason = reason;
    this.headers = headers;
  }

  data(chunk: Buffer): boolean {
    this.chunks.push(chunk);
    return true;
  }

  end(): void {
    const { code, reason, headers, chunks } = this;
    this.done({ kind: 'answer', response: { code, reason, headers, body: Buffer.concat(chunks) } });
  }

  failed(failure: Failure): void {
    this.done({ kind: 'no-answer', failure });
  }
}
