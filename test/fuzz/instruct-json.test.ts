/** JSON instructs: any body of an origin becomes an instruct that can be carried out, or the error for instructs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHeaderName, isHeaderValue } from '../../src/protocol/headers.js';
import { parseInstructJson } from '../../src/protocol/instruct-json.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import {
  byteMutationsOf,
  expectCleanPrototypes,
  jsonList,
  jsonObject,
  jsonString,
  longTextOf,
  NAMES_OF_OBJECTS,
  type Outcome,
  outcomeOf,
} from './inputs.js';

const share = new FuzzShare('instruct-json', 4);

const PIECES = [
  ...['{', '}', '[', ']', ':', ',', '"', '\\', '\\u0000', '\\ud800', 'null', 'true', '-', '0', '1e999', ' ', '\xff'],
  ...['"hold"', '"channels"', '"response"', '"__proto__"', '{"name":"a"}', '[["a","b"]]', '"filters":[],'],
];

const text = jsonString(fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('a', 'é', '\r\n', 'AA==', '\ud800')));
const seconds = fc.oneof(
  fc.integer().map(String),
  fc.double().map((number) => JSON.stringify(number)),
  jsonString(fc.constantFrom('5', ' 7 ', '-1', '1e3', '', '99999999999')),
  fc.constantFrom('true', '2147483647', '2147483648'),
);
const pair = fc.oneof(
  fc.tuple(text, text).map(([name, value]) => `[${name},${value}]`),
  fc.constantFrom('[]', '["a"]', '["a",1]', '["a","b","c"]', '["X-A","1"]', '["Grip-Hold","stream"]'),
);

const instruct = jsonObject({
  hold: jsonObject({
    mode: jsonString(fc.constantFrom('response', 'stream', 'other')),
    channels: jsonList(
      jsonObject({ name: text, 'prev-id': text, filters: jsonList(jsonString(fc.constantFrom('skip-self', 'x')), 6) }),
    ),
    timeout: seconds,
    'keep-alive': jsonObject({ content: text, 'content-bin': text, timeout: seconds }),
    meta: jsonObject({ user: text }),
  }),
  response: jsonObject({
    code: seconds,
    reason: text,
    headers: fc.oneof(jsonList(pair), jsonObject({ 'X-A': text, 'x-a': text, 'Set-Cookie': text })),
    body: text,
    'body-bin': text,
  }),
});

function read(body: Buffer): Outcome<ReturnType<typeof parseInstructJson>> {
  return outcomeOf(() => parseInstructJson(body), 'HOLDFAST_INSTRUCT_INVALID');
}

function expectCarryable({ hold, response }: ReturnType<typeof parseInstructJson>): void {
  for (const [name, value] of response.headers)
    expect([isHeaderName(name), isHeaderValue(value)]).toEqual([true, true]);
  expect(isHeaderValue(response.reason ?? '')).toBe(true);
  expect(response.code ?? 0).toBeLessThanOrEqual(999);
  for (const number of [response.code, hold?.timeout, hold?.keepAlive?.timeout]) {
    if (number !== undefined) expect(Number.isInteger(number) && number >= 0 && number <= 0x7fffffff).toBe(true);
  }
  for (const { filters } of hold?.channels ?? []) expect(filters.length).toBeLessThanOrEqual(5);
}

describe('a JSON instruct', () => {
  it(
    'is carried out or refused, whatever its members are',
    () =>
      share.check(
        fc.property(instruct, (json) => {
          const outcome = read(Buffer.from(json));
          expectCleanPrototypes();
          if (outcome.kind === 'value') expectCarryable(outcome.value);
        }),
      ),
    share.timeout,
  );

  it(
    'is carried out or refused when some of its bytes are wrong',
    () =>
      share.check(
        fc.property(
          byteMutationsOf(
            instruct.map((json) => Buffer.from(json)),
            PIECES,
          ),
          (body) => {
            const outcome = read(body);
            expectCleanPrototypes();
            if (outcome.kind === 'value') expectCarryable(outcome.value);
          },
        ),
      ),
    share.timeout,
  );

  it(
    'says exactly what was put in',
    () => {
      const word = fc.oneof(fc.string({ unit: 'binary', maxLength: 6 }), fc.constantFrom(...NAMES_OF_OBJECTS));
      const channel = fc.record({
        name: word,
        prevId: fc.option(word, { nil: undefined }),
        filters: fc.array(word, { maxLength: 5 }),
      });
      const hold = fc.record({
        mode: fc.constantFrom('response', 'stream'),
        channels: fc.array(channel, { maxLength: 3 }),
        timeout: fc.option(fc.nat(), { nil: undefined }),
        meta: fc.array(fc.tuple(word, word), { maxLength: 3 }).map((members) => new Map(members)),
      });
      share.check(
        fc.property(hold, fc.uint8Array({ maxLength: 9 }), ({ mode, channels, timeout, meta }, bytes) => {
          // Written by hand, because an object cannot have a member `__proto__` that way.
          const members = [...meta].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
          const parts = [
            `"mode":"${mode}"`,
            `"channels":${JSON.stringify(channels.map(({ prevId, ...rest }) => ({ ...rest, 'prev-id': prevId })))}`,
            ...(timeout === undefined ? [] : [`"timeout":${timeout}`]),
            `"meta":{${members.join(',')}}`,
          ];
          const body = Buffer.from(bytes);
          const response = `{"body-bin":"${body.toString('base64')}"}`;
          const result = parseInstructJson(Buffer.from(`{"hold":{${parts.join(',')}},"response":${response}}`));
          expect(result.hold).toEqual({ mode, channels, timeout, keepAlive: undefined, meta });
          expect(result.response.body.equals(body)).toBe(true);
        }),
      );
    },
    share.timeout,
  );

  it(
    'is read in time when it is long or deep',
    () =>
      share.check(
        fc.property(longTextOf(PIECES), (json) => {
          expect(['value', 'refused']).toContain(read(Buffer.from(json)).kind);
        }),
      ),
    share.timeout,
  );
});
