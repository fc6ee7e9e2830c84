import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clientFrame,
  closePayload,
  describeFrames,
  MORE_FOLLOWS,
  RESERVED_BIT,
  serverFrame,
  wholeMessages,
} from './websocket-bytes.js';

describe('clientFrame', () => {
  it('masks with its fixed key', () => {
    expect(clientFrame('TEXT', 'Hello').toString('hex')).toBe('818537fa213d7f9f4d5158');
  });

  it('writes longer payloads with a length of two bytes', () => {
    expect(clientFrame('BINARY', Buffer.alloc(300)).subarray(0, 4).toString('hex')).toBe('82fe012c');
  });
});

describe('wholeMessages', () => {
  it('joins the pieces of each message around what stands between them', () => {
    const pieces = [
      'HTTP',
      'TEXT (more follows) "a"',
      'PING ""',
      'CONTINUATION (more follows) "b"',
      'CONTINUATION "c"',
    ];
    expect(wholeMessages([...pieces, 'TEXT "d"', 'CONTINUATION "e"'])).toEqual([
      'HTTP',
      'TEXT "abc"',
      'PING ""',
      'TEXT "d"',
      'CONTINUATION "e"',
    ]);
  });
});

describe('serverFrame', () => {
  it.each([
    ['a text', serverFrame('TEXT', 'Hello'), '810548656c6c6f'],
    ['a fragment', serverFrame('TEXT', 'a', MORE_FOLLOWS), '010161'],
    ['a reserved bit', serverFrame('PING', '', RESERVED_BIT), 'c900'],
  ])('writes %s', (_what, frame, hex) => {
    expect(frame.toString('hex')).toBe(hex);
  });
});

describe('describeFrames', () => {
  it('takes the masks off the frames of a client', () => {
    const frames = [clientFrame('TEXT', 'hello'), clientFrame('BINARY', 'x'.repeat(126)), clientFrame('CLOSE')];
    expect(describeFrames(Buffer.concat(frames), 'client')).toEqual([
      'TEXT "hello"',
      `BINARY "${'x'.repeat(126)}"`,
      'CLOSE without a code',
    ]);
  });

  it('reads no unmasked frame of a client', () => {
    expect(describeFrames(Buffer.from('810161', 'hex'), 'client')).toEqual(['PARTIAL 810161']);
  });

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
