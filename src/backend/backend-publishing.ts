/** Publishing for the built-in backends: to the holds of all processes, in one order. */
import type { Item } from '../protocol/item.js';

export interface BackendPublishing {
  /** @param traceparent - trace context of who publishes */
  publish(item: Item, traceparent?: string): void;
  /** So much waits for a slow process that who publishes should wait for `whenClear`. */
  readonly congested: boolean;
  /** Calls `run` once, when there is room again; at once when there is. */
  whenClear(run: () => void): void;
}
