/** What a failure to get an answer counts as. */
import type { OriginResult } from '../observe/counters.js';
import type { ConnectTrouble, Failure } from './verdict.js';

type FailedResult = Exclude<OriginResult, `${number}xx`>;

const CONNECT_RESULTS: Readonly<Record<ConnectTrouble, FailedResult>> = {
  refused: 'refused',
  'timed-out': 'connect-timeout',
  tls: 'tls',
};

export function resultOf(failure: Failure): FailedResult {
  switch (failure.kind) {
    case 'connect':
      return failure.detail === undefined ? 'other' : CONNECT_RESULTS[failure.detail];
    case 'blocked':
    case 'length-required':
      return 'blocked';
    case 'unreachable':
      return failure.timedOut === true ? 'timeout' : 'unreachable';
    case 'other':
      if (failure.timedOut === true) return 'timeout';
      return failure.disconnected === true ? 'broken' : 'other';
    default:
      return 'other';
  }
}
