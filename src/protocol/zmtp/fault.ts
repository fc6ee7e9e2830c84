/** How every part of the ZMTP codec refuses its peer. */
import { HoldfastError } from '../../errors/holdfast-error.js';

/** @param what - says what the peer did, fit to stand behind its address and a colon */
export function zmtpFault(what: string): HoldfastError {
  return new HoldfastError('HOLDFAST_ZMTP_INVALID', what);
}
