/** Published items in tnetstrings, and the payload of ZeroMQ publish messages (specification 5.1, 8.1, 8.2). */
import { HoldfastError } from '../errors/holdfast-error.js';
import type { Item, PatchOperation } from './item.js';
import { parseItemJson } from './item-json.js';
import { type ItemEncoding, type ItemOptions, itemIntegerOf, parseItem, parseItems } from './item-parser.js';
import { isJsonObject, readJson } from './json-shape.js';
import { decodeTnetstring, type TnetValue } from './tnetstring.js';

/**
 * What a ZeroMQ payload turned out to be. `detail` is the part of the log text in 8.1 that differs: for `syntax` it
 * stands in brackets behind `received message with invalid format`, for `invalid` behind a colon.
 */
export type PublishMessage =
  | { readonly kind: 'item'; readonly item: Item }
  | { readonly kind: 'syntax'; readonly detail: string }
  | { readonly kind: 'invalid'; readonly detail: string };

const LETTER_J = 0x4a;
const LETTER_T = 0x54;

function bytesOf(value: TnetValue): Buffer | undefined {
  return Buffer.isBuffer(value) ? value : undefined;
}

/** What JSON would have held in its place; `body-patch` works on JSON. */
function jsonOf(value: TnetValue): unknown {
  if (Buffer.isBuffer(value)) return value.toString('utf8');
  if (Array.isArray(value)) return value.map(jsonOf);
  return value instanceof Map ? jsonObjectOf(value) : value;
}

function jsonObjectOf(map: ReadonlyMap<string, TnetValue>): PatchOperation {
  return Object.fromEntries(Array.from(map, ([name, member]) => [name, jsonOf(member)] as const));
}

const TNET_ENCODING: ItemEncoding<TnetValue> = {
  textOnly: false,
  isObject: (value) => value instanceof Map,
  // Null members count as absent.
  member: (object, name) => (object instanceof Map ? (object.get(name) ?? undefined) : undefined),
  members: (object) => (object instanceof Map ? object : []),
  list: (value) => (Array.isArray(value) ? value : undefined),
  text: (value) => bytesOf(value)?.toString('utf8'),
  bytes: bytesOf,
  binary: bytesOf,
  boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  integer: (value) => itemIntegerOf(Buffer.isBuffer(value) ? value.toString('latin1') : value),
  patchOperation: (value) => (value instanceof Map ? jsonObjectOf(value) : undefined),
};

/**
 * Reads an item from a decoded tnetstring.
 *
 * @throws HoldfastError HOLDFAST_ITEM_INVALID with a text of 5.4 as its message
 */
export function parseItemTnet(value: TnetValue, options: ItemOptions = {}): Item {
  return parseItem(TNET_ENCODING, value, options);
}

/**
 * Reads the member `items` of a publish command; undefined when it has none.
 *
 * @throws HoldfastError HOLDFAST_ITEM_INVALID with a text of 7.3 as its message
 */
export function parseItemsTnet(value: TnetValue | undefined): Item[] {
  return parseItems(TNET_ENCODING, value);
}

/**
 * Reads the payload of a PULL or SUB message: `J` and a JSON object, `T` and a tnetstring, or a bare tnetstring.
 * Contents of the item may be views of `message`. Never throws for what the payload holds.
 */
export function parsePublishMessage(message: Buffer, options: ItemOptions = {}): PublishMessage {
  if (message[0] === LETTER_J) {
    const reading = readJson(message.subarray(1));
    if (reading.kind === 'syntax') return { kind: 'syntax', detail: 'json parse failed' };
    if (!isJsonObject(reading.value)) return { kind: 'syntax', detail: 'not a valid json object' };
    const { value } = reading;
    return itemOrFault(() => parseItemJson(value, options));
  }
  let value: TnetValue;
  try {
    value = decodeTnetstring(message[0] === LETTER_T ? message.subarray(1) : message);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { kind: 'syntax', detail: 'tnetstring parse failed' };
  }
  return itemOrFault(() => parseItemTnet(value, options));
}

function itemOrFault(parse: () => Item): PublishMessage {
  try {
    return { kind: 'item', item: parse() };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { kind: 'invalid', detail: error.message };
  }
}
