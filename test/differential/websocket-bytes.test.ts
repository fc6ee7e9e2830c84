import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientFrame, closePayload, describeFrames } from './websocket-bytes.js';

describe('clientFrame', () => {
  it('masks with its fixed key', () => {
    expect(clientFrame('TEXT', 'Hello').toString('hex')).toBe('818537fa213d7f9f4d5158');
  });

  it('writes longer payloads with a length of two bytes', () => {
    expect(clientFrame('BINARY', Buffer.alloc(300)).subarray(0, 4).toString('hex')).toBe('82fe012c');
  });
});

describe('describeFrames', () => {
  it.each([
    ['a text', '810568656c6c6f', ['TEXT "hello"']],
    ['two frames', '89008a0161', ['PING ""', 'PONG "a"']],
    ['a fragment', '010161800162', ['TEXT (more follows) "a"', 'CONTINUATION "b"']],
    ['a close with code and reason', `8805${closePayload(4000, 'bye').toString('hex')}`, ['CLOSE 4000 "bye"']],
    ['a close without a code', '8800', ['CLOSE without a code']],
    ['a compressed frame', 'c10161', ['TEXT (reserved bits 64) "a"']],
    ['a frame cut short', '8900810568', ['PING ""', 'PARTIAL 810568']],
    ['a masked frame, which a server must not send', '818100000000', ['PARTIAL 818100000000']],
  ])('describes %s', (_what, hex, lines) => {
    expect(describeFrames(Buffer.from(hex, 'hex'))).toEqual(lines);
  });

  it('ends on any bytes, leaving none of them untold', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (input) => {
        expect(describeFrames(Buffer.from(input)).length).toBeGreaterThan(0);
      }),
    );
  });
});
