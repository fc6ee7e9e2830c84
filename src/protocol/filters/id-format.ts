/**
 * Templates with directives, `%X` and `%(ARGUMENT)X` (specification 6.2), whole or as a stream of chunks. Finds the
 * directives and says where a template is wrong; what a directive stands for is the caller's affair.
 *
 *     text ──%──► percent ──X──► text              (%% is a percent sign)
 *                    └──(──► open ──► field ──)──► closed ──X──► text
 *                                     │  ▲
 *                                     \──► escape
 */
import { joinedBytes } from '../joined-bytes.js';

/** What a directive stands for, or why it stands for nothing; the position is added here. */
export type Substitution =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * @param directive - one character; U+FFFD for a byte that is not ASCII
 * @param argument - empty when there is none
 */
export type Substitute = (directive: string, argument: Buffer) => Substitution;

export type Rendering =
  | { readonly kind: 'rendered'; readonly content: Buffer }
  | { readonly kind: 'error'; readonly detail: string };

/** Longest argument in bytes. Without a limit a stream that never closes its field would be kept for ever. */
export const ARGUMENT_BYTES_MAX = 100_000;

const PERCENT = 0x25;
const OPEN = 0x28;
const CLOSE = 0x29;
const BACKSLASH = 0x5c;
const ASCII_END = 0x80;
const EMPTY = Buffer.alloc(0);

type State = 'text' | 'percent' | 'open' | 'field' | 'escape' | 'closed';

/** Renders a template that comes in chunks. Chunk ends mean nothing: positions count from the first byte of all. */
export class DirectiveScanner {
  private state: State = 'text';
  /** Position of the first byte of the chunk at hand. */
  private base = 0;
  /** Position of the byte that led into the state. */
  private entered = 0;
  private fieldStart = 0;
  private argument: Buffer[] = [];
  private argumentBytes = 0;
  private failure: Rendering | undefined = undefined;

  constructor(private readonly substitute: Substitute) {}

  /** The output of this chunk. After an error every further call gives the same error. */
  update(chunk: Buffer): Rendering {
    const output: Buffer[] = [];
    let at = 0;
    while (at < chunk.length && this.failure === undefined) at = this.step(chunk, at, output);
    this.base += chunk.length;
    return this.failure ?? { kind: 'rendered', content: joinedBytes(output) };
  }

  /** To be called at the end: a directive that is not complete by now is an error. */
  finish(): Rendering {
    switch (this.state) {
      case 'text':
        break;
      case 'percent':
        this.fail("Expected directive after '%'", this.entered);
        break;
      case 'open':
        this.fail("Expected character after '('", this.entered);
        break;
      case 'field':
        this.failUnterminated();
        break;
      case 'escape':
        this.fail("Expected character after '\\'", this.entered);
        break;
      case 'closed':
        this.fail("Expected directive after ')'", this.entered);
    }
    return this.failure ?? { kind: 'rendered', content: EMPTY };
  }

  /** Reads on from one byte, and gives back where to go on. */
  private step(chunk: Buffer, at: number, output: Buffer[]): number {
    const byte = chunk[at] ?? 0;
    switch (this.state) {
      case 'text': {
        const percent = chunk.indexOf(PERCENT, at);
        const end = percent < 0 ? chunk.length : percent;
        if (end > at) output.push(chunk.subarray(at, end));
        if (percent >= 0) this.enter('percent', end);
        return end + 1;
      }
      case 'percent':
        if (byte === PERCENT) {
          output.push(chunk.subarray(at, at + 1));
          this.state = 'text';
        } else if (byte === OPEN) {
          this.fieldStart = this.base + at;
          this.enter('open', at);
        } else this.direct(byte, at, output);
        return at + 1;
      case 'open':
      case 'field':
        return this.readField(chunk, at);
      case 'escape':
        this.keep(chunk.subarray(at, at + 1));
        return at + 1;
      case 'closed':
        this.direct(byte, at, output);
        return at + 1;
    }
  }

  private readField(chunk: Buffer, at: number): number {
    let end = at;
    while (end < chunk.length && chunk[end] !== CLOSE && chunk[end] !== BACKSLASH) end += 1;
    if (end > at) this.keep(chunk.subarray(at, end));
    if (end < chunk.length) this.enter(chunk[end] === CLOSE ? 'closed' : 'escape', end);
    return end + 1;
  }

  private keep(bytes: Buffer): void {
    this.state = 'field';
    this.argument.push(bytes);
    this.argumentBytes += bytes.length;
    if (this.argumentBytes > ARGUMENT_BYTES_MAX) this.failUnterminated();
  }

  private direct(byte: number, at: number, output: Buffer[]): void {
    const directive = byte < ASCII_END ? String.fromCharCode(byte) : '\ufffd';
    const substitution = this.substitute(directive, joinedBytes(this.argument));
    this.argument = [];
    this.argumentBytes = 0;
    this.state = 'text';
    if (substitution.kind === 'bytes') output.push(substitution.bytes);
    else this.fail(substitution.reason, this.base + at);
  }

  private enter(state: State, at: number): void {
    this.state = state;
    this.entered = this.base + at;
  }

  private failUnterminated(): void {
    this.fail('Unterminated field starting', this.fieldStart);
  }

  private fail(text: string, position: number): void {
    this.failure ??= { kind: 'error', detail: `${text} at position ${position}` };
    this.argument = [];
  }
}

/** Renders a template that is there as a whole. */
export function renderDirectives(content: Buffer, substitute: Substitute): Rendering {
  const scanner = new DirectiveScanner(substitute);
  const rendered = scanner.update(content);
  const end = scanner.finish();
  return end.kind === 'error' ? end : rendered;
}

/** The refusal of a directive that the template has no meaning for. */
export function unknownDirective(directive: string): Substitution {
  return { kind: 'refused', reason: `Unknown directive '${directive}'` };
}

/** `%(NAME)s` stands for a variable; there is no other directive (specification 6.2). */
export function variableSubstitute(variables: ReadonlyMap<string, string>): Substitute {
  return (directive, argument) => {
    if (directive !== 's') return unknownDirective(directive);
    if (argument.length === 0) return { kind: 'refused', reason: "Directive 's' requires argument" };
    const name = argument.toString('utf8');
    const value = variables.get(name);
    if (value === undefined) return { kind: 'refused', reason: `No such variable '${name}'` };
    return { kind: 'bytes', bytes: Buffer.from(value, 'utf8') };
  };
}
