/**
 * Reads published items, whichever encoding they came in (specification 5.1 to 5.4): which members there are, in which
 * order they are checked, and what is said when one is wrong. How a member looks in JSON or in a tnetstring is the
 * business of `item-json.ts` and `item-tnetstring.ts`.
 */
import { HoldfastError } from '../errors/holdfast-error.js';
import { type Header, type HeaderList, isHeaderName, isHeaderValue, trimValue } from './headers.js';
import type {
  Item,
  ItemAction,
  ItemFormats,
  PatchOperation,
  ResponseFormat,
  StreamFormat,
  WebSocketFormat,
  WebSocketMessageType,
} from './item.js';
import { integerOf } from './json-shape.js';
import { reasonOf } from './status-reasons.js';

/** What the transport knows beside the item. */
export interface ItemOptions {
  /** Takes the place of the member `channel`, which is then not looked at (the topic of a ZeroMQ SUB message). */
  readonly channel?: string | undefined;
}

/** One encoding of items, over its own type of values. Readers give undefined for a value of another type. */
export interface ItemEncoding<V> {
  /** Strings cannot hold every byte, so that `body-bin` and `content-bin` exist and hold base64. */
  readonly textOnly: boolean;
  isObject(value: V): boolean;
  /** Undefined when absent. Only called with values that `isObject` accepts, as is `members`. */
  member(object: V, name: string): V | undefined;
  members(object: V): Iterable<readonly [string, V]>;
  list(value: V): readonly V[] | undefined;
  text(value: V): string | undefined;
  /** A string's bytes, UTF-8 where the encoding has characters. */
  bytes(value: V): Buffer | undefined;
  /** Bytes of a member whose name ends in `-bin`. */
  binary(value: V): Buffer | undefined;
  boolean(value: V): boolean | undefined;
  /** Numbers (rounded), numeric strings and booleans; a string that is no number gives 0. */
  integer(value: V): number | undefined;
  patchOperation(value: V): PatchOperation | undefined;
}

const ITEM = 'publish item object';
const MAX_CONTROL_CONTENT = 125;

/**
 * Throws a refused item.
 *
 * @param detail - what 5.4 says about it
 * @throws HoldfastError HOLDFAST_ITEM_INVALID with `detail` as its message, always
 */
export function refuseItem(detail: string): never {
  throw new HoldfastError('HOLDFAST_ITEM_INVALID', detail);
}

/** The integer of a number, boolean or string; a string that is none counts as 0 (5.3), other types give undefined. */
export function itemIntegerOf(value: unknown): number | undefined {
  return integerOf(value) ?? (typeof value === 'string' ? 0 : undefined);
}

/** Members of one object, read with the texts of 5.4; `subject` is what those call the object. */
class Members<V> {
  constructor(
    private readonly encoding: ItemEncoding<V>,
    private readonly object: V,
    private readonly subject: string,
  ) {}

  get(name: string): V | undefined {
    return this.encoding.member(this.object, name);
  }

  text(name: string): string | undefined {
    return this.read(name, this.encoding.text);
  }

  bytes(name: string): Buffer | undefined {
    return this.read(name, this.encoding.bytes);
  }

  binary(name: string): Buffer | undefined {
    return this.read(name, this.encoding.binary);
  }

  boolean(name: string): boolean | undefined {
    return this.read(name, this.encoding.boolean);
  }

  list(name: string): readonly V[] | undefined {
    return this.read(name, this.encoding.list);
  }

  integer(name: string, max: number): number | undefined {
    const value = this.read(name, this.encoding.integer);
    if (value !== undefined && !(value >= 0 && value <= max)) return this.refuse(name, 'invalid value');
    return value;
  }

  refuse(name: string, fault: string): never {
    return refuseItem(`${this.subject} contains '${name}' with ${fault}`);
  }

  private read<T>(name: string, reader: (value: V) => T | undefined): T | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const read = reader(value);
    if (read === undefined) return this.refuse(name, 'wrong type');
    return read;
  }
}

/** A header line as a byte string; what could not be sent without breaking the response head is refused. */
function headerOf<V>(fields: Members<V>, name: string, value: Buffer): Header {
  const text = value.toString('latin1');
  if (!isHeaderName(name) || !isHeaderValue(text)) return fields.refuse('headers', 'invalid name or value');
  return [name, trimValue(text)];
}

function headersOf<V>(encoding: ItemEncoding<V>, fields: Members<V>): HeaderList {
  const value = fields.get('headers');
  if (value === undefined) return [];
  const lines = encoding.list(value);
  if (lines !== undefined) {
    return lines.map((line) => {
      const pair = encoding.list(line);
      if (pair === undefined) return refuseItem('headers contains element with wrong type');
      const [name, text] = pair;
      if (pair.length !== 2 || name === undefined || text === undefined) {
        return refuseItem('headers contains list with wrong number of elements');
      }
      return headerOf(
        fields,
        encoding.text(name) ?? refuseItem('header contains name element with wrong type'),
        encoding.bytes(text) ?? refuseItem('header contains value element with wrong type'),
      );
    });
  }
  if (!encoding.isObject(value)) return fields.refuse('headers', 'wrong type');
  const headers: HeaderList = [];
  for (const [name, text] of encoding.members(value)) {
    const bytes = encoding.bytes(text) ?? refuseItem(`headers contains '${name}' with wrong type`);
    headers.push(headerOf(fields, name, bytes));
  }
  return headers.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
}

function actionOf<V>(fields: Members<V>): ItemAction {
  const action = fields.text('action') ?? 'send';
  if (action !== 'send' && action !== 'hint' && action !== 'close' && action !== 'refresh') return refuseItem('');
  return action;
}

function contentFiltersOf<V>(encoding: ItemEncoding<V>, fields: Members<V>): readonly string[] | undefined {
  const list = fields.list('content-filters');
  return list?.map((filter) => encoding.text(filter) ?? refuseItem('content-filters contains element with wrong type'));
}

function reasonText<V>(fields: Members<V>, code: number): string {
  const bytes = fields.bytes('reason');
  if (bytes === undefined || bytes.length === 0) return reasonOf(code);
  const text = bytes.toString('latin1');
  return isHeaderValue(text) ? text : fields.refuse('reason', 'invalid value');
}

function responseFormat<V>(encoding: ItemEncoding<V>, fields: Members<V>): ResponseFormat {
  const action = actionOf(fields);
  if (action !== 'send') return { action };
  const code = fields.integer('code', 999) ?? 200;
  const reason = reasonText(fields, code);
  const headers = headersOf(encoding, fields);
  const contentFilters = contentFiltersOf(encoding, fields);
  const body = (encoding.textOnly ? fields.binary('body-bin') : undefined) ?? fields.bytes('body');
  if (body !== undefined) return { action, code, reason, headers, body, patch: undefined, contentFilters };
  const patch = fields
    .list('body-patch')
    ?.map((operation) => encoding.patchOperation(operation) ?? fields.refuse('body-patch', 'wrong type'));
  if (patch !== undefined) return { action, code, reason, headers, body: undefined, patch, contentFilters };
  const choice = encoding.textOnly ? "'body', 'body-bin', or 'body-patch'" : "'body' or 'body-patch'";
  return refuseItem(`'http-response' does not contain ${choice}`);
}

function streamFormat<V>(encoding: ItemEncoding<V>, fields: Members<V>): StreamFormat {
  const action = actionOf(fields);
  if (action !== 'send') return { action };
  const contentFilters = contentFiltersOf(encoding, fields);
  const content = (encoding.textOnly ? fields.binary('content-bin') : undefined) ?? fields.bytes('content');
  if (content !== undefined) return { action, content, contentFilters };
  return refuseItem(`'http-stream' does not contain 'content'${encoding.textOnly ? " or 'content-bin'" : ''}`);
}

function messageTypeOf<V>(fields: Members<V>): WebSocketMessageType | undefined {
  const type = fields.text('type');
  if (type === undefined || type === 'text' || type === 'binary' || type === 'ping' || type === 'pong') return type;
  return fields.refuse('type', 'unknown value');
}

function webSocketFormat<V>(encoding: ItemEncoding<V>, fields: Members<V>): WebSocketFormat {
  const action = actionOf(fields);
  if (action === 'close') {
    const code = fields.integer('code', 0xffff) ?? 0;
    return { action, code: code === 0 ? undefined : code, reason: fields.text('reason') ?? '' };
  }
  if (action !== 'send') return { action };
  const given = messageTypeOf(fields);
  const contentFilters = contentFiltersOf(encoding, fields);
  const binary = fields.binary('content-bin');
  const content = binary ?? fields.bytes('content');
  const type = given ?? (binary === undefined ? 'text' : 'binary');
  if (type === 'ping' || type === 'pong') {
    if (content !== undefined && content.length > MAX_CONTROL_CONTENT) {
      return fields.refuse(binary === undefined ? 'content' : 'content-bin', 'invalid value');
    }
    return { action, type, content: content ?? Buffer.alloc(0), contentFilters };
  }
  if (content !== undefined) return { action, type, content, contentFilters };
  return refuseItem("'ws-message' does not contain 'content' or 'content-bin'");
}

function formatsOf<V>(encoding: ItemEncoding<V>, item: V, fields: Members<V>): ItemFormats {
  const formats = fields.get('formats');
  if (formats !== undefined) {
    if (!encoding.isObject(formats)) return fields.refuse('formats', 'wrong type');
    if (isEmpty(encoding.members(formats))) return refuseItem('no formats specified');
  }
  const source = formats ?? item;
  const read = <T>(name: string, parse: (encoding: ItemEncoding<V>, fields: Members<V>) => T): T | undefined => {
    const value = encoding.member(source, name);
    if (value === undefined) return undefined;
    if (!encoding.isObject(value)) return refuseItem(`'${name}' is not an object`);
    return parse(encoding, new Members(encoding, value, `'${name}'`));
  };
  const response = read('http-response', responseFormat);
  const stream = read('http-stream', streamFormat);
  const websocket = read('ws-message', webSocketFormat);
  if (formats === undefined && response === undefined && stream === undefined && websocket === undefined) {
    return refuseItem('no formats specified');
  }
  return { response, stream, websocket };
}

function isEmpty(members: Iterable<unknown>): boolean {
  return members[Symbol.iterator]().next().done === true;
}

function metaOf<V>(encoding: ItemEncoding<V>, fields: Members<V>): ReadonlyMap<string, string> {
  const meta = new Map<string, string>();
  const value = fields.get('meta');
  if (value === undefined) return meta;
  if (!encoding.isObject(value)) return fields.refuse('meta', 'wrong type');
  for (const [name, text] of encoding.members(value)) {
    meta.set(name, encoding.text(text) ?? refuseItem(`'meta' contains '${name}' with wrong type`));
  }
  return meta;
}

/**
 * Reads one item. Header names, header values and reasons come out with one character for each byte (UTF-8 bytes where
 * they were text), names of the object form in order; a code of 0 in a WebSocket close counts as none.
 *
 * @param value - the item as its encoding decodes it
 * @throws HoldfastError HOLDFAST_ITEM_INVALID with a text of 5.4 as its message; that of an unknown action is empty
 */
export function parseItem<V>(encoding: ItemEncoding<V>, value: V, options: ItemOptions = {}): Item {
  if (!encoding.isObject(value)) return refuseItem(`${ITEM} is not an object`);
  const fields = new Members(encoding, value, ITEM);
  const channel = options.channel ?? fields.text('channel') ?? refuseItem(`${ITEM} does not contain 'channel'`);
  const id = fields.text('id');
  const prevId = fields.text('prev-id');
  const formats = formatsOf(encoding, value, fields);
  const meta = metaOf(encoding, fields);
  const size = fields.integer('size', Number.MAX_SAFE_INTEGER);
  const noSeq = fields.boolean('no-seq') ?? false;
  return { channel, id, prevId, formats, meta, size, noSeq };
}

/**
 * Reads the items of a publish request. One bad item refuses them all.
 *
 * @param value - the member `items`; undefined when there is none
 * @throws HoldfastError HOLDFAST_ITEM_INVALID with a text of 7.3 as its message
 */
export function parseItems<V>(encoding: ItemEncoding<V>, value: V | undefined): Item[] {
  if (value === undefined) return refuseItem("Invalid format: object does not contain 'items'");
  const items = encoding.list(value) ?? refuseItem("Invalid format: object contains 'items' with wrong type");
  try {
    return items.map((item) => parseItem(encoding, item));
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return refuseItem(`Invalid format: ${error.message}`);
  }
}
