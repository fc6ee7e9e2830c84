/**
 * Requests that several clients share: the origin is asked once, and everybody gets the answer (specification 3.12).
 *
 *     asked ──head──► answering ──more than is kept──► closed to newcomers ──end, failure──► over
 *       └── newcomers join; who comes late gets what is kept first ──┘
 *
 * The origin is slowed down to the slowest sharer. Who cancels leaves; the last one to leave calls the request off.
 */
import type { AnswerCall, AnswerReceiver, Failure } from '../backend/verdict.js';
import type { HeaderList } from '../protocol/headers.js';

/** Bytes of an answer that are kept for newcomers, and of a request body that can be shared. */
export const SHARED_BYTES_MAX = 100_000;

/** One client's part of a shared request. */
export interface SharedCall extends AnswerCall {
  /** The number of the answer, once a second client has asked for it. */
  readonly sharedAs: number | undefined;
}

export class SharedRequests {
  /** By the object within which keys are compared: requests of different routes are never one. */
  private readonly scopes = new WeakMap<object, Map<string, SharedAnswer>>();
  private count = 0;

  /**
   * Joins the request under way with this key, or begins one.
   *
   * @param begin - sends the request; what it is given takes the answer
   */
  join(
    scope: object,
    key: string,
    receiver: AnswerReceiver,
    begin: (answer: AnswerReceiver, sharedAs: () => number | undefined) => AnswerCall,
  ): SharedCall {
    const answers = this.answersOf(scope);
    const known = answers.get(key);
    if (known !== undefined) return known.join(receiver);
    this.count += 1;
    const answer = new SharedAnswer(this.count, () => {
      if (answers.get(key) === answer) answers.delete(key);
    });
    answers.set(key, answer);
    const sharer = answer.join(receiver);
    answer.attach(begin(answer, () => answer.sharedAs));
    return sharer;
  }

  private answersOf(scope: object): Map<string, SharedAnswer> {
    let answers = this.scopes.get(scope);
    if (answers === undefined) {
      answers = new Map();
      this.scopes.set(scope, answers);
    }
    return answers;
  }
}

interface Head {
  readonly code: number;
  readonly reason: string;
  readonly headers: HeaderList;
}

/** How an answer ended. */
type Ending = 'end' | Failure;

class SharedAnswer implements AnswerReceiver {
  private readonly sharers = new Set<Sharer>();
  private call: AnswerCall | undefined = undefined;
  private joined = 0;
  private given: Head | undefined = undefined;
  private kept: Buffer[] = [];
  private size = 0;
  private over = false;

  /** @param close - called when nobody may join any more; may be called again */
  constructor(
    private readonly number: number,
    private readonly close: () => void,
  ) {}

  get sharedAs(): number | undefined {
    return this.joined > 1 ? this.number : undefined;
  }

  attach(call: AnswerCall): void {
    this.call = call;
  }

  join(receiver: AnswerReceiver): Sharer {
    this.joined += 1;
    const { given } = this;
    const sharer = new Sharer(
      this,
      receiver,
      given === undefined ? undefined : { head: given, chunks: [...this.kept] },
    );
    this.sharers.add(sharer);
    return sharer;
  }

  leave(sharer: Sharer): void {
    if (!this.sharers.delete(sharer) || this.over) return;
    if (this.sharers.size > 0) {
      this.resume();
      return;
    }
    this.over = true;
    this.close();
    this.call?.cancel();
  }

  /** Lets the origin go on when nobody has to wait. */
  resume(): void {
    for (const { paused } of this.sharers) if (paused) return;
    if (!this.over) this.call?.resume();
  }

  head(code: number, reason: string, headers: HeaderList): void {
    this.given = { code, reason, headers };
    // A copy of the set: a receiver may leave, or make another client join.
    for (const sharer of [...this.sharers]) sharer.takeHead(this.given);
  }

  data(chunk: Buffer): boolean {
    this.size += chunk.length;
    if (this.size <= SHARED_BYTES_MAX) this.kept.push(chunk);
    else this.closeToNewcomers();
    for (const sharer of [...this.sharers]) sharer.takeData(chunk);
    for (const { paused } of this.sharers) if (paused) return false;
    return true;
  }

  end(): void {
    this.finish('end');
  }

  failed(failure: Failure): void {
    this.finish(failure);
  }

  private finish(ending: Ending): void {
    this.over = true;
    this.closeToNewcomers();
    for (const sharer of [...this.sharers]) sharer.takeEnding(ending);
  }

  private closeToNewcomers(): void {
    this.close();
    this.kept = [];
  }
}

/** What one client has not taken yet: because it came late, or because it asked for a pause. */
interface Backlog {
  readonly head?: Head;
  readonly chunks: Buffer[];
}

class Sharer implements SharedCall {
  /** It asked for a pause. */
  paused = false;
  private gone = false;
  private ending: Ending | undefined = undefined;

  constructor(
    private readonly answer: SharedAnswer,
    private readonly receiver: AnswerReceiver,
    private backlog: Backlog | undefined,
  ) {
    if (backlog !== undefined) queueMicrotask(() => this.catchUp());
  }

  get sharedAs(): number | undefined {
    return this.answer.sharedAs;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.catchUp();
    this.answer.resume();
  }

  cancel(): void {
    if (this.gone) return;
    this.gone = true;
    this.backlog = undefined;
    this.paused = false;
    this.answer.leave(this);
  }

  takeHead(head: Head): void {
    if (!this.gone) this.receiver.head(head.code, head.reason, head.headers);
  }

  takeData(chunk: Buffer): void {
    if (this.gone) return;
    if (this.backlog !== undefined) this.backlog.chunks.push(chunk);
    else if (!this.receiver.data(chunk)) this.pause([]);
  }

  takeEnding(ending: Ending): void {
    if (this.gone) return;
    if (this.backlog !== undefined) {
      this.ending = ending;
      return;
    }
    this.gone = true;
    this.answer.leave(this);
    if (ending === 'end') this.receiver.end();
    else this.receiver.failed(ending);
  }

  private catchUp(): void {
    const { backlog } = this;
    if (backlog === undefined || this.paused) return;
    this.backlog = { chunks: backlog.chunks };
    if (backlog.head !== undefined) this.takeHead(backlog.head);
    for (let chunk = backlog.chunks.shift(); chunk !== undefined && !this.gone; chunk = backlog.chunks.shift()) {
      if (this.receiver.data(chunk)) continue;
      this.pause(backlog.chunks);
      return;
    }
    this.backlog = undefined;
    if (this.ending !== undefined) this.takeEnding(this.ending);
  }

  private pause(chunks: Buffer[]): void {
    if (this.gone) return;
    this.paused = true;
    this.backlog = { chunks };
  }
}
