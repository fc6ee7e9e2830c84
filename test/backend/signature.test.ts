import { createHmac, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { Signer } from '../../src/backend/signature.js';

const NOW = 1_795_214_840_250;

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The same key with 0 for its secret number: a key by its form, which nothing can be signed with. */
function withoutSecret(key: KeyObject): KeyObject {
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const secret = Buffer.from(String(key.export({ format: 'jwk' }).d), 'base64url');
  der.fill(0, der.indexOf(secret), der.indexOf(secret) + secret.length);
  return createPrivateKey({ key: der, type: 'pkcs8', format: 'der' });
}

/** A token as any implementation of the standard would make it. */
function expectedToken(exp: number, iss: string, secret: Buffer | string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ typ: 'JWT', alg: 'HS256' })}.${part({ exp, iss })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

describe('a token', () => {
  it('has its header and claims in the order of the original, to the byte', async () => {
    const token = await new Signer(() => NOW).token('pushpin', 'changeme');
    expect(token).toMatch(
      /^eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9\.eyJleHAiOjE3OTUyMTg0NDAsImlzcyI6InB1c2hwaW4ifQ\.[\w-]{43}$/,
    );
  });

  it.each<[string, string, string | Buffer]>([
    ['a text', 'changeme', 'changeme'],
    ['a text beyond ASCII, as UTF-8', 'schlüssel', Buffer.from('schlüssel', 'utf8')],
    ['bytes in base64', 'base64:AAECAwT/', Buffer.from([0, 1, 2, 3, 4, 255])],
    ['a text that only looks like base64', 'AAECAwT/', 'AAECAwT/'],
  ])('is signed with %s', async (_, key, secret) => {
    expect(await new Signer(() => NOW).token('holdfast', key)).toBe(expectedToken(1_795_218_440, 'holdfast', secret));
  });

  it.each([
    ['an issuer', '', 'key'],
    ['a key', 'iss', ''],
  ])('is not made without %s', (_, iss, key) => {
    expect(new Signer(() => NOW).token(iss, key)).toBeUndefined();
  });

  it.each(['base64:', 'base64:=='])('is not made with a key of no bytes: %s', (key) => {
    expect(new Signer(() => NOW).token('iss', key)).toBeUndefined();
  });
});

describe('a key in a file', () => {
  function signerOver(files: Record<string, string>): { signer: Signer; failures: string[]; reads: string[] } {
    const failures: string[] = [];
    const reads: string[] = [];
    const readFile = (path: string): string => {
      reads.push(path);
      const text = files[path];
      if (text === undefined) throw new Error('no such file');
      return text;
    };
    return { signer: new Signer(() => NOW, { readFile, keyFailed: (text) => failures.push(text) }), failures, reads };
  }

  it('that holds hexadecimal digits signs with HS256', async () => {
    const { signer } = signerOver({ '/key': '00ff10AB\n' });
    const token = await signer.token('iss', 'file:/key');
    expect(token).toBe(expectedToken(1_795_218_440, 'iss', Buffer.from('00ff10ab', 'hex')));
  });

  it.each([
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2_048 })],
  ])('that is PEM signs with %s', async (algorithm, { privateKey, publicKey }) => {
    const { signer } = signerOver({ '/key': pemOf(privateKey) });
    const token = (await signer.token('iss', 'file:/key')) ?? '';
    const { payload, protectedHeader } = await jwtVerify(token, publicKey, { currentDate: new Date(NOW) });
    expect([protectedHeader, payload]).toEqual([
      { typ: 'JWT', alg: algorithm },
      { exp: 1_795_218_440, iss: 'iss' },
    ]);
  });

  it.each([
    ['is not there', undefined],
    ['is empty', ''],
    ['is neither hexadecimal nor PEM', 'changeme'],
    ['has an odd number of digits', 'abc'],
    ['is PEM without a key in it', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'],
    ['is of another curve', pemOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey)],
    ['is of another kind', pemOf(generateKeyPairSync('ed25519').privateKey)],
    [
      'is a public key',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    ],
    ['is a short RSA key', pemOf(generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey)],
  ])('that %s signs nothing, and this is told once', (_, text) => {
    const { signer, failures } = signerOver(text === undefined ? {} : { '/key': text });
    expect([signer.token('iss', 'file:/key'), signer.token('other', 'file:/key')]).toEqual([undefined, undefined]);
    expect(failures).toEqual(['no key to sign with in file:/key: requests to origins go without Grip-Sig']);
  });

  it('that reads well and cannot sign is told once, until keys are to be forgotten', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { signer, failures } = signerOver({ '/key': pemOf(withoutSecret(privateKey)) });
    const outcomes = await Promise.allSettled([signer.token('one', 'file:/key'), signer.token('two', 'file:/key')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const told = /^cannot sign with file:\/key: \w+Error.*; requests to origins go without Grip-Sig$/;
    expect(failures).toEqual([expect.stringMatching(told)]);
    signer.forgetKeys();
    await Promise.allSettled([signer.token('one', 'file:/key')]);
    expect(failures.length).toBe(2);
  });

  it('is read from disk when nothing else is said', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keys-'));
    try {
      writeFileSync(join(folder, 'key'), '00ff\n');
      const token = await new Signer(() => NOW).token('iss', `file:${join(folder, 'key')}`);
      expect(token).toBe(expectedToken(1_795_218_440, 'iss', Buffer.from([0x00, 0xff])));
      expect(new Signer(() => NOW).token('iss', `file:${join(folder, 'missing')}`)).toBeUndefined();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('that also names the parameters of its curve, as openssl ecparam writes it, signs with ES256', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n';
    const sec1 = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
    const { signer } = signerOver({ '/key': parameters + sec1 });
    const token = (await signer.token('iss', 'file:/key')) ?? '';
    const { protectedHeader } = await jwtVerify(token, publicKey, { currentDate: new Date(NOW) });
    expect(protectedHeader.alg).toBe('ES256');
  });

  it('is read once, until keys are to be forgotten', async () => {
    const files = { '/key': 'aa' };
    const { signer, reads } = signerOver(files);
    await signer.token('iss', 'file:/key');
    files['/key'] = 'bb';
    expect(await signer.token('other', 'file:/key')).toBe(expectedToken(1_795_218_440, 'other', Buffer.from([0xaa])));
    expect(reads).toEqual(['/key']);
    signer.forgetKeys();
    expect(await signer.token('other', 'file:/key')).toBe(expectedToken(1_795_218_440, 'other', Buffer.from([0xbb])));
    expect(reads).toEqual(['/key', '/key']);
  });
});

describe('using a token again', () => {
  it('is done within a second, and a fresh one has a later end', async () => {
    let now = 10_000;
    const signer = new Signer(() => now);
    const first = signer.token('iss', 'key');
    now = 10_999;
    expect(signer.token('iss', 'key')).toBe(first);
    now = 11_000;
    const second = signer.token('iss', 'key');
    expect(second).not.toBe(first);
    expect([await first, await second]).toEqual([
      expectedToken(3_610, 'iss', 'key'),
      expectedToken(3_611, 'iss', 'key'),
    ]);
  });

  it('is not done when the clock was set back', async () => {
    let now = 10_000;
    const signer = new Signer(() => now);
    signer.token('iss', 'key');
    now = 5_000;
    expect(await signer.token('iss', 'key')).toBe(expectedToken(3_605, 'iss', 'key'));
  });

  it.each([
    ['another issuer', 'other', 'key'],
    ['another key', 'iss', 'other'],
    ['the same characters cut elsewhere', 'issk', 'ey'],
  ])('is not done for %s', async (_, iss, key) => {
    const signer = new Signer(() => NOW);
    await signer.token('iss', 'key');
    expect(await signer.token(iss, key)).toBe(expectedToken(1_795_218_440, iss, key));
  });
});
