/**
 * Looks at an origin's answer as it arrives and says what it is. An ordinary answer goes through unbuffered; a GRIP
 * answer is read whole before the client gets anything (specification 3.6, 3.7).
 *
 *     waiting ──plain head──► relaying ──end──► over
 *        └──GRIP head──► collecting ──end──► verdict 'instruct'
 *                            ├──more than the limit, stream hold──► relaying ──end──► over
 *                            └──more than the limit──► verdict 'failed'
 */
import { HoldfastError } from '../errors/holdfast-error.js';
import {
  getHeader,
  type HeaderList,
  parseFirstPlain,
  parseFirstPlainSequence,
  splitHeaderLists,
  withoutHeaders,
} from '../protocol/headers.js';
import { type CompleteResponse, isGripResponse, parseInstruct } from '../protocol/instruct.js';
import { joinedBytes } from '../protocol/joined-bytes.js';
import type { AnswerCall, AnswerReceiver, BodySink, BodySource, Call, Failure, Verdict } from './verdict.js';

const NOTHING = Buffer.alloc(0);

/** Hop-by-hop headers that never reach a client. Lower case. */
const HOP_HEADERS = new Set(['connection', 'keep-alive', 'content-encoding', 'transfer-encoding']);

export interface JudgeOptions {
  /** False: the answer is passed through whatever its headers say. */
  readonly grip: boolean;
  /** Bytes of a GRIP answer's body. */
  readonly maxInstructBytes: number;
  readonly verdict: (verdict: Verdict) => void;
}

type State = 'waiting' | 'relaying' | 'collecting' | 'over';

export class Judge implements AnswerReceiver, BodySource, Call {
  private state: State = 'waiting';
  private call: AnswerCall | undefined = undefined;
  private sink: BodySink | undefined = undefined;
  private code = 0;
  private reason = '';
  private headers: HeaderList = [];
  private chunks: Buffer[] = [];
  private size = 0;
  /** Whether the sink takes more after the chunks it was given at first. */
  private room = true;

  constructor(private readonly options: JudgeOptions) {}

  /** The call whose answer is judged; set right after it was sent. */
  attach(call: AnswerCall): void {
    this.call = call;
  }

  head(code: number, reason: string, headers: HeaderList): void {
    if (this.state !== 'waiting') return;
    const { grip, verdict } = this.options;
    if (grip && isGripResponse(headers)) {
      this.state = 'collecting';
      this.code = code;
      this.reason = reason;
      this.headers = headers;
      return;
    }
    this.state = 'relaying';
    const length = contentLength(headers);
    verdict({ kind: 'relay', code, reason, headers: withoutHeaders(headers, HOP_HEADERS), length, body: this });
  }

  data(chunk: Buffer): boolean {
    if (this.state === 'relaying') return this.sink?.write(chunk) ?? true;
    if (this.state !== 'collecting') return true;
    this.size += chunk.length;
    this.chunks.push(chunk);
    return this.size <= this.options.maxInstructBytes || this.overflow();
  }

  end(): void {
    const { state } = this;
    this.state = 'over';
    if (state === 'relaying') this.sink?.end();
    else if (state === 'collecting') this.options.verdict(this.judge());
  }

  failed(failure: Failure): void {
    const { state } = this;
    this.state = 'over';
    if (state === 'relaying') this.sink?.fail();
    else if (state === 'waiting') this.options.verdict({ kind: 'failed', failure });
    else if (state === 'collecting') {
      this.options.verdict({ kind: 'failed', failure: { kind: 'other', detail: 'the answer broke off' } });
    }
  }

  pipe(sink: BodySink): void {
    this.sink = sink;
    const { chunks } = this;
    this.chunks = [];
    for (const chunk of chunks) this.room = sink.write(chunk);
  }

  resume(): void {
    this.call?.resume();
  }

  cancel(): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.chunks = [];
    this.call?.cancel();
  }

  /** The body is longer than a GRIP answer may be; returns whether more of it may come now. */
  private overflow(): boolean {
    const { code, reason, headers } = this;
    if (mayStreamFirst(headers)) {
      const verdict = judgeComplete({ code, reason, headers, body: NOTHING });
      if (verdict.kind === 'instruct') {
        this.state = 'relaying';
        this.options.verdict({ kind: 'long-instruct', instruct: verdict.instruct, body: this });
        return this.room;
      }
    }
    this.cancel();
    this.options.verdict({ kind: 'failed', failure: { kind: 'instruct-too-large' } });
    return true;
  }

  private judge(): Verdict {
    const body = joinedBytes(this.chunks);
    return judgeComplete({ code: this.code, reason: this.reason, headers: this.headers, body });
  }
}

/** The verdict on a GRIP answer that is there as a whole. */
export function judgeComplete(response: CompleteResponse): Verdict {
  try {
    return { kind: 'instruct', instruct: parseInstruct(response) };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { kind: 'failed', failure: { kind: 'instruct-invalid', detail: error.message } };
  }
}

/** Whether the body may reach the client before the hold is made (specification 3.7). */
function mayStreamFirst(headers: HeaderList): boolean {
  const hold = getHeader(headers, 'grip-hold');
  const goesOn =
    hold === undefined
      ? splitHeaderLists(headers, 'grip-link').some((link) => parseFirstPlain(link)?.parameters.get('rel') === 'next')
      : hold === 'stream';
  if (!goesOn) return false;
  // Its filter has to see the whole body.
  return !splitHeaderLists(headers, 'grip-channel').some((channel) =>
    parseFirstPlainSequence(channel)?.parameters.some(
      ([name, value]) => name.toLowerCase() === 'filter' && value === 'build-id',
    ),
  );
}

function contentLength(headers: HeaderList): number | undefined {
  const text = getHeader(headers, 'content-length');
  if (text === undefined || getHeader(headers, 'transfer-encoding') !== undefined) return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
