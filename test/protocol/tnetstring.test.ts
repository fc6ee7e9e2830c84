import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/errors/holdfast-error.js';
import { decodeTnetstring, encodeTnetstring, type TnetInput, type TnetValue } from '../../src/protocol/tnetstring.js';

function decode(text: string): TnetValue {
  return decodeTnetstring(Buffer.from(text));
}

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toHaveProperty('code', 'HOLDFAST_TNETSTRING_INVALID');
    return (error as HoldfastError).message;
  }
  return 'nothing was thrown';
}

/** `levels` lists inside each other. */
function nestedLists(levels: number): string {
  let text = '';
  for (let level = 0; level < levels; level++) text = `${text.length}:${text}]`;
  return text;
}

const valueArbitrary: fc.Arbitrary<TnetValue> = fc.letrec<{ value: TnetValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.uint8Array().map((bytes): TnetValue => Buffer.from(bytes)),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .array(fc.tuple(fc.string({ unit: 'binary' }), tie('value')), { maxLength: 5 })
      .map((entries): TnetValue => new Map(entries)),
  ),
})).value;

describe('decodeTnetstring', () => {
  it.each<[string, TnetValue]>([
    ['0:,', Buffer.alloc(0)],
    ['5:hello,', Buffer.from('hello')],
    ['3:5:,,', Buffer.from('5:,')],
    ['0:~', null],
    ['4:true!', true],
    ['5:false!', false],
    ['1:0#', 0],
    ['2:-7#', -7],
    ['2:+7#', 7],
    ['16:9007199254740991#', Number.MAX_SAFE_INTEGER],
    ['3:1.5^', 1.5],
    ['8:1.500000^', 1.5],
    ['2:-1^', -1],
    ['5:1e+21^', 1e21],
    ['2:.5^', 0.5],
    ['2:5.^', 5],
    ['0:]', []],
    ['0:}', new Map()],
    ['8:1:a,1:1#]', [Buffer.from('a'), 1]],
    ['000000001:a,', Buffer.from('a')],
  ])('reads %j', (text, value) => {
    expect(decode(text)).toEqual(value);
  });

  it('reads the recover request of the command socket', () => {
    expect(decode('28:2:id,1:1,6:method,7:recover,}')).toEqual(
      new Map([
        ['id', Buffer.from('1')],
        ['method', Buffer.from('recover')],
      ]),
    );
  });

  it('reads the recover reply of the command socket', () => {
    expect(decode('37:2:id,1:1,7:success,4:true!5:value,0:~}')).toEqual(
      new Map<string, TnetValue>([
        ['id', Buffer.from('1')],
        ['success', true],
        ['value', null],
      ]),
    );
  });

  it('reads the first packet of a session with a nested map', () => {
    const packet = decode('51:6:stream,4:true!3:ext,15:5:multi,4:true!}3:seq,1:0#}');
    expect(packet).toEqual(
      new Map<string, TnetValue>([
        ['stream', true],
        ['ext', new Map([['multi', true]])],
        ['seq', 0],
      ]),
    );
  });

  it('ignores what follows the first value', () => {
    expect(decode('1:a,rubbish')).toEqual(Buffer.from('a'));
  });

  it('lets the last of two equal keys win', () => {
    expect(decode('16:1:k,1:1#1:k,1:2#}')).toEqual(new Map([['k', 2]]));
  });

  it('keeps keys that name members of every object as ordinary keys', () => {
    const map = decode('16:9:__proto__,1:1#}');
    expect(map).toEqual(new Map([['__proto__', 1]]));
    expect(Object.prototype).not.toHaveProperty('1');
  });

  it('decodes keys as UTF-8 and keeps bytes as they are', () => {
    const bytes = Buffer.concat([Buffer.from('10:3:€,1:'), Buffer.of(0xff), Buffer.from(',}')]);
    expect(decodeTnetstring(bytes)).toEqual(new Map([['€', Buffer.of(0xff)]]));
  });

  it.each([
    ['', 'no complete length at byte 0'],
    ['12', 'no complete length at byte 0'],
    [':,', 'empty length at byte 0'],
    ['-1:a,', 'length at byte 0 is not a number'],
    ['x', 'length at byte 0 is not a number'],
    ['1234567890:a,', 'length at byte 0 is too large'],
    ['5:abc,', 'value at byte 0 claims 5 bytes, 3 are there'],
    ['1:a', 'value at byte 0 claims 1 bytes, 0 are there'],
    ['0:', 'value at byte 0 claims 0 bytes, 0 are there'],
    ['999999999:a,', 'value at byte 0 claims 999999999 bytes, 1 are there'],
    ['1:a?', 'unknown type at byte 3'],
    ['1:a~', 'null at byte 0 is not empty'],
    ['3:yes!', 'boolean at byte 2 is neither true nor false'],
    ['9:truefalse!', 'boolean at byte 2 is neither true nor false'],
    ['0:#', 'integer at byte 2 is not a number'],
    ['3:1.5#', 'integer at byte 2 is not a number'],
    ['3:0x1#', 'integer at byte 2 is not a number'],
    ['21:111111111111111111111#', 'integer at byte 3 is too long'],
    ['3:nan^', 'double at byte 2 is not a number'],
    ['5:1e999^', 'double at byte 2 is not a number'],
    ['1: ^', 'double at byte 2 is not a number'],
    [`401:${'1'.repeat(401)}^`, 'double at byte 4 is too long'],
    ['5:3:ab,]', 'value at byte 2 claims 3 bytes, 2 are there'],
    ['3:1:a]', 'value at byte 2 claims 1 bytes, 0 are there'],
    ['8:1:1#1:2#}', 'map key at byte 2 is not a string'],
    ['4:1:a,}', 'map key at byte 2 has no value'],
  ])('refuses %j', (text, what) => {
    expect(messageOf(() => decode(text))).toBe(`malformed tnetstring: ${what}`);
  });

  it('takes 64 levels and no more', () => {
    expect(decode(nestedLists(64))).toBeInstanceOf(Array);
    expect(messageOf(() => decode(nestedLists(65)))).toMatch(/^malformed tnetstring: more than 64 levels at byte \d+$/);
  });

  it('takes as many levels as it is told', () => {
    expect(decodeTnetstring(Buffer.from(nestedLists(2)), { maxDepth: 2 })).toEqual([[]]);
    expect(messageOf(() => decodeTnetstring(Buffer.from(nestedLists(3)), { maxDepth: 2 }))).toContain('2 levels');
  });

  it('throws only HoldfastError, whatever the bytes are', () => {
    const alphabet = fc.constantFrom(...'0123456789:,#^!~]}tfa-.');
    const inputs = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: alphabet, maxLength: 200 }).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(inputs, (bytes) => {
        try {
          decodeTnetstring(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
        }
      }),
    );
  });

  it('throws only HoldfastError when one byte of a good value is changed or the end is missing', () => {
    fc.assert(
      fc.property(valueArbitrary, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), (value, at, byte, cut) => {
        const bytes = encodeTnetstring(value);
        const position = at % bytes.length;
        bytes[position] = byte;
        try {
          decodeTnetstring(cut ? bytes.subarray(0, position) : bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
        }
      }),
    );
  });
});

describe('encodeTnetstring', () => {
  it.each<[TnetInput, string]>([
    ['', '0:,'],
    ['€', '3:€,'],
    [Buffer.from('a:b'), '3:a:b,'],
    [0, '1:0#'],
    [-12, '3:-12#'],
    [1.5, '3:1.5^'],
    [1e21, '5:1e+21^'],
    [true, '4:true!'],
    [false, '5:false!'],
    [null, '0:~'],
    [[], '0:]'],
    [['a', [1]], '11:1:a,4:1:1#]]'],
    [new Map(), '0:}'],
    [
      new Map<string, TnetInput>([
        ['id', '1'],
        ['success', true],
        ['value', null],
      ]),
      '37:2:id,1:1,7:success,4:true!5:value,0:~}',
    ],
    [
      new Map<string, TnetInput>([
        ['channel', 'test'],
        ['http-stream', new Map([['content', 'hello there\n']])],
      ]),
      '62:7:channel,4:test,11:http-stream,26:7:content,12:hello there\n,}}',
    ],
  ])('writes %j', (value, text) => {
    expect(encodeTnetstring(value).toString()).toBe(text);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses %d', (number) => {
    expect(messageOf(() => encodeTnetstring([number]))).toBe(
      'malformed tnetstring: a number that is not finite cannot be encoded',
    );
  });

  it('refuses a value that contains itself', () => {
    const list: TnetInput[] = [];
    list.push(list);
    expect(messageOf(() => encodeTnetstring(list))).toBe('malformed tnetstring: more than 64 levels cannot be encoded');
  });

  it('writes what the decoder reads back', () => {
    fc.assert(
      fc.property(valueArbitrary, (value) => {
        expect(decodeTnetstring(encodeTnetstring(value))).toEqual(value);
      }),
    );
  });

  it('writes strings, lone surrogates included, in exactly the bytes it counted', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 0xffff })), (units) => {
        const text = String.fromCharCode(...units);
        expect(decodeTnetstring(encodeTnetstring([text, 7]))).toEqual([Buffer.from(text), 7]);
      }),
    );
  });
});
