import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FramePayload, FrameReader, FrameWriter, plainFrame } from '../../../src/runtime/workers/frames.js';
import { cutInto } from '../../support/pieces.js';

/** One value as it is written and read. */
type Value =
  | { readonly kind: 'u8' | 'u32' | 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'raw'; readonly value: Buffer };

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('', '\ud800', 'a\udc00b', '\ud83d\ude00', '\0', '\xff'),
);
const anyValue: fc.Arbitrary<Value> = fc.oneof(
  fc.record({ kind: fc.constant('u8' as const), value: fc.nat({ max: 0xff }) }),
  fc.record({ kind: fc.constant('u32' as const), value: fc.nat({ max: 0xffff_ffff }) }),
  fc.record({ kind: fc.constant('number' as const), value: fc.double() }),
  fc.record({ kind: fc.constant('text' as const), value: anyText }),
  fc.record({
    kind: fc.constant('raw' as const),
    value: fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
  }),
);
const anyFrame = fc.record({ type: fc.nat({ max: 0xff }), values: fc.array(anyValue, { maxLength: 6 }) });

function write(writer: FrameWriter, { kind, value }: Value): void {
  if (kind === 'text') writer.text(value);
  else if (kind === 'raw') writer.raw(value);
  else writer[kind](value);
}

function read(payload: FramePayload, { kind }: Value): Value {
  return { kind, value: payload[kind]() } as Value;
}

/** Hands `bytes` to a reader in pieces of these lengths, again and again. */
function feed(reader: FrameReader, bytes: Buffer, lengths: readonly number[]): void {
  for (const piece of cutInto(bytes, lengths)) reader.read(piece);
}

describe('frames', () => {
  it('come out as they went in, wherever the bytes between are cut', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        (frames, lengths) => {
          const writer = new FrameWriter();
          const bytes = frames.map(({ type, values }) => {
            writer.begin(type);
            for (const value of values) write(writer, value);
            return writer.end();
          });
          const came: typeof frames = [];
          const reader = new FrameReader((type, payload) => {
            const values = (frames[came.length]?.values ?? []).map((value) => read(payload, value));
            expect(payload.more).toBe(false);
            came.push({ type, values });
          });
          feed(reader, Buffer.concat(bytes), lengths);
          expect(came).toEqual(frames);
        },
      ),
    );
  });

  it('say half a surrogate pair as it is, and everything else in UTF-8', () => {
    const writer = new FrameWriter();
    writer.begin(1);
    writer.text('\ud800x');
    writer.text('grüß');
    const frame = writer.end();
    expect(frame.includes(Buffer.from('grüß'))).toBe(true);
    new FrameReader((_type, payload) => expect([payload.text(), payload.text()]).toEqual(['\ud800x', 'grüß'])).read(
      frame,
    );
    expect.assertions(2);
  });

  it('keep what they were ended with, when their writer goes on', () => {
    const writer = new FrameWriter();
    writer.begin(1);
    writer.text('first');
    const first = writer.end();
    const copy = Buffer.from(first);
    writer.begin(2);
    writer.text('other');
    writer.end();
    expect(first).toEqual(copy);
  });

  it('may be larger than what one read brings, and the writer gives its buffer back', () => {
    const content = Buffer.alloc(3_000_000, 'x');
    const writer = new FrameWriter();
    writer.begin(7);
    writer.raw(content);
    const large = writer.end();
    writer.begin(8);
    writer.text('after');
    const bytes = Buffer.concat([large, writer.end()]);
    const came: [number, number | string][] = [];
    const reader = new FrameReader((type, payload) => {
      came.push([type, type === 7 ? payload.raw().compare(content) : payload.text()]);
    });
    feed(reader, bytes, [65_536]);
    expect(came).toEqual([
      [7, 0],
      [8, 'after'],
    ]);
  });

  it('are joined once however many pieces they come in: a large one costs no more than its size', () => {
    let copied = 0;
    const { concat } = Buffer;
    Buffer.concat = (list, total) => {
      const joined = concat(list, total);
      copied += joined.length;
      return joined;
    };
    try {
      const frame = plainFrame(3, Buffer.alloc(2_000_000));
      let seen = 0;
      feed(
        new FrameReader((_type, payload) => {
          seen = payload.rest().length;
        }),
        frame,
        [10_000],
      );
      expect(seen).toBe(2_000_000);
      expect(copied).toBeLessThan(2_000_000 + 20_000);
    } finally {
      Buffer.concat = concat;
    }
  });

  it('of a length that nobody writes are an error', () => {
    const reader = new FrameReader(() => {});
    expect(() => reader.read(Buffer.from([0, 0, 0, 0, 1]))).toThrow(RangeError);
    expect(() => new FrameReader(() => {}).read(Buffer.from([255, 255, 255, 255, 1]))).toThrow(RangeError);
  });
});
