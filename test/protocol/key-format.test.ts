import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseKey, withAbsoluteKeyFile } from '../../src/protocol/key-format.js';

function noFile(path: string): never {
  throw new Error(`${path} was read`);
}

function secret(bytes: Buffer | string) {
  return { kind: 'secret', bytes: Buffer.from(bytes as string) };
}

describe('a key setting', () => {
  it.each([
    ['a word', 'changeme', 'changeme'],
    ['characters beyond ASCII, as UTF-8', 'schlüssel €', 'schlüssel €'],
    ['white space, as part of the secret', ' a\tb ', ' a\tb '],
    ['what looks like base64 but does not say so', 'aGVsbG8=', 'aGVsbG8='],
    ['the prefixes in other letters', 'BASE64:aGVsbG8=', 'BASE64:aGVsbG8='],
    ['a prefix that is not at the start', ' file:/key', ' file:/key'],
    ['PEM text, which only a file can hold', '-----BEGIN X-----', '-----BEGIN X-----'],
  ])('is a secret when it is %s', (_what, setting, expected) => {
    expect(parseKey(setting, noFile)).toEqual(secret(expected));
  });

  it.each([
    ['padded', 'base64:aGVsbG8=', 'hello'],
    ['without padding', 'base64:aGVsbG8', 'hello'],
    ['with white space and foreign characters', 'base64: aG\r\nVs*bG8==', 'hello'],
  ])('is decoded from base64 %s', (_what, setting, expected) => {
    expect(parseKey(setting, noFile)).toEqual(secret(expected));
  });

  it.each(['', 'base64:', 'base64:=', 'base64:a', 'base64:!?'])('of no bytes is no key: %j', (setting) => {
    expect(parseKey(setting, noFile)).toEqual({ kind: 'none' });
  });

  it('of any base64 text gives the bytes that were encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const setting = `base64:${Buffer.from(bytes).toString('base64')}`;
        expect(parseKey(setting, noFile)).toEqual({ kind: 'secret', bytes: Buffer.from(bytes) });
      }),
    );
  });
});

describe('a key file', () => {
  const keyIn = (text: string) => parseKey('file:keys/a b', (path) => (path === 'keys/a b' ? text : noFile(path)));

  it.each(['00ff10', '00FF10\n', '\r\n  00fF10  \n'])('holds a secret in hexadecimal: %j', (text) => {
    expect(keyIn(text)).toEqual(secret(Buffer.from([0x00, 0xff, 0x10])));
  });

  it.each(['-----BEGIN PRIVATE KEY-----\nAA==', '\n-----BEGIN EC PARAMETERS-----\nAA=='])('holds PEM: %j', (text) => {
    expect(keyIn(text)).toEqual({ kind: 'pem', text: text.trim() });
  });

  it.each(['', ' \n', 'abc', '0g', '00 ff', '0x00ff', 'changeme', 'base64:aGVsbG8='])('holds no key: %j', (text) => {
    expect(keyIn(text)).toEqual({ kind: 'none' });
  });

  it.each(['file:/missing', 'file:'])('that cannot be read holds no key: %s', (setting) => {
    expect(parseKey(setting, noFile)).toEqual({ kind: 'none' });
  });
});

describe('withAbsoluteKeyFile', () => {
  it.each([
    ['file:key.pem', 'file:/etc/holdfast/key.pem'],
    ['file:../key.pem', 'file:/etc/key.pem'],
    ['file:/other/key.pem', 'file:/other/key.pem'],
    ['file:', 'file:'],
    ['key.pem', 'key.pem'],
    ['base64:aGVs', 'base64:aGVs'],
    ['', ''],
  ])('makes of %j %j', (setting, expected) => {
    expect(withAbsoluteKeyFile(setting, '/etc/holdfast')).toBe(expected);
  });
});
