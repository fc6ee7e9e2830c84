/** Where a client's request goes, as routes see it: scheme, host and encoded path (specification 2.5, 3.1). */
import type { ClientRequest } from '../front/client-request.js';
import { getHeader } from '../protocol/headers.js';

export interface RequestUri {
  readonly secure: boolean;
  /** `host[:port]` in lower case, as it goes on to the origin. */
  readonly authority: string;
  /** Host alone, in lower case, IPv6 without brackets. */
  readonly host: string;
  /** Encoded path, without the query. */
  readonly path: string;
  /** With its question mark, or empty. */
  readonly query: string;
  /** Path and query that the client has asked for, where an auth service has put others in their place. */
  readonly asked: { readonly path: string; readonly query: string } | undefined;
}

/** @param acceptForwardedProtocol - `X-Forwarded-Proto: https` counts as TLS */
export function requestUri(request: ClientRequest, acceptForwardedProtocol: boolean): RequestUri {
  let { target } = request;
  let authority = getHeader(request.headers, 'host') ?? 'localhost';
  // A target in absolute form names the host itself, and wins over the header (RFC 9112 3.2.2).
  const absolute = isAbsolute(target) ? /^[a-z]+:\/\/([^/?#]*)/i.exec(target) : null;
  if (absolute !== null) {
    authority = absolute[1] ?? authority;
    target = target.slice(absolute[0].length);
    if (!target.startsWith('/')) target = `/${target}`;
  }
  authority = authority.toLowerCase();
  const { askedFor } = request;
  const mark = target.indexOf('?');
  // One shape for all: every request has one of these.
  return {
    secure: request.secure || (acceptForwardedProtocol && isForwardedSecure(request)),
    authority,
    host: hostOf(authority),
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark),
    asked: askedFor === undefined ? undefined : ownPlace(askedFor),
  };
}

/** Path and query of a target, which may be in absolute form. */
function ownPlace(target: string): { readonly path: string; readonly query: string } {
  const rest = isAbsolute(target) ? target.replace(/^[a-z]+:\/\/[^/?#]*/i, '') : target;
  const own = rest.startsWith('/') || rest.startsWith('*') ? rest : `/${rest}`;
  const mark = own.indexOf('?');
  return mark < 0 ? { path: own, query: '' } : { path: own.slice(0, mark), query: own.slice(mark) };
}

/** Whether a target names the host itself; its scheme and its host have been checked (`front/parsed-request.ts`). */
export function isAbsolute(target: string): boolean {
  return !target.startsWith('/') && !target.startsWith('*');
}

/** The host of an authority, without port and without the brackets of an IPv6 address. */
function hostOf(authority: string): string {
  if (authority.startsWith('[')) {
    const end = authority.indexOf(']');
    return end < 0 ? authority : authority.slice(1, end);
  }
  const colon = authority.indexOf(':');
  return colon < 0 ? authority : authority.slice(0, colon);
}

function isForwardedSecure({ headers }: ClientRequest): boolean {
  const value = getHeader(headers, 'x-forwarded-proto') || getHeader(headers, 'x-forwarded-protocol');
  return value === 'https' || value === 'wss';
}
