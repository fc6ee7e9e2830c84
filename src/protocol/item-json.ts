/** Published items in JSON, and the body of a publish request to the control port (specification 5.1, 7.3). */
import { decodeBase64 } from './base64.js';
import type { Item, PatchOperation } from './item.js';
import {
  type ItemEncoding,
  type ItemOptions,
  itemIntegerOf,
  parseItem,
  parseItems,
  refuseItem,
} from './item-parser.js';
import { isJsonObject, memberOf, readJson } from './json-shape.js';

const JSON_ENCODING: ItemEncoding<unknown> = {
  textOnly: true,
  isObject: isJsonObject,
  member: (object, name) => (isJsonObject(object) ? memberOf(object, name) : undefined),
  members: (object) => (isJsonObject(object) ? Object.entries(object) : []),
  list: (value) => (Array.isArray(value) ? value : undefined),
  text: (value) => (typeof value === 'string' ? value : undefined),
  bytes: (value) => (typeof value === 'string' ? Buffer.from(value) : undefined),
  binary: (value) => (typeof value === 'string' ? decodeBase64(value) : undefined),
  boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  integer: itemIntegerOf,
  patchOperation: (value): PatchOperation | undefined => (isJsonObject(value) ? value : undefined),
};

/**
 * Reads an item from a parsed JSON value.
 *
 * @throws HoldfastError HOLDFAST_ITEM_INVALID with a text of 5.4 as its message
 */
export function parseItemJson(value: unknown, options: ItemOptions = {}): Item {
  return parseItem(JSON_ENCODING, value, options);
}

/** What a publisher asks for. */
export interface PublishRequest {
  readonly items: Item[];
  /** `report: true` beside the items: what became of them is to be told. */
  readonly report: boolean;
}

/**
 * Reads the body of `POST /publish`. One bad item refuses them all.
 *
 * @throws HoldfastError HOLDFAST_ITEM_INVALID; its message is the text of the answer without the line end (7.3)
 */
export function parsePublishBody(body: Buffer): PublishRequest {
  const reading = readJson(body);
  if (reading.kind === 'syntax') return refuseItem('Body is not valid JSON.');
  if (Array.isArray(reading.value)) return refuseItem('Invalid format.');
  if (!isJsonObject(reading.value)) return refuseItem('Body is not valid JSON.');
  const items = parseItems(JSON_ENCODING, memberOf(reading.value, 'items'));
  return { items, report: memberOf(reading.value, 'report') === true };
}
