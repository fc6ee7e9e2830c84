/** A judge between an origin that a test plays and a client that keeps what it gets. */
import { Judge, type JudgeOptions } from '../../src/backend/judge.js';
import type { AnswerCall, BodySink, Verdict } from '../../src/backend/verdict.js';
import type { HeaderList } from '../../src/protocol/headers.js';

/** Bytes of an instruct unless a test says otherwise. */
export const LIMIT = 100_000;

export class JudgedCall {
  readonly verdicts: Verdict[] = [];
  readonly calls: string[] = [];
  readonly judge: Judge;
  /** What the client says to more bytes. */
  hungry = true;

  constructor(options: Partial<JudgeOptions> = {}) {
    this.judge = new Judge({
      grip: true,
      maxInstructBytes: LIMIT,
      verdict: (verdict) => this.decided(verdict),
      ...options,
    });
    const call: AnswerCall = { cancel: () => this.calls.push('cancel'), resume: () => this.calls.push('resume') };
    this.judge.attach(call);
  }

  head(headers: HeaderList, code = 200): this {
    this.judge.head(code, 'OK', headers);
    return this;
  }

  data(text: string | Buffer): boolean {
    return this.judge.data(Buffer.from(text));
  }

  private decided(verdict: Verdict): void {
    this.verdicts.push(verdict);
    if (verdict.kind !== 'relay' && verdict.kind !== 'long-instruct') return;
    const sink: BodySink = {
      write: (chunk) => {
        this.calls.push(`write ${chunk}`);
        return this.hungry;
      },
      end: () => this.calls.push('end'),
      fail: () => this.calls.push('fail'),
    };
    verdict.body.pipe(sink);
  }
}
