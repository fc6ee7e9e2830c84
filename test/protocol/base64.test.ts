import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64 } from '../../src/protocol/base64.js';

describe('decodeBase64', () => {
  it.each([
    ['', ''],
    ['aGVsbG8=', 'hello'],
    ['aGVsbG8', 'hello'],
    ['aGVsbG8===', 'hello'],
    ['aGVs\r\n bG8=', 'hello'],
    ['aGVs*bG8=', 'hello'],
    ['aG=Vsb=G8', 'hello'],
    ['aGVs\u20acbG8=', 'hello'],
    ['aG-Vs_bG8=', 'hello'],
    ['a', ''],
    ['=', ''],
    ['!?', ''],
  ])('decodes %j', (text, expected) => {
    expect(decodeBase64(text).toString('latin1')).toBe(expected);
  });

  it('knows both characters beyond letters and digits', () => {
    expect(decodeBase64('+/+/')).toEqual(Buffer.from([0xfb, 0xff, 0xbf]));
  });

  it('gives back all bytes, whatever foreign characters stand between', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.stringMatching(/^[^A-Za-z0-9+/]{0,3}$/), (bytes, foreign) => {
        const encoded = Buffer.from(bytes).toString('base64');
        expect([...decodeBase64([...encoded].join(foreign))]).toEqual([...bytes]);
      }),
    );
  });

  it('takes any string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const alphabet = text.replace(/[^A-Za-z0-9+/]/g, '').length;
        expect(decodeBase64(text)).toHaveLength(Math.floor((alphabet * 6) / 8));
      }),
    );
  });
});
