/** Takes the answer of an origin, keeps what it is told, and stands no call out of turn. */
import type { AnswerReceiver, Failure } from '../../src/backend/verdict.js';
import type { HeaderList } from '../../src/protocol/headers.js';
import { Watch } from './deadline.js';

export class RecordingReceiver implements AnswerReceiver {
  first: { readonly code: number; readonly reason: string; readonly headers: HeaderList } | undefined = undefined;
  /** Bytes of the body so far. */
  size = 0;
  failure: Failure | undefined = undefined;
  ended = false;
  /** What it says to more bytes. */
  hungry = true;
  /** Calls the call off within the next piece; nothing is to be told afterwards. */
  leave: (() => void) | undefined = undefined;
  private left = false;
  /** Calls that came all the same. */
  late = 0;
  private readonly pieces: Buffer[] = [];
  private readonly watch = new Watch();

  head(code: number, reason: string, headers: HeaderList): void {
    if (this.first !== undefined || this.isOver) throw new Error('a head out of turn');
    this.first = { code, reason, headers };
  }

  data(piece: Buffer): boolean {
    if (this.first === undefined || this.isOver) throw new Error('a piece out of turn');
    if (this.left) this.late += 1;
    this.pieces.push(piece);
    this.size += piece.length;
    this.watch.changed();
    if (this.leave !== undefined) {
      this.left = true;
      this.leave();
    }
    return this.hungry;
  }

  end(): void {
    if (this.isOver) throw new Error('a second end');
    if (this.left) this.late += 1;
    this.ended = true;
    this.watch.changed();
  }

  failed(failure: Failure): void {
    if (this.isOver) throw new Error('a second end');
    if (this.left) this.late += 1;
    this.failure = failure;
    this.watch.changed();
  }

  /** `200`, each piece of the body, `end` or `failed`, in the order they came. */
  get told(): string[] {
    const head = this.first === undefined ? [] : [String(this.first.code)];
    const end = this.ended ? ['end'] : this.failure === undefined ? [] : ['failed'];
    return [...head, ...this.pieces.map(String), ...end];
  }

  /** As latin1. */
  get body(): string {
    return Buffer.concat(this.pieces).toString('latin1');
  }

  until(what: string, isTrue: () => boolean): Promise<void> {
    return this.watch.until(what, isTrue);
  }

  /** Resolves when the call has come to its end. */
  over(): Promise<void> {
    return this.until('the end of the call', () => this.isOver);
  }

  private get isOver(): boolean {
    return this.ended || this.failure !== undefined;
  }
}
