/** Agreeing on permessage-deflate, with clients and with origins (RFC 7692, 7.1; specification 15.6). The grammar is read by `ws`. */
import * as ws from 'ws';
import type { InflateTerms } from './frame-reader.js';

/** What was agreed. Neither side keeps a window from one message to the next, so a broadcast is compressed once for all. */
export interface DeflateTerms {
  /** Bits of the window we compress with, 9 to 15. */
  readonly serverBits: number;
  /** Bits of the window the client compresses with, 8 to 15. */
  readonly clientBits: number;
}

export type DeflateAgreement =
  | { readonly kind: 'none' }
  /** `header` is the value of `Sec-WebSocket-Extensions` for the 101. */
  | { readonly kind: 'agreed'; readonly terms: DeflateTerms; readonly header: string }
  /** The header is none by RFC 6455 9.1. */
  | { readonly kind: 'malformed' };

type Parameters = Record<string, string | number | boolean | (string | boolean)[]>;

/** What `ws` exports and its types leave out. */
const { extension, PerMessageDeflate } = ws as unknown as {
  extension: {
    parse(header: string): Record<string, Parameters[]>;
    format(extensions: Record<string, Parameters>): string;
  };
  PerMessageDeflate: new (options: object) => { accept(offers: Parameters[]): Parameters };
};

const NAME = 'permessage-deflate';
const MAX_BITS = 15;
/** zlib makes no raw stream with a smaller window. */
const MIN_BITS = 9;

/**
 * Takes the first offer that can be kept.
 * @param header - the client's `Sec-WebSocket-Extensions`, several joined with a comma; undefined when it sent none
 */
export function agreeOnDeflate(header: string | undefined): DeflateAgreement {
  const elements = withoutEmptyElements(header ?? '');
  if (elements === '') return { kind: 'none' };
  let offers: readonly Parameters[];
  try {
    offers = extension.parse(elements)[NAME] ?? [];
  } catch {
    return { kind: 'malformed' };
  }
  for (const offer of offers) {
    const accepted = acceptOne(offer);
    if (accepted === undefined) continue;
    const serverBits = bitsOf(accepted, 'server_max_window_bits');
    if (serverBits < MIN_BITS) continue;
    const terms = { serverBits, clientBits: bitsOf(accepted, 'client_max_window_bits') };
    return { kind: 'agreed', terms, header: extension.format({ [NAME]: accepted }) };
  }
  return { kind: 'none' };
}

/** What an origin is offered: it may compress what it says, each message by itself. We never compress what clients say. */
export const DEFLATE_OFFER = 'permessage-deflate; server_no_context_takeover';

export type OriginDeflate =
  | { readonly kind: 'none' }
  | { readonly kind: 'agreed'; readonly inflate: InflateTerms }
  /** The origin took what was not offered, or took it in a way that cannot be. */
  | { readonly kind: 'wrong' };

/**
 * What an origin made of the offer.
 * @param header - its `Sec-WebSocket-Extensions`, several joined with a comma; empty when it sent none
 * @param offered - whether `DEFLATE_OFFER` was in the handshake
 */
export function readOriginDeflate(header: string, offered: boolean): OriginDeflate {
  if (header.trim() === '') return { kind: 'none' };
  try {
    const taken = extension.parse(header)[NAME];
    if (taken === undefined) return { kind: 'none' };
    const [only] = taken;
    if (!offered || taken.length !== 1 || only === undefined || !hasValidBits(only)) return { kind: 'wrong' };
    const accepted = new PerMessageDeflate({ isServer: false, clientMaxWindowBits: false }).accept(taken);
    // It has to agree to what it was offered (RFC 7692, 7.1.1.1).
    if (accepted.server_no_context_takeover !== true) return { kind: 'wrong' };
    return { kind: 'agreed', inflate: { bits: bitsOf(accepted, 'server_max_window_bits') } };
  } catch {
    // Other extensions may be written as they like: GRIP's prefix need not be a token.
    return header.includes(NAME) ? { kind: 'wrong' } : { kind: 'none' };
  }
}

/** Undefined: the offer is not valid, and is declined (RFC 7692, 7.1). */
function acceptOne(offer: Parameters): Parameters | undefined {
  if (!hasValidBits(offer)) return undefined;
  try {
    const options = { isServer: true, serverNoContextTakeover: true, clientNoContextTakeover: true };
    return new PerMessageDeflate(options).accept([offer]);
  } catch {
    return undefined;
  }
}

/** Window sizes are decimal numbers without leading zeros (RFC 7692, 7.1.2); `ws` takes more than that. */
function hasValidBits(parameters: Parameters): boolean {
  return ['client_max_window_bits', 'server_max_window_bits'].every((name) => {
    const values = parameters[name];
    return !Array.isArray(values) || values.every((value) => value === true || /^(?:[89]|1[0-5])$/.test(String(value)));
  });
}

/** A list may have empty elements (RFC 6455, 9.1), which `ws` does not know of. */
function withoutEmptyElements(header: string): string {
  const elements = header.match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/g) ?? [];
  return elements.filter((element) => element.trim() !== '').join(',');
}

function bitsOf(accepted: Parameters, name: string): number {
  const bits = accepted[name];
  return typeof bits === 'number' ? bits : MAX_BITS;
}
