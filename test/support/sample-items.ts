/** Published items as tests need them: the shortest way to say what an item is about. */
import type { Item, ItemFormats, ResponseFormat } from '../../src/protocol/item.js';

/** What an item has beside its channel and formats. */
export type ItemExtras = Partial<Pick<Item, 'id' | 'prevId' | 'size' | 'noSeq' | 'meta'>>;

/** An item with exactly these formats. */
export function itemOf(channel: string, formats: Partial<ItemFormats>, extras: ItemExtras = {}): Item {
  return {
    channel,
    id: undefined,
    prevId: undefined,
    formats: { response: undefined, stream: undefined, websocket: undefined, ...formats },
    meta: new Map(),
    size: undefined,
    noSeq: false,
    ...extras,
  };
}

/** A text for streams only. */
export function streamItem(channel: string, text: string, extras: ItemExtras = {}): Item {
  return itemOf(channel, { stream: { action: 'send', content: Buffer.from(text), contentFilters: undefined } }, extras);
}

/** The same text for all kinds of hold. */
export function textItem(channel: string, text: string, extras: ItemExtras = {}): Item {
  const content = Buffer.from(text);
  return itemOf(
    channel,
    {
      response: responseFormat({ body: content }),
      stream: { action: 'send', content, contentFilters: undefined },
      websocket: { action: 'send', type: 'text', content, contentFilters: undefined },
    },
    extras,
  );
}

/** An item that only acts, on streams. */
export function streamAction(channel: string, action: 'hint' | 'close' | 'refresh', extras: ItemExtras = {}): Item {
  return itemOf(channel, { stream: { action } }, extras);
}

type SendResponse = Extract<ResponseFormat, { action: 'send' }>;

/** A 200 without headers and with an empty body, unless said otherwise. */
export function responseFormat(parts: Partial<Omit<SendResponse, 'action'>>): SendResponse {
  return {
    action: 'send',
    code: 200,
    reason: 'OK',
    headers: [],
    body: Buffer.alloc(0),
    patch: undefined,
    contentFilters: undefined,
    ...parts,
  };
}
