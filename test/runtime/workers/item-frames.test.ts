import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  Item,
  PatchOperation,
  ResponseFormat,
  StreamFormat,
  WebSocketFormat,
} from '../../../src/protocol/item.js';
import { parsePublishBody } from '../../../src/protocol/item-json.js';
import { parseItemTnet } from '../../../src/protocol/item-tnetstring.js';
import { decodeTnetstring, encodeTnetstring } from '../../../src/protocol/tnetstring.js';
import { FrameReader, FrameWriter } from '../../../src/runtime/workers/frames.js';
import { readItem, writeItem } from '../../../src/runtime/workers/item-frames.js';
import { itemOf, responseFormat } from '../../support/sample-items.js';

/** The item as a worker has it. */
function sent(item: Item): Item {
  const writer = new FrameWriter();
  writer.begin(1);
  writeItem(writer, item);
  let read: Item | undefined;
  new FrameReader((_type, payload) => {
    read = readItem(payload);
    expect(payload.more).toBe(false);
  }).read(writer.end());
  if (read === undefined) throw new Error('no frame came');
  return read;
}

const text = fc.string({ unit: 'binary', maxLength: 8 });
const bytes = fc.uint8Array({ maxLength: 12 }).map((list) => Buffer.from(list));
/** Header values are byte strings. */
const byteText = bytes.map((list) => list.toString('latin1'));
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const filters = maybe(fc.array(text, { maxLength: 3 }));
const actions = fc.constantFrom('hint' as const, 'close' as const, 'refresh' as const);
const json = fc.jsonValue() as fc.Arbitrary<unknown>;
const patch: fc.Arbitrary<PatchOperation[]> = fc.array(
  fc.dictionary(fc.oneof(text, fc.constant('__proto__')), json, { maxKeys: 3 }),
  { maxLength: 3 },
);

const response: fc.Arbitrary<ResponseFormat> = fc.oneof(
  actions.map((action) => ({ action })),
  fc
    .tuple(
      fc.record({
        action: fc.constant('send' as const),
        code: fc.nat({ max: 999 }),
        reason: byteText,
        headers: fc.array(fc.tuple(text, byteText), { maxLength: 3 }),
        contentFilters: filters,
      }),
      fc.oneof(
        bytes.map((body) => ({ body, patch: undefined })),
        patch.map((operations) => ({ body: undefined, patch: operations })),
      ),
    )
    .map(([format, content]) => ({ ...format, ...content })),
);
const stream: fc.Arbitrary<StreamFormat> = fc.oneof(
  actions.map((action) => ({ action })),
  fc.record({ action: fc.constant('send' as const), content: bytes, contentFilters: filters }),
);
const websocket: fc.Arbitrary<WebSocketFormat> = fc.oneof(
  fc.constantFrom('hint' as const, 'refresh' as const).map((action) => ({ action })),
  fc.record({ action: fc.constant('close' as const), code: maybe(fc.integer({ min: 1, max: 0xffff })), reason: text }),
  fc.record({
    action: fc.constant('send' as const),
    type: fc.constantFrom('text' as const, 'binary' as const, 'ping' as const, 'pong' as const),
    content: bytes,
    contentFilters: filters,
  }),
);
const anyItem: fc.Arbitrary<Item> = fc.record({
  channel: text,
  id: maybe(text),
  prevId: maybe(text),
  formats: fc.record({ response: maybe(response), stream: maybe(stream), websocket: maybe(websocket) }),
  meta: fc.array(fc.tuple(text, text), { maxLength: 3 }).map((pairs) => new Map(pairs)),
  size: maybe(fc.maxSafeNat()),
  noSeq: fc.boolean(),
});

describe('an item on the bus', () => {
  it('is the same in the worker, whatever it is', () => {
    fc.assert(
      fc.property(anyItem, (item) => {
        // Not strictly: what fast-check makes has no prototypes.
        expect(sent(item)).toEqual(item);
      }),
      { numRuns: 400 },
    );
  });

  it('is the same when it was published as JSON or as a tnetstring', () => {
    const published = {
      channel: 'grüße',
      id: '2',
      'prev-id': '1',
      'no-seq': true,
      size: 5_000_000_000,
      meta: { user: 'ü' },
      formats: {
        'http-response': {
          code: 404,
          headers: [
            ['Set-Cookie', 'a=1'],
            ['Set-Cookie', 'ü'],
          ],
          'body-patch': [{ op: 'add', path: '/a', value: { __proto__: null, list: [1, 2.5, true, null] } }],
        },
        'http-stream': { action: 'close' },
        'ws-message': { action: 'close', code: 4000, reason: 'so\ud800' },
      },
    };
    const [fromJson] = parsePublishBody(Buffer.from(JSON.stringify({ items: [published] }))).items;
    if (fromJson === undefined) throw new Error('no item');
    expect(sent(fromJson)).toStrictEqual(fromJson);
    const operation = new Map<string, string | number>([
      ['op', 'add'],
      ['value', 1.5],
    ]);
    const map = new Map([['http-response', new Map([['body-patch', [operation]]])]]);
    const fromTnet = parseItemTnet(decodeTnetstring(encodeTnetstring(map)), { channel: 'c' });
    expect(sent(fromTnet)).toStrictEqual(fromTnet);
  });

  it('keeps numbers in a patch that JSON cannot say', () => {
    const item = itemOf('c', {
      response: responseFormat({ body: undefined, patch: [{ value: Number.POSITIVE_INFINITY, other: -0 }] }),
    });
    expect(sent(item)).toStrictEqual(item);
  });

  it('with a patch that is nested too deeply is sent as one that cannot be applied either', () => {
    const depth = 100_000;
    const value: unknown = JSON.parse('['.repeat(depth) + ']'.repeat(depth));
    const item = itemOf('c', {
      response: responseFormat({ body: undefined, patch: [{ op: 'add', path: '/a', value }] }),
    });
    expect(sent(item).formats.response).toMatchObject({ body: undefined, patch: [{}] });
  });
});
