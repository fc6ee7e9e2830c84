/** Which channel a path is (pinghub specification 2): its bytes without escapes, in clean form, valid Unicode, not too long. */
import { isUtf8 } from 'node:buffer';
import { cleanPath, percentDecoded } from '../../protocol/plain-path.js';

export type PathReading =
  /** Without escapes, one character for each byte. */
  | { readonly kind: 'path'; readonly bytes: string }
  /** It is not in clean form: the one that is, as a target. */
  | { readonly kind: 'redirect'; readonly clean: string }
  /** An escape that is none. */
  | { readonly kind: 'malformed' };

export type PathCheck =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'invalid'; readonly text: string };

/** Code points, the slash at the front included. */
const MAX_LENGTH = 256;
const NOT_UNICODE = 'Error: bad request. Path must be valid Unicode (UTF-8).';
const WRONG_LENGTH = 'Error: bad request. Path length must be 1-256 Unicode characters (UTF-8).';

const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
/** What stands for itself in the path of a URL (Go's net/url, which the original redirects with). */
const PLAIN = /[A-Za-z0-9\-_.~$&+,/:;=@]/;

/** @param encoded - path without the query, one character for each byte */
export function readPath(encoded: string): PathReading {
  if (BAD_ESCAPE.test(encoded)) return { kind: 'malformed' };
  const bytes = percentDecoded(encoded);
  const clean = cleanPath(bytes);
  return clean === bytes ? { kind: 'path', bytes } : { kind: 'redirect', clean: escapePath(clean) };
}

/** The channel's own part of its name. @param bytes - one character for each byte */
export function checkPath(bytes: string): PathCheck {
  const buffer = Buffer.from(bytes, 'latin1');
  if (!isUtf8(buffer)) return { kind: 'invalid', text: NOT_UNICODE };
  const path = buffer.toString();
  const length = [...path].length;
  return length >= 1 && length <= MAX_LENGTH ? { kind: 'path', path } : { kind: 'invalid', text: WRONG_LENGTH };
}

/** As a target. @param path - without escapes, one character for each byte */
export function escapePath(path: string): string {
  return Array.from(path, (one) =>
    PLAIN.test(one) ? one : `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}
