/** A subscriber that keeps what it gets, as text, and may do something when it gets it. */
import type { Encoding, Publication } from '../../src/hub/publication.js';
import type { Subscriber, SubscriberKind, Subscription } from '../../src/hub/subscriber.js';
import { textOf } from './item-text.js';

/** Stream content followed by a semicolon, so that a joined buffer can be taken apart again. */
export const textEncoding: Encoding = {
  encode({ formats: { stream } }) {
    if (stream === undefined) return Buffer.alloc(0);
    return stream.action === 'send' ? Buffer.from(`${stream.content};`) : undefined;
  },
};

export interface RecordingOptions {
  readonly kind?: SubscriberKind;
  readonly encoding?: Encoding | undefined;
  readonly rateBucket?: string;
  /** Called for each item, after it was recorded. */
  readonly onItem?: (text: string, subscription: Subscription | undefined) => void;
}

export class RecordingSubscriber implements Subscriber {
  readonly kind: SubscriberKind;
  readonly encoding: Encoding | undefined;
  readonly rateBucket: string;
  /** Texts of all items, in order. */
  readonly received: string[] = [];
  /** One entry for each call: the joined text with the number of items in it, or the text of a single item. */
  readonly calls: ([text: string, count: number] | string)[] = [];
  private readonly onItem: RecordingOptions['onItem'];

  /** Without options: a stream that takes `textEncoding`. An encoding of undefined has each item handed over. */
  constructor(options: RecordingOptions = {}) {
    const { kind = 'stream', rateBucket = '', onItem } = options;
    this.kind = kind;
    this.encoding = 'encoding' in options ? options.encoding : textEncoding;
    this.rateBucket = rateBucket;
    this.onItem = onItem;
  }

  write(bytes: Buffer, count: number): boolean {
    const text = bytes.toString();
    this.calls.push([text, count]);
    for (const one of text.split(';').slice(0, -1)) {
      this.received.push(one);
      this.onItem?.(one, undefined);
    }
    return true;
  }

  deliver({ item, tally }: Publication, subscription: Subscription): void {
    const text = textOf(item, this.kind);
    tally?.count(this.kind, 'delivered');
    this.calls.push(text);
    this.received.push(text);
    this.onItem?.(text, subscription);
  }
}
