/** What went wrong on the way to an origin, in the terms of specification 3.8 and 9.7. */
import { isAddressBlocked } from './address-policy.js';
import type { ConnectTrouble, Failure } from './verdict.js';

type CodedError = Error & { readonly code?: string };

const LOST = 'ORIGIN_CONNECTION_LOST';

const SILENT = 'ORIGIN_SILENT';

const TIMED_OUT = new Set([SILENT, 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

const CLOSED = new Set([LOST, 'UND_ERR_SOCKET', 'ECONNRESET', 'ECONNABORTED', 'EPIPE']);

const CERTIFICATE_FAULTS = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'HOSTNAME_MISMATCH',
]);

/** Begins of the codes of TLS failures; a certificate of our own that cannot be used counts among them. */
const TLS_CODES = ['ERR_TLS', 'ERR_SSL', 'ERR_OSSL', 'CERT_', 'CRL_'];

/** The origin ended a connection, or has to be taken for gone. */
export class ConnectionLostError extends Error {
  readonly code = LOST;

  constructor(message: string) {
    super(message);
    this.name = 'ConnectionLostError';
  }
}

/** The origin said nothing for too long. */
export class OriginSilentError extends Error {
  readonly code = SILENT;

  constructor() {
    super('the origin was silent for too long');
    this.name = 'OriginSilentError';
  }
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/**
 * Whether the next target may be tried is told by the kind `connect`.
 *
 * @param secure - the connection was to be made with TLS
 * @param started - there was a connection, and the request was on its way: it may have been acted on
 */
export function failureOf(error: CodedError, secure: boolean, started: boolean): Failure {
  if (isAddressBlocked(error)) return { kind: 'blocked' };
  if (!started) {
    // Whoever hangs up in the middle of the handshake has refused it.
    const detail = secure && isClosed(error) ? 'tls' : connectTroubleOf(error);
    if (detail !== undefined) return { kind: 'connect', detail };
  }
  const failure = { kind: 'other', detail: error.message, disconnected: isClosed(error) } as const;
  return TIMED_OUT.has(error.code ?? '') ? { ...failure, timedOut: true } : failure;
}

/** Whether the connection was lost, by whatever way. */
export function isClosed(error: CodedError): boolean {
  return CLOSED.has(error.code ?? '');
}

function connectTroubleOf(error: CodedError): ConnectTrouble | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code = '' } = at as CodedError;
    if (code === 'ECONNREFUSED') return 'refused';
    if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'timed-out';
    if (code === 'ETIMEDOUT' && (at as NodeJS.ErrnoException).syscall === 'connect') return 'timed-out';
    if (isTlsCode(code)) return 'tls';
    if (!(at instanceof AggregateError)) continue;
    for (const one of at.errors) {
      const trouble = one instanceof Error ? connectTroubleOf(one) : undefined;
      if (trouble !== undefined) return trouble;
    }
  }
  return undefined;
}

function isTlsCode(code: string): boolean {
  return code === 'EPROTO' || CERTIFICATE_FAULTS.has(code) || TLS_CODES.some((begin) => code.startsWith(begin));
}
