/** An origin's answer, read to its end before anybody looks at it. */
import type { HeaderList } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { joinedBytes } from '../protocol/joined-bytes.js';
import type { AnswerCall, AnswerReceiver, Failure } from './verdict.js';

export type WholeResult =
  | { readonly kind: 'response'; readonly response: CompleteResponse }
  | { readonly kind: 'failed'; readonly failure: Failure };

export class WholeAnswer implements AnswerReceiver {
  private code = 0;
  private reason = '';
  private headers: HeaderList = [];
  private chunks: Buffer[] = [];
  private size = 0;
  private call: AnswerCall | undefined = undefined;
  private over = false;

  /**
   * @param limit - bytes of the body; more is a failure
   * @param done - called once
   */
  constructor(
    private readonly limit: number,
    private readonly done: (result: WholeResult) => void,
  ) {}

  attach(call: AnswerCall): void {
    this.call = call;
  }

  head(code: number, reason: string, headers: HeaderList): void {
    this.code = code;
    this.reason = reason;
    this.headers = headers;
  }

  data(chunk: Buffer): boolean {
    if (this.over) return true;
    this.size += chunk.length;
    if (this.size > this.limit) {
      this.finish({ kind: 'failed', failure: { kind: 'other', detail: `the answer exceeds ${this.limit} bytes` } });
      this.call?.cancel();
      return true;
    }
    this.chunks.push(chunk);
    return true;
  }

  end(): void {
    const { code, reason, headers, chunks } = this;
    this.finish({ kind: 'response', response: { code, reason, headers, body: joinedBytes(chunks) } });
  }

  failed(failure: Failure): void {
    this.finish({ kind: 'failed', failure });
  }

  private finish(result: WholeResult): void {
    if (this.over) return;
    this.over = true;
    this.chunks = [];
    this.done(result);
  }
}
