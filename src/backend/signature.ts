/** `Grip-Sig`: the token that tells an origin that a request came through a proxy that holds the key (specification 12.1). */
import { SignJWT } from 'jose';

/** Seconds a token is good for. */
const LIFETIME = 3_600;
/** Milliseconds for which one token is used again: signing costs more than everything else a small request needs. */
const REUSE = 1_000;

interface Token {
  readonly text: Promise<string>;
  readonly madeAt: number;
}

export class Signer {
  private readonly tokens = new Map<string, Token>();

  /** @param wallTime - milliseconds since the epoch */
  constructor(private readonly wallTime: () => number) {}

  /**
   * A token of issuer `iss`, signed HS256 with `key` in the form of `sig_key`: text, or `base64:` and bytes.
   * Undefined when there is nothing to sign with.
   */
  token(iss: string, key: string): Promise<string> | undefined {
    if (iss === '' || key === '') return undefined;
    const now = this.wallTime();
    const cacheKey = `${iss.length}:${iss}${key}`;
    const known = this.tokens.get(cacheKey);
    if (known !== undefined && now - known.madeAt < REUSE && now >= known.madeAt) return known.text;
    const text = new SignJWT({ exp: Math.floor(now / 1_000) + LIFETIME, iss })
      .setProtectedHeader({ typ: 'JWT', alg: 'HS256' })
      .sign(secretOf(key));
    this.tokens.set(cacheKey, { text, madeAt: now });
    return text;
  }
}

function secretOf(key: string): Uint8Array {
  return key.startsWith('base64:') ? Buffer.from(key.slice(7), 'base64') : Buffer.from(key, 'utf8');
}
