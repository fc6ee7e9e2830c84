import type { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ws from 'ws';
import {
  acceptKey,
  encodeCloseFrame,
  encodeFrame,
  isValidCloseCode,
  WS_OPCODES,
} from '../../src/protocol/websocket-frame.js';

interface Received {
  readonly event: string;
  readonly payload: Buffer;
  readonly isBinary?: boolean;
  readonly code?: number;
}

// The type declarations of ws leave out the receiver that the package exports.
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

/** What a client makes of the frames. */
async function receive(frames: readonly Buffer[]): Promise<Received[]> {
  const received: Received[] = [];
  const receiver = new Receiver({ isServer: false });
  receiver.on('message', (payload: Buffer, isBinary: boolean) =>
    received.push({ event: 'message', payload, isBinary }),
  );
  receiver.on('ping', (payload: Buffer) => received.push({ event: 'ping', payload }));
  receiver.on('pong', (payload: Buffer) => received.push({ event: 'pong', payload }));
  receiver.on('conclude', (code: number, payload: Buffer) => received.push({ event: 'close', payload, code }));
  for (const frame of frames) {
    await new Promise<void>((resolve, reject) => {
      receiver.once('error', reject);
      receiver.write(frame, (error) => (error ? reject(error) : resolve()));
    });
  }
  return received;
}

describe('encodeFrame', () => {
  it.each<[string, number, string, boolean, string]>([
    ['a text', WS_OPCODES.text, 'Hello', true, '810548656c6c6f'],
    ['an empty binary', WS_OPCODES.binary, '', true, '8200'],
    ['the first fragment of a text', WS_OPCODES.text, 'Hel', false, '010348656c'],
    ['the last fragment', WS_OPCODES.continuation, 'lo', true, '80026c6f'],
    ['a ping', WS_OPCODES.ping, 'Hello', true, '890548656c6c6f'],
    ['a pong', WS_OPCODES.pong, '', true, '8a00'],
    ['a close', WS_OPCODES.close, '\x03', true, '880103'],
  ])('writes %s', (_name, opcode, payload, fin, hex) => {
    expect(encodeFrame(opcode, Buffer.from(payload), fin).toString('hex')).toBe(hex);
  });

  it.each<[number, string]>([
    [125, '827d'],
    [126, '827e007e'],
    [65_535, '827effff'],
    [65_536, '827f0000000000010000'],
  ])('writes the length of %d bytes in the shortest form', (length, head) => {
    const frame = encodeFrame(WS_OPCODES.binary, Buffer.alloc(length, 0x61));
    expect(frame.subarray(0, head.length / 2).toString('hex')).toBe(head);
    expect(frame.subarray(head.length / 2).equals(Buffer.alloc(length, 0x61))).toBe(true);
  });

  it('ends a message unless told otherwise', () => {
    expect(encodeFrame(WS_OPCODES.text, Buffer.from('a'))).toEqual(
      encodeFrame(WS_OPCODES.text, Buffer.from('a'), true),
    );
  });

  it.each([WS_OPCODES.ping, WS_OPCODES.pong, WS_OPCODES.close])('cuts opcode %d at 125 bytes', (opcode) => {
    const frame = encodeFrame(opcode, Buffer.alloc(126, 0x61));
    expect(frame).toEqual(Buffer.concat([Buffer.of(0x80 | opcode, 125), Buffer.alloc(125, 0x61)]));
  });

  it('writes messages that a client reads back', async () => {
    const lengths = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(lengths, fc.nat({ max: 255 })), { maxLength: 4 }), async (messages) => {
        const payloads = messages.map(([length, byte]) => Buffer.alloc(length, byte));
        const received = await receive(payloads.map((payload) => encodeFrame(WS_OPCODES.binary, payload)));
        expect(received.map(({ event, isBinary }) => [event, isBinary])).toEqual(payloads.map(() => ['message', true]));
        // Comparing large buffers byte by byte through a matcher takes seconds.
        expect(received.every(({ payload }, at) => payload.equals(payloads[at] ?? Buffer.of(1)))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('writes fragments, with a ping between them, that a client joins', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.nat(), async (text, at) => {
        const payload = Buffer.from(text);
        const cut = at % (payload.length + 1);
        const received = await receive([
          encodeFrame(WS_OPCODES.text, payload.subarray(0, cut), false),
          encodeFrame(WS_OPCODES.ping, Buffer.from('p')),
          encodeFrame(WS_OPCODES.continuation, payload.subarray(cut)),
        ]);
        expect(received).toEqual([
          { event: 'ping', payload: Buffer.from('p') },
          { event: 'message', payload, isBinary: false },
        ]);
      }),
    );
  });
});

describe('encodeCloseFrame', () => {
  it.each<[string, number | undefined, string, string]>([
    ['a code', 1000, '', '880203e8'],
    ['a code and a reason', 4002, 'cl', '88040fa2636c'],
    ['no code', undefined, '', '8800'],
    ['a reason without a code', undefined, 'why', '8800'],
    ['a code that only reports a missing one', 1005, 'why', '8800'],
    ['a code out of range', 70_000, '', '8800'],
  ])('writes %s', (_name, code, reason, hex) => {
    expect(encodeCloseFrame(code, reason).toString('hex')).toBe(hex);
  });

  it.each<[string, string, number]>([
    ['at 123 bytes', 'a'.repeat(200), 123],
    ['nowhere when it fits', 'a'.repeat(123), 123],
    ['before a character that does not fit', `${'a'.repeat(122)}é`, 122],
    ['before a character of four bytes', `${'a'.repeat(120)}😀`, 120],
    ['behind a character that just fits', `${'a'.repeat(120)}€b`, 123],
  ])('cuts the reason %s', (_name, reason, length) => {
    const frame = encodeCloseFrame(1000, reason);
    expect(frame[1]).toBe(length + 2);
    expect(reason.startsWith(frame.toString('utf8', 4))).toBe(true);
  });

  it('writes closes that a client accepts, whatever the reason', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 3000, max: 4999 }),
        fc.string({ unit: 'binary', maxLength: 200 }),
        async (code, reason) => {
          const [close] = await receive([encodeCloseFrame(code, reason)]);
          expect(close).toMatchObject({ event: 'close', code });
          expect(reason.startsWith(close?.payload.toString() ?? 'no close')).toBe(true);
        },
      ),
    );
  });
});

describe('isValidCloseCode', () => {
  it.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])(
    'allows %d',
    (code) => {
      expect(isValidCloseCode(code)).toBe(true);
    },
  );

  it.each([-1, 0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65_535, 1000.5, Number.NaN])(
    'does not allow %d',
    (code) => {
      expect(isValidCloseCode(code)).toBe(false);
    },
  );
});

describe('acceptKey', () => {
  it('answers the key of the RFC as the RFC does', () => {
    expect(acceptKey('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });
});
