/**
 * What a hub tells the process that takes the items in, where that is another one (docs/architecture.md, "Workers").
 * Each opening is answered with `Hub.opened`; from then on every item that is published to the channel comes in
 * through `Hub.receive`, in order.
 */
export interface Uplink {
  /** A channel has been opened here. */
  open(channel: string): void;
  /** It is closed: no more of its items, please. */
  close(channel: string): void;
  /** The number of its subscribers has changed. */
  counted(channel: string): void;
  /** The id that its last item had is not to be relied on. */
  forgetLastId(channel: string): void;
}
