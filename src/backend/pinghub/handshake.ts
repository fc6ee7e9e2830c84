/** Which handshakes Pinghub takes (pinghub specification 3, 3.1). */
import { getHeader, getHeaders, type HeaderList, hasHeader } from '../../protocol/headers.js';
import type { CompleteResponse } from '../../protocol/instruct.js';
import { reasonOf } from '../../protocol/status-reasons.js';

/** Bytes of a handshake's key. */
const KEY_BYTES = 16;
const SCHEME_AND_HOST = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:[^/?#@\\]*@)?([^/?#]*)/;

/** The status that a handshake is refused with; undefined: it is taken. */
export function refusalOf(
  { method, headers }: { readonly method: string; readonly headers: HeaderList },
  origin: string | undefined,
): number | undefined {
  if (method !== 'GET') return 405;
  if (!tokens(headers, 'sec-websocket-version').includes('13')) return 400;
  const refused = originRefusalOf({ headers }, origin);
  if (refused !== undefined) return refused;
  const key = getHeader(headers, 'sec-websocket-key') ?? '';
  return Buffer.from(key, 'base64').length === KEY_BYTES && /^[A-Za-z0-9+/]{22}==$/.test(key) ? undefined : 400;
}

/** The same for a client of SockJS, whose request is no handshake. */
export function originRefusalOf(
  { headers }: { readonly headers: HeaderList },
  origin: string | undefined,
): number | undefined {
  return origin === undefined || isAllowed(headers, origin) ? undefined : 403;
}

/** What a refused handshake is answered with. */
export function refusal(code: number): CompleteResponse {
  return {
    code,
    reason: reasonOf(code),
    headers: [
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['Sec-Websocket-Version', '13'],
      ['X-Content-Type-Options', 'nosniff'],
    ],
    body: Buffer.from(`${reasonOf(code)}\n`),
  };
}

/** Clients that are no browsers name no origin. Of several only the first counts. */
function isAllowed(headers: HeaderList, allowed: string): boolean {
  if (!hasHeader(headers, 'origin')) return true;
  const [named = ''] = getHeaders(headers, 'origin');
  if (named === allowed) return true;
  const [, scheme, host] = SCHEME_AND_HOST.exec(named) ?? [];
  const [, allowedScheme, allowedHost] = SCHEME_AND_HOST.exec(allowed) ?? [];
  return (
    scheme !== undefined &&
    scheme.toLowerCase() === allowedScheme?.toLowerCase() &&
    host?.toLowerCase() === allowedHost?.toLowerCase()
  );
}

function tokens(headers: HeaderList, name: string): string[] {
  return getHeaders(headers, name)
    .join(',')
    .split(',')
    .map((token) => token.trim());
}
