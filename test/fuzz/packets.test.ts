/** Tnetstrings and the ZHTTP packets made of them: what is encoded comes back, and what is broken is refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeaderList } from '../../src/protocol/headers.js';
import { decodeTnetstring, encodeTnetstring, type TnetInput, type TnetValue } from '../../src/protocol/tnetstring.js';
import { decodeZhttpResponse, encodeZhttpRequest, type ZhttpRequestPacket } from '../../src/protocol/zhttp.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import { byteMutationsOf, expectCleanPrototypes, longTextOf, NAMES_OF_OBJECTS, outcomeOf } from './inputs.js';

const share = new FuzzShare('packets', 6);

const PIECES = [
  ...['0:', '1:', '2:a', '3:', '9', '99999999:', '999999999:', '0000000001:', ':', ',', '#', '^', '!', '~', ']', '}'],
  ...['0:~', '4:true!', '5:false!', '1:7#', '3:1.5^', '0:]', '0:}', '1:a,', '9:__proto__,', 'T', '-', '\xff', '1e400'],
];

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 6 }), fc.constantFrom(...NAMES_OF_OBJECTS));
const { value } = fc.letrec<{ value: TnetInput; leaf: TnetInput }>((tie) => ({
  leaf: fc.oneof(
    text,
    fc.uint8Array({ maxLength: 12 }),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  ),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(text, tie('value')), { maxLength: 4 }).map((members) => new Map(members)),
  ),
}));

/** What a value is when it comes back: strings as bytes, and no zero below zero. */
function asDecoded(input: TnetInput): TnetValue {
  if (typeof input === 'string') return Buffer.from(input);
  if (input instanceof Uint8Array) return Buffer.from(input);
  if (typeof input === 'number') return input + 0;
  if (input === null || typeof input === 'boolean') return input;
  if (input instanceof Map) return new Map([...input].map(([name, member]) => [name, asDecoded(member)]));
  return (input as readonly TnetInput[]).map(asDecoded);
}

const headers: fc.Arbitrary<HeaderList> = fc.array(
  fc.tuple(fc.constantFrom('Host', 'X-A', 'x-a', '__proto__'), fc.stringMatching(/^[!-~\x80-\xff]{0,6}$/)),
  { maxLength: 3 },
);
const count = fc.option(fc.maxSafeInteger().map(Math.abs), { nil: undefined });
const flag = fc.option(fc.boolean(), { nil: undefined });
const session = fc.record({ id: text, seq: count });

const packet: fc.Arbitrary<ZhttpRequestPacket> = fc.record(
  {
    from: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    id: fc.oneof(text, fc.array(session, { maxLength: 3 })),
    seq: count,
    type: fc.constantFrom('data', 'error', 'credit', 'keep-alive', 'cancel', 'handoff-start', 'close', 'ping', 'pong'),
    condition: text,
    method: fc.constantFrom('GET', 'POST'),
    uri: fc.webUrl(),
    headers,
    body: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    more: flag,
    stream: flag,
    credits: count,
    contentType: fc.constantFrom('text', 'binary'),
    code: fc.nat({ max: 0xffff }),
    userData: value,
    ext: fc.record({ multi: flag, quiet: flag }),
  },
  { requiredKeys: ['from', 'id'] },
);

describe('a tnetstring', () => {
  it(
    'gives back what was encoded, and is over where it ends',
    () =>
      share.check(
        fc.property(value, fc.uint8Array({ maxLength: 5 }), (input, behind) => {
          const wire = encodeTnetstring(input);
          expect(decodeTnetstring(wire)).toEqual(asDecoded(input));
          expect(decodeTnetstring(Buffer.concat([wire, behind]))).toEqual(asDecoded(input));
          expect(encodeTnetstring(decodeTnetstring(wire)).equals(wire)).toBe(true);
        }),
      ),
    share.timeout,
  );

  it(
    'is refused when it is cut off anywhere',
    () =>
      share.check(
        fc.property(value, fc.nat(), (input, at) => {
          const wire = encodeTnetstring(input);
          const cut = wire.subarray(0, at % wire.length);
          expect(outcomeOf(() => decodeTnetstring(cut), 'HOLDFAST_TNETSTRING_INVALID').kind).toBe('refused');
        }),
      ),
    share.timeout,
  );

  it(
    'is decoded or refused when some of its bytes are wrong',
    () =>
      share.check(
        fc.property(byteMutationsOf(value.map(encodeTnetstring), PIECES), (wire) => {
          const outcome = outcomeOf(() => decodeTnetstring(wire), 'HOLDFAST_TNETSTRING_INVALID');
          expectCleanPrototypes();
          // What can be decoded can be encoded, though a number may have been written in another way.
          if (outcome.kind === 'value') encodeTnetstring(outcome.value);
        }),
      ),
    share.timeout,
  );

  it(
    'is decoded or refused in time when it is long or deep',
    () =>
      share.check(
        fc.property(longTextOf(PIECES), fc.constantFrom(',', ']', '}', ''), (input, tag) => {
          const inside = Buffer.from(input, 'latin1');
          const wire = Buffer.concat([Buffer.from(`${inside.length}:`), inside, Buffer.from(tag)]);
          for (const bytes of [inside, wire]) {
            const outcome = outcomeOf(() => decodeTnetstring(bytes), 'HOLDFAST_TNETSTRING_INVALID');
            expect(['value', 'refused']).toContain(outcome.kind);
          }
        }),
      ),
    share.timeout,
  );
});

describe('a ZHTTP packet', () => {
  it(
    'says to its reader what its writer meant',
    () =>
      share.check(
        fc.property(packet, (sent) => {
          const read = decodeZhttpResponse(encodeZhttpRequest(sent));
          expect(read).toEqual({
            from: sent.from,
            id: sent.id,
            seq: sent.seq,
            type: sent.type ?? 'data',
            condition: sent.condition,
            credits: sent.credits,
            more: sent.more ?? false,
            code: sent.code,
            reason: undefined,
            headers: sent.headers,
            body: sent.body,
            contentType: sent.contentType,
            // A null or a false that is not sent cannot be told from none.
            userData: asReceived(sent.userData),
            ext: { multi: sent.ext?.multi ?? false, quiet: sent.ext?.quiet ?? false },
          });
        }),
      ),
    share.timeout,
  );

  it(
    'is read or refused when some of its bytes are wrong',
    () =>
      share.check(
        fc.property(byteMutationsOf(packet.map(encodeZhttpRequest), PIECES), (wire) => {
          const outcome = outcomeOf(() => decodeZhttpResponse(wire), 'HOLDFAST_PACKET_INVALID');
          expectCleanPrototypes();
          if (outcome.kind === 'refused') return;
          const { seq, credits, code } = outcome.value;
          for (const number of [seq, credits, code]) expect(number ?? 0).toBeGreaterThanOrEqual(0);
        }),
      ),
    share.timeout,
  );
});

function asReceived(input: TnetInput | undefined): TnetValue | undefined {
  return input === undefined || input === null || input === false ? undefined : asDecoded(input);
}
