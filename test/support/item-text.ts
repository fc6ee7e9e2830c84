/** What an item says to a kind of hold, as tests compare it. */
import type { SubscriberKind } from '../../src/hub/subscriber.js';
import type { Item } from '../../src/protocol/item.js';

/** The text of an item for a kind of hold; the action in angle brackets when it is another than `send`. */
export function textOf({ formats }: Item, kind: SubscriberKind): string {
  const format = kind === 'response' ? formats.response : kind === 'stream' ? formats.stream : formats.websocket;
  if (format === undefined) return '<nothing>';
  if (format.action !== 'send') return `<${format.action}>`;
  return ('content' in format ? format.content : format.body)?.toString() ?? '<patch>';
}
