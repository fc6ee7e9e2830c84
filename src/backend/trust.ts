/**
 * Whether a request comes from a proxy in front of this one that holds the upstream key (specification 12.3). A token
 * from the network decides nothing about how it is checked: the algorithm is that of our key.
 */
import { createPublicKey, createSecretKey } from 'node:crypto';
import { jwtVerify } from 'jose';
import type { KeyFormat } from '../protocol/key-format.js';
import { keyPairOf, type SignatureKey } from './signature.js';

/**
 * The key of `upstream_key`. Undefined, which trusts nobody, when there is none or when it is of a kind or size that
 * is not used for signatures. PEM may hold the private or the public key.
 */
export function verificationKeyOf(format: KeyFormat): SignatureKey | undefined {
  switch (format.kind) {
    case 'none':
      return undefined;
    case 'secret':
      return { algorithm: 'HS256', key: createSecretKey(format.bytes) };
    case 'pem':
      return keyPairOf(format.text, createPublicKey);
  }
}

/**
 * Checks the value of a `Grip-Sig` header; the issuer does not matter. Never throws.
 *
 * @param key - undefined trusts nobody
 * @param wallTime - milliseconds since the epoch
 */
export async function verifyGripSig(
  token: string,
  key: SignatureKey | undefined,
  wallTime: () => number,
): Promise<boolean> {
  if (key === undefined || token === '') return false;
  try {
    const { payload } = await jwtVerify(token, key.key, {
      algorithms: [key.algorithm],
      currentDate: new Date(wallTime()),
    });
    const { exp } = payload;
    // A token with an audience is meant for somebody in particular, and we have no name to compare it with.
    return exp !== undefined && Number.isSafeInteger(exp) && exp > 0 && !Object.hasOwn(payload, 'aud');
  } catch {
    return false;
  }
}
