/** Header values and the instruction headers of origins: whatever comes, it is read or refused, in time and for good. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeHeaderText,
  encodeHeaderText,
  type HeaderList,
  isHeaderValue,
  parseAllParameters,
  parseFirstPlain,
  parseFirstPlainSequence,
  splitList,
} from '../../src/protocol/headers.js';
import { isGripResponse, parseInstruct } from '../../src/protocol/instruct.js';
import { parseGripLast, parseInstructHeaders } from '../../src/protocol/instruct-headers.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import { expectCleanPrototypes, longTextOf, mutationsOf, NAMES_OF_OBJECTS, outcomeOf, textOf } from './inputs.js';

const share = new FuzzShare('headers', 8);

const PIECES = [
  ...['"', '\\', '\\"', ',', ';', '=', ' ', '\t', '<', '>', '%', ':', '/', '-', '0', '1', '55', '2147483648', '1e9'],
  ...['a', 'news', 'prev-id', 'filter', 'last-id', 'rel', 'next', 'gone', 'timeout', 'mode', 'idle', 'interval'],
  ...[
    'format',
    'raw',
    'cstring',
    'base64',
    '\\n',
    '\\x0',
    '\\x0a',
    'AA==',
    'response',
    'stream',
    'http://a/',
    '\xc3\xa4',
  ],
  ...NAMES_OF_OBJECTS,
];

/** As an origin that means well writes a parameter. */
function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

const text = fc.string({ unit: 'binary-ascii', maxLength: 8 });
const name = fc.constantFrom('prev-id', 'filter', 'Filter', 'timeout', 'x', ...NAMES_OF_OBJECTS);
const first = fc.string({ unit: 'grapheme-ascii', maxLength: 6 }).filter((value) => !/[;,"\s]/.test(value));

/** Elements of a list, and how they are written. */
const elements = fc.array(fc.record({ first, parameters: fc.array(fc.tuple(name, text), { maxLength: 3 }) }), {
  maxLength: 4,
});

function written(list: readonly { first: string; parameters: readonly [string, string][] }[]): string {
  return list
    .map((one) => [one.first, ...one.parameters.map(([key, value]) => `${key}=${quoted(value)}`)].join('; '))
    .join(', ');
}

const INSTRUCTION_NAMES = [
  ...['Grip-Hold', 'Grip-Channel', 'grip-channel', 'Grip-Timeout', 'Grip-Keep-Alive', 'Grip-Set-Meta', 'Grip-Status'],
  ...['Grip-Link', 'Grip-Expose-Headers', 'Grip-Last', 'Content-Type', 'Connection', 'X-Other'],
] as const;

const VALID_VALUES = [
  ...['response', 'stream', 'news', 'news; prev-id="a"; filter=skip-self', 'a, b, c; filter="build-id"', '55', '0'],
  ...['ping; format=raw; timeout=20', '\\r\\n\\x20; format=cstring; mode=interval', 'AAEC; format=base64; timeout=1'],
  ...['user="me", id_format="%(news)s"', '201 Created', '404', '</next>; rel=next; timeout=10', '</gone>; rel=gone'],
  ...['application/grip-instruct', 'X-Other, Content-Type', 'news; last-id="7"'],
];

const value = mutationsOf(fc.oneof(fc.constantFrom(...VALID_VALUES), elements.map(written)), PIECES);
const headers: fc.Arbitrary<HeaderList> = fc.array(fc.tuple(fc.constantFrom(...INSTRUCTION_NAMES), value), {
  maxLength: 6,
});

describe('values of headers', () => {
  it(
    'are taken apart without an error, whatever they are',
    () =>
      share.check(
        fc.property(fc.oneof(textOf(PIECES), value), (input) => {
          const parts = splitList(input);
          expect(parts.length).toBeLessThanOrEqual(input.length);
          for (const part of [input, ...parts]) {
            const sequence = parseFirstPlainSequence(part);
            const parameters = parseFirstPlain(part);
            expect(parameters?.first).toBe(sequence?.first);
            expect(parameters?.parameters.size ?? 0).toBeLessThanOrEqual(sequence?.parameters.length ?? 0);
            for (const [key] of parseAllParameters(part) ?? []) expect(key.length).toBeLessThanOrEqual(part.length);
          }
        }),
      ),
    share.timeout,
  );

  it(
    'come back from a list as they were put in',
    () =>
      share.check(
        fc.property(elements, (list) => {
          // An empty element at the end leaves no trace, as a trailing comma adds no part.
          const kept = list.at(-1)?.first === '' && list.at(-1)?.parameters.length === 0 ? list.slice(0, -1) : list;
          expect(splitList(written(list)).map((part) => parseFirstPlainSequence(part))).toEqual(kept);
        }),
      ),
    share.timeout,
  );

  it(
    'carry every text there and back',
    () =>
      share.check(
        fc.property(fc.string({ unit: 'binary' }), (input) => {
          const wire = encodeHeaderText(input);
          expect(decodeHeaderText(wire)).toBe(input);
          expect(isHeaderValue(wire)).toBe(!/\p{Cc}/u.test(input.replace(/[\t\u0080-\u009f]/g, '')));
        }),
      ),
    share.timeout,
  );

  it(
    'are taken apart in time when they are long',
    () =>
      share.check(
        fc.property(longTextOf(PIECES), (input) => {
          for (const part of splitList(input)) parseFirstPlain(part);
          parseAllParameters(input);
          expect(decodeHeaderText(encodeHeaderText(input)).length).toBe(input.length);
        }),
      ),
    share.timeout,
  );
});

describe('instruction headers', () => {
  it(
    'give an instruct within its bounds, or the error for instructs',
    () =>
      share.check(
        fc.property(headers, (list) => {
          const read = outcomeOf(() => parseInstructHeaders(list), 'HOLDFAST_INSTRUCT_INVALID');
          if (read.kind === 'refused') return;
          const { channels, timeout, keepAlive, status, nextLink } = read.value;
          expect(channels.every(({ filters }) => filters.length <= 5)).toBe(true);
          for (const seconds of [timeout, keepAlive?.timeout, nextLink?.timeout]) {
            if (seconds !== undefined) expect(seconds >= 0 && seconds <= 0x7fffffff).toBe(true);
          }
          if (status !== undefined) expect(status.code >= 0 && status.code <= 999).toBe(true);
        }),
      ),
    share.timeout,
  );

  it(
    'say which channels there are, with their ids and filters',
    () => {
      const channel = fc.record({
        name: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 5 }).filter((one) => !/[;,"\s]/.test(one)),
        prevId: fc.option(text, { nil: undefined }),
        filters: fc.array(text, { maxLength: 5 }),
      });
      share.check(
        fc.property(fc.array(channel, { maxLength: 4 }), (channels) => {
          const list = channels.map(({ name: first, prevId, filters }) => {
            const id: [string, string][] = prevId === undefined ? [] : [['prev-id', prevId]];
            return { first, parameters: [...id, ...filters.map((filter): [string, string] => ['filter', filter])] };
          });
          expect(parseInstructHeaders([['Grip-Channel', written(list)]]).channels).toEqual(channels);
        }),
      );
    },
    share.timeout,
  );

  it(
    'never leave themselves or a connection header in the answer, nor anything that all objects share',
    () =>
      share.check(
        fc.property(headers, fc.constantFrom('', 'open\n', '{"hold":{"channels":[]}}'), (list, content) => {
          const response = { code: 200, reason: 'OK', headers: list, body: Buffer.from(content) };
          const read = outcomeOf(() => parseInstruct(response), 'HOLDFAST_INSTRUCT_INVALID');
          parseGripLast(list);
          expectCleanPrototypes();
          if (read.kind === 'refused') return;
          expect(isGripResponse(read.value.response.headers.filter(([one]) => /^grip-/i.test(one)))).toBe(false);
          expect(read.value.response.headers.map(([one]) => one.toLowerCase())).not.toContain('connection');
          expect(read.value.timeout).toBeGreaterThanOrEqual(5);
        }),
      ),
    share.timeout,
  );

  it(
    'are read in time when they are long',
    () =>
      share.check(
        fc.property(fc.constantFrom(...INSTRUCTION_NAMES), longTextOf(PIECES), (which, input) => {
          const read = outcomeOf(() => parseInstructHeaders([[which, input]]), 'HOLDFAST_INSTRUCT_INVALID');
          expect(['value', 'refused']).toContain(read.kind);
        }),
      ),
    share.timeout,
  );
});
