/** The options of a `pinghub` target: what its clients may do, and how long they may take for it (docs/pinghub.md). */
import { HoldfastError } from '../errors/holdfast-error.js';
import { filledValue, lastValue, wholeNumber } from './properties.js';
import type { Property } from './tokenizer.js';

export interface PinghubOptions {
  /** `scheme://host[:port]` that a browser's handshake has to come from; undefined: any. */
  readonly origin: string | undefined;
  /** What clients say over their WebSockets is published. */
  readonly socketPublish: boolean;
  /** Bytes of one message of a WebSocket. */
  readonly maxMessageBytes: number;
  /** Bytes of the body of a POST. */
  readonly maxBodyBytes: number;
  /** What every connection is held to (`hold/connection-terms.ts`). */
  readonly terms: PinghubTerms;
}

/** A client that reads too slowly is closed without a code. */
export interface PinghubTerms {
  /** Messages that may wait for one client. */
  readonly outboxMessages: number;
  readonly slowCloseCode: undefined;
  /** Milliseconds that what waits for a client may take before its connection is broken off. */
  readonly closeTimeout: number;
  /** Milliseconds: between two pings; from a pong, or from the beginning, to the next pong. */
  readonly pings: { readonly interval: number; readonly timeout: number };
}

/** `scheme://host`, with a port where one is written; what stands behind it counts only in a comparison of the whole. */
const ORIGIN =
  /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?:[^/?#@\s]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^/?#@:[\]\s]+)(?::[0-9]{1,5})?(?:[/?#]\S*)?$/;

/** Those of this target, and what may stand beside any. An unknown one may be a guard that is misspelt. */
const NAMES = ['origin', 'ws_publish', 'max_message', 'max_body', 'outbox', 'ping_interval', 'pong_timeout', 'auth'];

const SECOND = 1_000;
/** Milliseconds: how long one write may take in the original. */
const CLOSE_TIMEOUT = 10_000;
/** A day. */
const MAX_SECONDS = 86_400;

/** @throws HoldfastError `HOLDFAST_ROUTE_INVALID`, its message being the bare text */
export function readPinghubOptions(props: readonly Property[]): PinghubOptions {
  const unknown = props.find(([name]) => !NAMES.includes(name));
  if (unknown !== undefined) throw invalid(`there is no option ${unknown[0]}, only ${NAMES.join(', ')}`);
  const origin = filledValue(props, 'origin');
  if (origin !== undefined && !ORIGIN.test(origin)) throw invalid('origin must use format scheme://host[:port]');
  const pings = {
    interval: readNumber(props, 'ping_interval', 27, MAX_SECONDS) * SECOND,
    timeout: readNumber(props, 'pong_timeout', 30, MAX_SECONDS) * SECOND,
  };
  if (pings.timeout <= pings.interval) throw invalid('pong_timeout must be longer than ping_interval');
  return {
    origin,
    socketPublish: readFlag(props, 'ws_publish', true),
    maxMessageBytes: readNumber(props, 'max_message', 65_536, 1_000_000_000),
    maxBodyBytes: readNumber(props, 'max_body', 1_048_576, 1_000_000_000),
    terms: {
      outboxMessages: readNumber(props, 'outbox', 256, 1_000_000_000),
      slowCloseCode: undefined,
      closeTimeout: CLOSE_TIMEOUT,
      pings,
    },
  };
}

function readFlag(props: readonly Property[], name: string, otherwise: boolean): boolean {
  const value = lastValue(props, name);
  if (value === undefined) return otherwise;
  if (value === 'true' || value === '') return true;
  if (value === 'false') return false;
  throw invalid(`${name} must be true or false`);
}

function readNumber(props: readonly Property[], name: string, otherwise: number, most: number): number {
  const value = lastValue(props, name);
  if (value === undefined) return otherwise;
  const number = wholeNumber(value);
  if (number === undefined || number < 1 || number > most) {
    throw invalid(`${name} must be a whole number from 1 to ${most}`);
  }
  return number;
}

function invalid(text: string): HoldfastError {
  return new HoldfastError('HOLDFAST_ROUTE_INVALID', `pinghub: ${text}`);
}
