/** Control messages of GRIP over WebSocket: the JSON behind `c:` in what an origin sends (specification 11.4). */
import { decodeBase64 } from './base64.js';
import type { WebSocketMessageType } from './item.js';
import { integerOf, isJsonObject, type JsonObject, memberOf, readJson } from './json-shape.js';

/** How items of a channel that do not reach the client are to be made good. Not part of GRIP as others speak it. */
export interface ChannelRecovery {
  /** Id of the last item the client knows. */
  readonly prevId: string;
  /** Where the origin tells what was missed; not empty, relative to the client's URI. */
  readonly link: string;
  /** What the origin wants to be told when it could not be made good; undefined: the connection is closed then. */
  readonly whenFailed: string | undefined;
}

/** What an origin asks for. */
export type ControlMessage =
  /** `channel` is not empty and has no route prefix yet. The reader limits the number of filters. */
  | {
      readonly type: 'subscribe';
      readonly channel: string;
      readonly filters: readonly string[];
      readonly recovery?: ChannelRecovery;
    }
  | { readonly type: 'unsubscribe'; readonly channel: string }
  | { readonly type: 'detach' }
  /** `id` undefined clears the session. */
  | { readonly type: 'session'; readonly id: string | undefined }
  /** `name` is not empty; `value` undefined removes it. */
  | { readonly type: 'set-meta'; readonly name: string; readonly value: string | undefined }
  /** `content` undefined stops the keep-alives. `timeout` in seconds, at least 1. */
  | {
      readonly type: 'keep-alive';
      readonly content: Buffer | undefined;
      readonly messageType: WebSocketMessageType;
      readonly timeout: number;
      readonly mode: 'idle' | 'interval';
    }
  /** `timeout` in seconds, at least 1. */
  | {
      readonly type: 'send-delayed';
      readonly content: Buffer;
      readonly messageType: WebSocketMessageType;
      readonly timeout: number;
    }
  | { readonly type: 'flush-delayed' };

/** A message, or the line for the debug log that says why it is ignored. */
export type ControlMessageReading =
  | { readonly kind: 'message'; readonly message: ControlMessage }
  | { readonly kind: 'invalid'; readonly reason: string };

/** Seconds. */
const KEEP_ALIVE_TIMEOUT = 55;
const SEND_DELAYED_TIMEOUT = 1;
const MAX_TIMEOUT = 0x7fffffff;

const SUBJECT = 'grip control object';

/** Carries a text of 11.4 from the member it is about to `parseControlMessage`, and no further. */
class Refusal extends Error {}

function refuse(name: string, fault: string): never {
  throw new Refusal(`${SUBJECT} contains '${name}' with ${fault}`);
}

/**
 * Reads a control message.
 *
 * @param json - what follows `c:`; bytes must be UTF-8
 * @returns the message, or the whole log line of 11.4, the words `failed to parse grip control message: ` included.
 *   Never throws.
 */
export function parseControlMessage(json: Buffer | string): ControlMessageReading {
  const reading = readJson(typeof json === 'string' ? Buffer.from(json) : json);
  if (reading.kind === 'syntax') return { kind: 'invalid', reason: 'grip control message is not valid json' };
  try {
    return { kind: 'message', message: messageOf(reading.value) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { kind: 'invalid', reason: `failed to parse grip control message: ${error.message}` };
  }
}

function messageOf(value: unknown): ControlMessage {
  if (!isJsonObject(value)) throw new Refusal('grip control packet is not an object');
  const type = requiredText(value, 'type');
  switch (type) {
    case 'subscribe':
      return { type, channel: nonEmptyText(value, 'channel'), filters: filtersOf(value), ...recoveryOf(value) };
    case 'unsubscribe':
      return { type, channel: nonEmptyText(value, 'channel') };
    case 'detach':
    case 'flush-delayed':
      return { type };
    case 'session':
      return { type, id: text(value, 'id') };
    case 'set-meta':
      return { type, name: nonEmptyText(value, 'name'), value: text(value, 'value') };
    case 'keep-alive': {
      const { content, messageType, timeout } = timedContent(value, KEEP_ALIVE_TIMEOUT);
      const mode = text(value, 'mode') === 'interval' ? 'interval' : 'idle';
      return { type, content, messageType, timeout, mode };
    }
    case 'send-delayed': {
      const { content, messageType, timeout } = timedContent(value, SEND_DELAYED_TIMEOUT);
      return { type, content: content ?? Buffer.alloc(0), messageType, timeout };
    }
    default:
      throw new Refusal(`'type' contains unknown value: ${type}`);
  }
}

function text(object: JsonObject, name: string): string | undefined {
  const value = memberOf(object, name);
  if (value === undefined || typeof value === 'string') return value;
  return refuse(name, 'wrong type');
}

function requiredText(object: JsonObject, name: string): string {
  const value = text(object, name);
  if (value === undefined) throw new Refusal(`${SUBJECT} does not contain '${name}'`);
  return value;
}

function nonEmptyText(object: JsonObject, name: string): string {
  return requiredText(object, name) || refuse(name, 'invalid value');
}

function filtersOf(object: JsonObject): readonly string[] {
  const filters = memberOf(object, 'filters');
  if (filters === undefined) return [];
  if (!Array.isArray(filters)) return refuse('filters', 'wrong type');
  return filters.map((filter: unknown) => {
    if (typeof filter !== 'string') throw new Refusal('filters contains value with wrong type');
    return filter;
  });
}

/** Without `recover` the other members mean nothing, whatever they are: another proxy would not look at them either. */
function recoveryOf(object: JsonObject): { recovery?: ChannelRecovery } {
  if (memberOf(object, 'recover') === undefined) return {};
  const link = nonEmptyText(object, 'recover');
  return { recovery: { prevId: requiredText(object, 'prev-id'), link, whenFailed: text(object, 'recover-failed') } };
}

function contentOf(object: JsonObject): Buffer | undefined {
  const encoded = text(object, 'content-bin');
  if (encoded !== undefined) return decodeBase64(encoded);
  const content = text(object, 'content');
  return content === undefined ? undefined : Buffer.from(content);
}

function messageTypeOf(object: JsonObject): WebSocketMessageType {
  const type = text(object, 'message-type') ?? 'text';
  if (type === 'text' || type === 'binary' || type === 'ping' || type === 'pong') return type;
  return refuse('message-type', 'unknown value');
}

/** Seconds; absent and 0 give `byDefault`. */
function timeoutOf(object: JsonObject, byDefault: number): number {
  const value = memberOf(object, 'timeout');
  if (value === undefined) return byDefault;
  const seconds = integerOf(value);
  if (seconds === undefined) return refuse('timeout', 'wrong type');
  if (!(seconds >= 0 && seconds <= MAX_TIMEOUT)) return refuse('timeout', 'invalid value');
  return seconds === 0 ? byDefault : seconds;
}

function timedContent(object: JsonObject, defaultTimeout: number) {
  return {
    content: contentOf(object),
    messageType: messageTypeOf(object),
    timeout: timeoutOf(object, defaultTimeout),
  };
}
