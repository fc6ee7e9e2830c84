/**
 * The one error class of Holdfast. Every failure a person can meet has a stable code from the catalogue, a sentence
 * that says what happened, and a hint that names the setting, file or line to change.
 */
import { type ErrorCode, hintOf } from './catalogue.js';

export class HoldfastError extends Error {
  readonly code: ErrorCode;
  /** What to do about it. */
  readonly hint: string;

  /**
   * @param code - entry of the catalogue
   * @param message - what happened, one sentence, naming setting, file and line where there are any
   * @param options - `hint` replaces the catalogue's; `cause` is the error underneath
   */
  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HoldfastError';
    this.code = code;
    this.hint = options.hint ?? hintOf(code);
  }
}
