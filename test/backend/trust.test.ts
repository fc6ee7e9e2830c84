import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Signer } from '../../src/backend/signature.js';
import { verificationKeyOf, verifyGripSig } from '../../src/backend/trust.js';
import type { KeyFormat } from '../../src/protocol/key-format.js';

const NOW = 1_795_214_840_250;
const SECOND = Math.floor(NOW / 1_000);
const wallTime = () => NOW;

const SECRET: KeyFormat = { kind: 'secret', bytes: Buffer.from('changeme') };
const NO_KEY: KeyFormat = { kind: 'none' };
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const RSA = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const SHORT_RSA = generateKeyPairSync('rsa', { modulusLength: 1_024 });
const P384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const RSA_PSS = generateKeyPairSync('rsa-pss', { modulusLength: 2_048 });
const ED25519 = generateKeyPairSync('ed25519');

function privatePem(key: KeyObject): KeyFormat & { kind: 'pem' } {
  return { kind: 'pem', text: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function publicPem(key: KeyObject): KeyFormat & { kind: 'pem' } {
  return { kind: 'pem', text: key.export({ type: 'spki', format: 'pem' }).toString() };
}

type SignText = (text: string) => Buffer;

/** A token with any header and claims, signed in any way: what an attacker could send. */
function tokenOf(header: unknown, claims: unknown, signText: SignText): string {
  const part = (value: unknown): string =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${signText(text).toString('base64url')}`;
}

function hmac(secret: string | Buffer, hash = 'sha256'): SignText {
  return (text) => createHmac(hash, secret).update(text).digest();
}

const es256: SignText = (text) => sign('sha256', Buffer.from(text), { key: EC.privateKey, dsaEncoding: 'ieee-p1363' });
const rs256: SignText = (text) => sign('sha256', Buffer.from(text), RSA.privateKey);

/** A good HS256 token but for its claims. */
function claiming(claims: unknown): string {
  return tokenOf({ typ: 'JWT', alg: 'HS256' }, claims, hmac('changeme'));
}

const GOOD = { exp: SECOND + 1, iss: 'pushpin' };

function trusts(token: string, key: KeyFormat = SECRET): Promise<boolean> {
  return verifyGripSig(token, verificationKeyOf(key), wallTime);
}

describe('a token is trusted', () => {
  it.each<[string, string, KeyFormat]>([
    ['HS256 with the secret', claiming(GOOD), SECRET],
    ['ES256 with the public key', tokenOf({ alg: 'ES256' }, GOOD, es256), publicPem(EC.publicKey)],
    ['ES256 with the private key', tokenOf({ alg: 'ES256' }, GOOD, es256), privatePem(EC.privateKey)],
    ['RS256 with the public key', tokenOf({ alg: 'RS256' }, GOOD, rs256), publicPem(RSA.publicKey)],
    ['RS256 with the private key', tokenOf({ alg: 'RS256' }, GOOD, rs256), privatePem(RSA.privateKey)],
  ])('that is %s', async (_what, token, key) => {
    expect(await trusts(token, key)).toBe(true);
  });

  it('whatever its issuer is, even without one', async () => {
    expect(await trusts(claiming({ exp: SECOND + 1, iss: 'somebody else' }))).toBe(true);
    expect(await trusts(claiming({ exp: SECOND + 1 }))).toBe(true);
  });

  it('for which other claims are no hindrance', async () => {
    expect(await trusts(claiming({ ...GOOD, sub: 'x', jti: 'y', iat: SECOND, more: { a: [1] } }))).toBe(true);
  });

  it.each([
    ['a secret', 'changeme', SECRET],
    ['a P-256 key', 'file:/ec', privatePem(EC.privateKey)],
    ['an RSA key', 'file:/rsa', privatePem(RSA.privateKey)],
  ])('that our own signer made with %s', async (_what, setting, key) => {
    const signer = new Signer(wallTime, { readFile: () => (key.kind === 'pem' ? key.text : '') });
    const token = (await signer.token('pushpin', setting)) ?? '';
    expect(await trusts(token, key)).toBe(true);
  });
});

describe('a token is refused', () => {
  it('when there is no key, or nothing that can be one', async () => {
    const signedWithNothing = tokenOf({ alg: 'HS256' }, GOOD, hmac(''));
    expect(await trusts(signedWithNothing, NO_KEY)).toBe(false);
    expect(await verifyGripSig(claiming(GOOD), undefined, wallTime)).toBe(false);
  });

  it.each([
    ['none', 'none'],
    ['none in capitals', 'NONE'],
    ['the empty algorithm', ''],
    ['no algorithm', undefined],
    ['an algorithm that is no text', 1],
    ['several algorithms', ['HS256']],
    ['the right one in small letters', 'hs256'],
  ])('that names %s, with or without a signature', async (_what, alg) => {
    expect(await trusts(tokenOf({ typ: 'JWT', alg }, GOOD, () => Buffer.alloc(0)))).toBe(false);
    expect(await trusts(tokenOf({ typ: 'JWT', alg }, GOOD, hmac('changeme')))).toBe(false);
  });

  it.each(['HS384', 'HS512'])('of algorithm %s although the secret is the right one', async (alg) => {
    expect(await trusts(tokenOf({ alg }, GOOD, hmac('changeme', `sha${alg.slice(2)}`)))).toBe(false);
  });

  it.each([
    ['P-256', publicPem(EC.publicKey)],
    ['RSA', publicPem(RSA.publicKey)],
  ])('that uses the text of the %s public key as a secret', async (_what, key) => {
    for (const secret of [key.text, key.text.trim(), `${key.text}\n`]) {
      expect(await trusts(tokenOf({ alg: 'HS256' }, GOOD, hmac(secret)), key)).toBe(false);
    }
  });

  it('of one key pair when the other is ours, whatever it says of itself', async () => {
    expect(await trusts(tokenOf({ alg: 'ES256' }, GOOD, es256), publicPem(RSA.publicKey))).toBe(false);
    expect(await trusts(tokenOf({ alg: 'RS256' }, GOOD, es256), publicPem(RSA.publicKey))).toBe(false);
    expect(await trusts(tokenOf({ alg: 'RS256' }, GOOD, rs256), publicPem(EC.publicKey))).toBe(false);
    expect(await trusts(tokenOf({ alg: 'RS256' }, GOOD, rs256))).toBe(false);
  });

  it('of algorithm PS256 although the RSA key is the right one', async () => {
    const ps256: SignText = (text) =>
      sign('sha256', Buffer.from(text), { key: RSA.privateKey, padding: 6, saltLength: 32 });
    expect(await trusts(tokenOf({ alg: 'PS256' }, GOOD, ps256), publicPem(RSA.publicKey))).toBe(false);
  });

  it('that brings a key of its own', async () => {
    const jwk = EC.publicKey.export({ format: 'jwk' });
    expect(await trusts(tokenOf({ alg: 'ES256', jwk }, GOOD, es256))).toBe(false);
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    expect(await trusts(tokenOf({ alg: 'ES256', jwk }, GOOD, es256), publicPem(other))).toBe(false);
  });

  it('that asks for extensions to be understood', async () => {
    expect(await trusts(tokenOf({ alg: 'HS256', crit: ['x'], x: 1 }, GOOD, hmac('changeme')))).toBe(false);
  });

  it('that was signed with another secret', async () => {
    expect(await trusts(tokenOf({ alg: 'HS256' }, GOOD, hmac('changem')))).toBe(false);
  });

  it.each([
    ['no end', { iss: 'pushpin' }],
    ['the end now', { exp: SECOND }],
    ['the end in the past', { exp: SECOND - 1 }],
    ['the end 0', { exp: 0 }],
    ['an end below 0', { exp: -1 }],
    ['an end with a fraction', { exp: SECOND + 1.5 }],
    ['an end that is text', { exp: String(SECOND + 1) }],
    ['an end that is null', { exp: null }],
    ['an end that no integer can be', '{"exp":1e300}'],
    ['an end beyond every number', '{"exp":1e999}'],
    ['an audience', { ...GOOD, aud: 'origin' }],
    ['an empty audience', { ...GOOD, aud: [] }],
    ['a beginning in the future', { ...GOOD, nbf: SECOND + 60 }],
  ])('that has %s', async (_what, claims) => {
    expect(await trusts(claiming(claims))).toBe(false);
  });

  it.each(['null', '[]', '"text"', '17', '', '{', '{"exp":1}{}'])('whose claims are %j', async (claims) => {
    expect(await trusts(claiming(claims))).toBe(false);
  });

  it('that ends in this second, counted by the clock that is given', async () => {
    const key = verificationKeyOf(SECRET);
    const token = claiming({ exp: 1_000 });
    expect(await verifyGripSig(token, key, () => 999_999)).toBe(true);
    expect(await verifyGripSig(token, key, () => 1_000_000)).toBe(false);
  });

  it.each(['', '.', '..', '...', 'a.b', 'a.b.c', 'a.b.c.d', '\u0000', `${claiming(GOOD)}.`, ` ${claiming(GOOD)}`])(
    'that is malformed: %j',
    async (token) => {
      expect(await trusts(token)).toBe(false);
    },
  );

  it('when any of its characters is another one', async () => {
    const good = claiming(GOOD);
    await fc.assert(
      fc.asyncProperty(
        // The last character of a part has bits that mean nothing, so it may be exchanged for an equal one.
        fc.nat(good.lastIndexOf('.') + 40),
        fc.constantFrom(...'AZaz09-_.= '),
        async (at, character) => {
          fc.pre(good[at] !== character && good[at + 1] !== '.');
          expect(await trusts(good.slice(0, at) + character + good.slice(at + 1))).toBe(false);
        },
      ),
    );
  });

  it('whatever text it is, and never by throwing', async () => {
    const keys = [SECRET, publicPem(EC.publicKey), publicPem(RSA.publicKey)];
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.constantFrom(...keys), async (token, key) => {
        expect(await trusts(token, key)).toBe(false);
      }),
    );
  });

  it.each([0, -1])('whose end %i is still to come, because the clock is before 1970', async (exp) => {
    expect(await verifyGripSig(claiming({ exp }), verificationKeyOf(SECRET), () => -5_000)).toBe(false);
  });

  it('when the clock fails', async () => {
    const broken = (): number => {
      throw new Error('no time');
    };
    expect(await verifyGripSig(claiming(GOOD), verificationKeyOf(SECRET), broken)).toBe(false);
    expect(await verifyGripSig(claiming(GOOD), verificationKeyOf(SECRET), () => Number.NaN)).toBe(false);
  });
});

describe('a key to verify with', () => {
  it.each<[string, KeyFormat]>([
    ['no key', NO_KEY],
    ['PEM without a key in it', { kind: 'pem', text: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----' }],
    ['a key of another curve', publicPem(P384.publicKey)],
    ['an RSA key that is too short', publicPem(SHORT_RSA.publicKey)],
    ['an RSA key for PSS only', publicPem(RSA_PSS.publicKey)],
    ['an Ed25519 key', publicPem(ED25519.publicKey)],
  ])('is not made of %s', (_what, format) => {
    expect(verificationKeyOf(format)).toBeUndefined();
  });

  it.each([
    ['HS256', SECRET],
    ['ES256', publicPem(EC.publicKey)],
    ['RS256', publicPem(RSA.publicKey)],
  ])('implies %s', (algorithm, format) => {
    expect(verificationKeyOf(format)?.algorithm).toBe(algorithm);
  });

  it('never holds the private half of a pair', () => {
    expect(verificationKeyOf(privatePem(EC.privateKey))?.key.type).toBe('public');
  });
});
