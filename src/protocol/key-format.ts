/**
 * The grammar of the settings that hold a key: `sig_key`, `upstream_key` and the `sig_key` of a route (specification
 * 12.2). Says what a setting means; turning PEM into a usable key is left to the room that signs and verifies.
 */
import { isAbsolute, resolve } from 'node:path';
import { decodeBase64 } from './base64.js';

export type KeyFormat =
  | { readonly kind: 'none' }
  /** HS256; at least one byte. */
  | { readonly kind: 'secret'; readonly bytes: Buffer }
  /** Begins with `-----BEGIN`; whether there is a key in it is not known yet. */
  | { readonly kind: 'pem'; readonly text: string };

const NONE: KeyFormat = { kind: 'none' };
const BASE64 = 'base64:';
const FILE = 'file:';
const PEM_START = '-----BEGIN';
const HEX = /^(?:[0-9a-f]{2})+$/i;

/**
 * Reads a key setting. A file that cannot be read or understood is no key, as an empty setting is.
 *
 * @param setting - empty, `base64:DATA`, `file:PATH`, or the secret itself
 * @param readFile - the text of a file; may throw
 */
export function parseKey(setting: string, readFile: (path: string) => string): KeyFormat {
  if (setting.startsWith(BASE64)) return secret(decodeBase64(setting.slice(BASE64.length)));
  if (setting.startsWith(FILE)) return keyInFile(setting.slice(FILE.length), readFile);
  return secret(Buffer.from(setting, 'utf8'));
}

/**
 * The setting with an absolute path where it names a file; every other setting as it is.
 *
 * @param folder - where relative paths start: that of the settings file, or of the routes file
 */
export function withAbsoluteKeyFile(setting: string, folder: string): string {
  if (!setting.startsWith(FILE)) return setting;
  const path = setting.slice(FILE.length);
  return path === '' || isAbsolute(path) ? setting : FILE + resolve(folder, path);
}

function keyInFile(path: string, readFile: (path: string) => string): KeyFormat {
  let text: string;
  try {
    text = readFile(path).trim();
  } catch {
    return NONE;
  }
  if (text.startsWith(PEM_START)) return { kind: 'pem', text };
  return HEX.test(text) ? secret(Buffer.from(text, 'hex')) : NONE;
}

/** A secret of no bytes would let everybody sign, so it is none. */
function secret(bytes: Buffer): KeyFormat {
  return bytes.length === 0 ? NONE : { kind: 'secret', bytes };
}
