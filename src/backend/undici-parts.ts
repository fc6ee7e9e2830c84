/**
 * undici's client and connector, without the rest of undici: importing the package as a whole installs its agent as the
 * dispatcher of the process's own `fetch`, which is none of our business in a process that only embeds Holdfast.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type * as undici from 'undici';

const require = createRequire(import.meta.url);

export type Client = undici.Client;
export const buildConnector = require('undici/lib/core/connect.js') as typeof undici.buildConnector;

/** The client, loaded when it is wanted first: it takes seven megabytes, which a process that does without it can spare. */
export function undiciClient(): typeof undici.Client {
  return require('undici/lib/dispatcher/client.js') as typeof undici.Client;
}

/** The part of undici's parser that is told the status of each answer, interim ones too. */
interface AnswerParser {
  statusText: string;
  onMessageBegin(): number;
  onStatus(piece: Buffer): number;
  onHeadersComplete(code: number, upgrade: boolean, keepAlive: boolean): number;
}

const { kParser } = require('undici/lib/core/symbols.js') as { readonly kParser: symbol };

const CONTINUE = 100;
const PROCESSING = 102;

/**
 * Mends what undici makes of a status line. An unasked `100 Continue` breaks its connection off, though every other
 * interim answer is passed over, so it is told one of those. And of a reason phrase that comes in pieces it keeps the
 * last one only. To be called when undici has taken the socket over.
 */
export function mendStatusLines(socket: Socket): void {
  const parser = (socket as Socket & { readonly [key: symbol]: unknown })[kParser] as AnswerParser | undefined;
  // Another undici may keep its parser elsewhere; then an answer with such a prelude is a broken one, as without this.
  if (parser === undefined) return;
  const { onHeadersComplete, onMessageBegin } = parser;
  parser.onMessageBegin = () => {
    parser.statusText = '';
    return onMessageBegin.call(parser);
  };
  parser.onStatus = (piece) => {
    parser.statusText += piece.toString();
    return 0;
  };
  parser.onHeadersComplete = (code, upgrade, keepAlive) =>
    onHeadersComplete.call(parser, code === CONTINUE ? PROCESSING : code, upgrade, keepAlive);
}
