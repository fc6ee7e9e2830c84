/** An item on its way through the hub, with the bytes that were made of it: once for each encoding, not for each client. */
import type { PublishStep } from '../observe/steps.js';
import type { Item } from '../protocol/item.js';
import type { Tally } from './tally.js';

/**
 * A way to turn a plain `send` into bytes that every subscriber of that encoding receives alike. Encodings are
 * constants, compared by identity.
 */
export interface Encoding {
  /**
   * The bytes; `undefined` when the subscriber has to handle the item itself (another action than send, a
   * `content-filters` assertion); empty when the item has nothing for this kind of hold.
   */
  encode(item: Item): Buffer | undefined;
}

export class Publication {
  private encoding: Encoding | undefined = undefined;
  private bytes: Buffer | undefined = undefined;
  private others: Map<Encoding, Buffer | undefined> | undefined = undefined;
  /** Deliveries that wait for their turn, where the rate is limited. */
  owed = 0;

  constructor(
    readonly item: Item,
    /** Where each hold's outcome is counted, when the publisher asked for a report. */
    readonly tally: Tally | undefined = undefined,
    /** Clock milliseconds at which it came in. */
    readonly since = 0,
    /** Undefined: nobody listens. */
    readonly step: PublishStep | undefined = undefined,
  ) {}

  /** Bytes of this item in `encoding`, made at the first call; see {@link Encoding.encode}. */
  encoded(encoding: Encoding): Buffer | undefined {
    if (this.encoding === encoding) return this.bytes;
    if (this.encoding === undefined) {
      this.encoding = encoding;
      this.bytes = encoding.encode(this.item);
      return this.bytes;
    }
    this.others ??= new Map();
    if (!this.others.has(encoding)) this.others.set(encoding, encoding.encode(this.item));
    return this.others.get(encoding);
  }
}
