/** Catches the error a call must throw, so that tests can look at its code and sentence. */
import { HoldfastError } from '../../src/errors/holdfast-error.js';

export function thrown(call: () => unknown): HoldfastError {
  try {
    call();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** Runs the call; an error other than HoldfastError fails the test. */
export function survives(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
  }
}
