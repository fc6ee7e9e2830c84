/**
 * `Grip-Sig`: the token that tells an origin that a request came through a proxy that holds the key (specification
 * 12.1). Owns the keys read so far and the tokens of the last second.
 */
import { createPrivateKey, createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SignJWT } from 'jose';
import { parseKey } from '../protocol/key-format.js';

/** Seconds a token is good for. */
const LIFETIME = 3_600;
/** Milliseconds for which one token is used again: signing costs more than everything else a small request needs. */
const REUSE = 1_000;
/** Bits below which RS256 is forbidden (RFC 7518 3.3). */
const MIN_RSA_BITS = 2_048;

type SignatureAlgorithm = 'HS256' | 'ES256' | 'RS256';

export interface SignerOptions {
  /** Text of a key file, by absolute path; may throw. */
  readonly readFile?: (path: string) => string;
  /** Told once for each key that cannot be signed with; the text never shows a secret. */
  readonly keyFailed?: (text: string) => void;
}

interface Token {
  readonly text: Promise<string>;
  readonly madeAt: number;
}

/** A key and the one algorithm it is used with, for signing or for checking. */
export interface SignatureKey {
  readonly algorithm: SignatureAlgorithm;
  readonly key: KeyObject;
}

export class Signer {
  private readonly tokens = new Map<string, Token>();
  /** By setting; undefined is remembered too, so that a broken file is read and reported once. */
  private readonly keys = new Map<string, SignatureKey | undefined>();
  /** Settings whose key was told of, because signing with it failed. */
  private readonly failed = new Set<string>();
  private readonly readFile: (path: string) => string;
  private readonly keyFailed: (text: string) => void;

  /** @param wallTime - milliseconds since the epoch */
  constructor(
    private readonly wallTime: () => number,
    { readFile = readText, keyFailed = () => {} }: SignerOptions = {},
  ) {
    this.readFile = readFile;
    this.keyFailed = keyFailed;
  }

  /**
   * A token of issuer `iss`, signed with `key` in one of the forms of `sig_key`: HS256 for secrets, ES256 or RS256 for
   * PEM files. Undefined when there is nothing to sign with.
   */
  token(iss: string, key: string): Promise<string> | undefined {
    if (iss === '' || key === '') return undefined;
    const now = this.wallTime();
    const cacheKey = `${iss.length}:${iss}${key}`;
    const known = this.tokens.get(cacheKey);
    if (known !== undefined && now - known.madeAt < REUSE && now >= known.madeAt) return known.text;
    const signing = this.keyOf(key);
    if (signing === undefined) return undefined;
    const text = new SignJWT({ exp: Math.floor(now / 1_000) + LIFETIME, iss })
      .setProtectedHeader({ typ: 'JWT', alg: signing.algorithm })
      .sign(signing.key);
    text.catch((error: unknown) => this.signingFailed(iss, key, error));
    this.tokens.set(cacheKey, { text, madeAt: now });
    return text;
  }

  /** Resolves when no token is being made any more. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.tokens.values()].map(({ text }) => text));
  }

  /** Reads key files anew when they are next needed: called when routes or settings are loaded again. */
  forgetKeys(): void {
    this.keys.clear();
    this.failed.clear();
    this.tokens.clear();
  }

  private keyOf(setting: string): SignatureKey | undefined {
    if (this.keys.has(setting)) return this.keys.get(setting);
    const signing = this.load(setting);
    // Only files can fail for a reason worth a line; other settings are secrets and must not be shown.
    if (signing === undefined && setting.startsWith('file:')) {
      this.keyFailed(`no key to sign with in ${setting}: requests to origins go without Grip-Sig`);
    }
    this.keys.set(setting, signing);
    return signing;
  }

  private signingFailed(iss: string, setting: string, error: unknown): void {
    if (this.failed.has(setting)) return;
    this.failed.add(setting);
    const key = setting.startsWith('file:') ? setting : `the key of issuer ${iss}`;
    this.keyFailed(`cannot sign with ${key}: ${String(error)}; requests to origins go without Grip-Sig`);
  }

  private load(setting: string): SignatureKey | undefined {
    const format = parseKey(setting, this.readFile);
    switch (format.kind) {
      case 'none':
        return undefined;
      case 'secret':
        return { algorithm: 'HS256', key: createSecretKey(format.bytes) };
      case 'pem':
        return keyPairOf(format.text, createPrivateKey);
    }
  }
}

/** The one algorithm a key pair is used with: ES256 for P-256, RS256 for RSA; undefined for every other kind. */
function keyPairAlgorithm(key: KeyObject): 'ES256' | 'RS256' | undefined {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec') return namedCurve === 'prime256v1' ? 'ES256' : undefined;
  return key.asymmetricKeyType === 'rsa' && modulusLength >= MIN_RSA_BITS ? 'RS256' : undefined;
}

/**
 * Half of a key pair, with its algorithm; undefined for what is no key, or none that is used for signatures.
 *
 * @param create - reads the half that is wanted; throws for what is no key
 */
export function keyPairOf(pem: string, create: (pem: string) => KeyObject): SignatureKey | undefined {
  let key: KeyObject;
  try {
    key = create(pem);
  } catch {
    return undefined;
  }
  const algorithm = keyPairAlgorithm(key);
  return algorithm === undefined ? undefined : { algorithm, key };
}

function readText(path: string): string {
  return readFileSync(path, 'utf8');
}
