/** Published items and their formats (specification 5.1 to 5.4). */
import type { HeaderList } from './headers.js';

/** What an item does to a hold it reaches. */
export type ItemAction = 'send' | 'hint' | 'close' | 'refresh';

/** One operation of a `body-patch` (specification 5.5); left as parsed until it is applied. */
export type PatchOperation = Readonly<Record<string, unknown>>;

export type ResponseFormat =
  | {
      readonly action: 'send';
      readonly code: number;
      readonly reason: string;
      readonly headers: HeaderList;
      /** Exactly one of `body` and `patch` is set. */
      readonly body: Buffer | undefined;
      readonly patch: readonly PatchOperation[] | undefined;
      readonly contentFilters: readonly string[] | undefined;
    }
  | { readonly action: 'hint' | 'close' | 'refresh' };

export type StreamFormat =
  | { readonly action: 'send'; readonly content: Buffer; readonly contentFilters: readonly string[] | undefined }
  | { readonly action: 'hint' | 'close' | 'refresh' };

export type WebSocketMessageType = 'text' | 'binary' | 'ping' | 'pong';

export type WebSocketFormat =
  | {
      readonly action: 'send';
      readonly type: WebSocketMessageType;
      readonly content: Buffer;
      readonly contentFilters: readonly string[] | undefined;
    }
  /** `code` undefined: the close frame carries none of ours (the client is told 1000). */
  | { readonly action: 'close'; readonly code: number | undefined; readonly reason: string }
  | { readonly action: 'hint' | 'refresh' };

export interface ItemFormats {
  readonly response: ResponseFormat | undefined;
  readonly stream: StreamFormat | undefined;
  readonly websocket: WebSocketFormat | undefined;
}

/** One published message for one channel. */
export interface Item {
  readonly channel: string;
  readonly id: string | undefined;
  readonly prevId: string | undefined;
  readonly formats: ItemFormats;
  readonly meta: ReadonlyMap<string, string>;
  /** Overrides the body size for block accounting; bytes. */
  readonly size: number | undefined;
  readonly noSeq: boolean;
}
