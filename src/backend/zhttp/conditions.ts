/** What the conditions of `error` packets mean for a request (specification 9.8). */
import type { Failure } from '../verdict.js';

export function failureOf(condition: string | undefined): Failure {
  switch (condition) {
    case 'remote-connection-failed':
      return { kind: 'connect', detail: 'refused' };
    case 'connection-timeout':
      return { kind: 'connect', detail: 'timed-out' };
    case 'tls-error':
      return { kind: 'connect', detail: 'tls' };
    case 'policy-violation':
      return { kind: 'blocked' };
    case 'length-required':
      return { kind: 'length-required' };
    case 'disconnected':
      return { kind: 'other', detail: 'the handler reported disconnected', disconnected: true };
    default:
      return { kind: 'other', detail: `the handler reported ${condition ?? 'an error'}` };
  }
}
