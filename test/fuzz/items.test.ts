/** Published items in both encodings: taken or refused with a text, and the same thing said twice means the same. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHeaderName, isHeaderValue } from '../../src/protocol/headers.js';
import type { Item } from '../../src/protocol/item.js';
import { parseItemJson, parsePublishBody } from '../../src/protocol/item-json.js';
import { parseItemTnet, parsePublishMessage } from '../../src/protocol/item-tnetstring.js';
import { decodeTnetstring, encodeTnetstring, type TnetInput } from '../../src/protocol/tnetstring.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import {
  byteMutationsOf,
  expectCleanPrototypes,
  jsonList,
  jsonObject,
  jsonString,
  longTextOf,
  NAMES_OF_OBJECTS,
  outcomeOf,
} from './inputs.js';

const share = new FuzzShare('items', 5);

const PIECES = [
  ...['{', '}', '[', ']', ':', ',', '"', '\\', '0', '-1', '1e999', 'null', 'J', 'T', '0:~', '4:true!', '\xff', '5:"a"'],
  ...['"formats"', '"items"', '"channel"', '"ws-message"', '"http-response"', '"__proto__"', '"action":"close",'],
];

const word = fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('a', 'é', 'AA==', '\r\n', '\ud800', ''));
const text = jsonString(word);
const number = fc.oneof(
  fc.integer().map(String),
  jsonString(fc.constantFrom('200', ' 7', 'x', '-1', '')),
  fc.constantFrom('200', '1000', '65536', '0.4', 'true', '1e300', '9007199254740993'),
);
const action = jsonString(fc.constantFrom('send', 'send', 'close', 'hint', 'refresh', 'other'));
const filters = jsonList(jsonString(fc.constantFrom('skip-self', 'build-id', 'x')));

const formats = {
  'http-response': jsonObject({
    action,
    code: number,
    reason: text,
    headers: fc.oneof(
      jsonObject({ 'X-A': text, b: text }),
      jsonList(fc.tuple(text, text).map(([name, value]) => `[${name},${value}]`)),
    ),
    body: text,
    'body-bin': text,
    'body-patch': jsonList(jsonObject({ op: jsonString(fc.constantFrom('add', 'x')), path: text, value: text })),
    'content-filters': filters,
  }),
  'http-stream': jsonObject({ action, content: text, 'content-bin': text, 'content-filters': filters }),
  'ws-message': jsonObject({
    action,
    type: jsonString(fc.constantFrom('text', 'binary', 'ping', 'pong', 'other')),
    content: text,
    'content-bin': text,
    code: number,
    reason: text,
    'content-filters': filters,
  }),
};

const itemJson = jsonObject({
  channel: text,
  id: text,
  'prev-id': text,
  formats: jsonObject(formats),
  ...formats,
  meta: jsonObject({ user: text }),
  size: number,
  'no-seq': fc.constantFrom('true', 'false'),
});

function expectDeliverable(item: Item): void {
  const { response, websocket } = item.formats;
  if (response?.action === 'send') {
    expect((response.body === undefined) !== (response.patch === undefined)).toBe(true);
    expect(response.code >= 0 && response.code <= 999).toBe(true);
    expect(isHeaderValue(response.reason)).toBe(true);
    expect(response.headers.every(([name, value]) => isHeaderName(name) && isHeaderValue(value))).toBe(true);
  }
  if (websocket?.action === 'close') expect(websocket.code === undefined || websocket.code <= 0xffff).toBe(true);
  if (websocket?.action === 'send' && (websocket.type === 'ping' || websocket.type === 'pong')) {
    expect(websocket.content.length).toBeLessThanOrEqual(125);
  }
}

/** A value that both encodings can hold, without null, which they take differently. */
const { value } = fc.letrec<{ value: TnetInput; leaf: TnetInput; map: ReadonlyMap<string, TnetInput> }>((tie) => ({
  leaf: fc.oneof(
    fc.string({ unit: 'binary', maxLength: 4 }),
    fc.boolean(),
    fc.constantFrom(0, 7, 200, 1.5, -3, 2 ** 60),
  ),
  value: fc.oneof({ weight: 3, arbitrary: tie('leaf') }, tie('map'), fc.array(tie('leaf'), { maxLength: 3 })),
  map: mapOf(tie('leaf'), ['X-A', 'op', 'path', 'user', ...NAMES_OF_OBJECTS]),
}));

/** Mostly what the member should be, now and then anything. */
function or(arbitrary: fc.Arbitrary<TnetInput>): fc.Arbitrary<TnetInput> {
  return fc.oneof({ weight: 5, arbitrary }, { weight: 1, arbitrary: value });
}

function mapOf(
  member: fc.Arbitrary<TnetInput>,
  names: readonly string[],
): fc.Arbitrary<ReadonlyMap<string, TnetInput>> {
  return fc.array(fc.tuple(fc.constantFrom(...names), member), { maxLength: 6 }).map((members) => new Map(members));
}

function formatOf(members: Readonly<Record<string, fc.Arbitrary<TnetInput>>>): fc.Arbitrary<TnetInput> {
  const some = Object.entries(members).map(([name, arbitrary]) =>
    fc.option(or(arbitrary).map((member): [string, TnetInput] => [name, member])),
  );
  return fc.tuple(...some).map((list) => new Map(list.filter((member) => member !== null)));
}

const plain = fc.string({ unit: 'binary', maxLength: 5 });
const choice = fc.constantFrom('send', 'send', 'close', 'hint', 'refresh');
const item: fc.Arbitrary<TnetInput> = formatOf({
  channel: plain,
  id: plain,
  'prev-id': plain,
  'no-seq': fc.boolean(),
  size: fc.nat(),
  meta: mapOf(plain, ['user', ...NAMES_OF_OBJECTS]),
  formats: formatOf({
    'http-response': formatOf({
      action: choice,
      code: fc.nat({ max: 1_100 }),
      reason: plain,
      headers: mapOf(plain, ['X-A', 'x-a', 'Set-Cookie']),
      body: plain,
      'body-patch': fc.array(mapOf(plain, ['op', 'path', '__proto__']), { maxLength: 2 }),
    }),
    'http-stream': formatOf({ action: choice, content: plain, 'content-filters': fc.array(plain, { maxLength: 2 }) }),
    'ws-message': formatOf({
      action: choice,
      type: fc.constantFrom('text', 'binary', 'ping'),
      content: plain,
      code: fc.nat({ max: 70_000 }),
      reason: plain,
    }),
  }),
});

/** Written by hand, because an object cannot have a member `__proto__` that way. */
function toJson(input: TnetInput): string {
  if (input instanceof Uint8Array) throw new TypeError('JSON has no bytes');
  if (input instanceof Map) {
    return `{${[...input].map(([name, member]) => `${JSON.stringify(name)}:${toJson(member)}`).join(',')}}`;
  }
  return Array.isArray(input) ? `[${input.map(toJson).join(',')}]` : JSON.stringify(input);
}

describe('a published item', () => {
  it(
    'in JSON is deliverable or refused, whatever its members are',
    () =>
      share.check(
        fc.property(itemJson, (json) => {
          const outcome = outcomeOf(() => parseItemJson(JSON.parse(json)), 'HOLDFAST_ITEM_INVALID');
          expectCleanPrototypes();
          if (outcome.kind === 'value') expectDeliverable(outcome.value);
        }),
      ),
    share.timeout,
  );

  it(
    'means the same in a tnetstring as in JSON',
    () =>
      share.check(
        fc.property(item, (input) => {
          const json = outcomeOf(() => parseItemJson(JSON.parse(toJson(input))), 'HOLDFAST_ITEM_INVALID');
          const wire = encodeTnetstring(input);
          const tnet = outcomeOf(() => parseItemTnet(decodeTnetstring(wire)), 'HOLDFAST_ITEM_INVALID');
          if (json.kind === 'value') expect(tnet).toEqual(json);
          else expect(tnet.kind).toBe('refused');
        }),
      ),
    share.timeout,
  );

  it(
    'is taken or refused by every door with the same outcome',
    () =>
      share.check(
        fc.property(itemJson, (json) => {
          const direct = outcomeOf(() => parseItemJson(JSON.parse(json)), 'HOLDFAST_ITEM_INVALID');
          const body = Buffer.from(`{"items":[${json}]}`);
          const door = outcomeOf(() => parsePublishBody(body).items, 'HOLDFAST_ITEM_INVALID');
          const message = parsePublishMessage(Buffer.from(`J${json}`));
          if (direct.kind === 'value') {
            expect(door).toEqual({ kind: 'value', value: [direct.value] });
            expect(message).toEqual({ kind: 'item', item: direct.value });
          } else {
            expect(door).toEqual({ ...direct, message: `Invalid format: ${direct.message}` });
            expect(message).toEqual({ kind: 'invalid', detail: direct.message });
          }
        }),
      ),
    share.timeout,
  );

  it(
    'never makes a publish message or body throw anything else when some of its bytes are wrong',
    () => {
      const wires = fc.oneof(
        itemJson.map((json) => Buffer.from(`J${json}`)),
        item.map((input) => Buffer.concat([Buffer.from('T'), encodeTnetstring(input)])),
        itemJson.map((json) => Buffer.from(`{"items":[${json}]}`)),
      );
      share.check(
        fc.property(byteMutationsOf(wires, PIECES), (bytes) => {
          const message = parsePublishMessage(bytes);
          const body = outcomeOf(() => parsePublishBody(bytes).items, 'HOLDFAST_ITEM_INVALID');
          expectCleanPrototypes();
          if (message.kind === 'item') expectDeliverable(message.item);
          if (body.kind === 'value') for (const one of body.value) expectDeliverable(one);
        }),
      );
    },
    share.timeout,
  );

  it(
    'is read in time when it is long or deep',
    () =>
      share.check(
        fc.property(longTextOf(PIECES), fc.constantFrom('', 'J', 'T'), (input, letter) => {
          const bytes = Buffer.from(letter + input);
          expect(['item', 'syntax', 'invalid']).toContain(parsePublishMessage(bytes).kind);
          expect(['value', 'refused']).toContain(
            outcomeOf(() => parsePublishBody(bytes), 'HOLDFAST_ITEM_INVALID').kind,
          );
        }),
      ),
    share.timeout,
  );
});
