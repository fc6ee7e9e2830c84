/** What an origin's answer to a handshake means for the client, whether its messages come as frames or as packets (11.1). */
import type { OpeningResult } from '../backend/websocket-origin/handshake.js';
import { agreesToMore, EXTENSIONS } from '../backend/websocket-origin/opening.js';
import { SocketOrigin } from '../backend/websocket-origin/socket-origin.js';
import type { TwoWayOptions, TwoWayOrigin } from '../backend/websocket-origin/two-way-origin.js';
import { gripOf } from '../backend/websocket-over-http/response-headers.js';
import type { WebSocketVerdict } from '../backend/websocket-verdict.js';
import { ZhttpOrigin } from '../backend/zhttp/zhttp-origin.js';
import type { SocketResult } from '../backend/zhttp/zhttp-socket.js';
import { readOriginDeflate } from '../protocol/deflate-offer.js';
import type { InflateTerms } from '../protocol/frame-reader.js';
import { getHeaders, type HeaderList } from '../protocol/headers.js';
import type { ProxyParts } from './proxy-parts.js';

export interface AnsweredHandshake {
  readonly parts: ProxyParts;
  /** Headers of the client's handshake. */
  readonly client: HeaderList;
  /** Told why when the origin ends the connection by a fault of its own. */
  readonly broken: (text: string) => void;
}

const AGREED_TO_MORE: WebSocketVerdict = {
  kind: 'failed',
  failure: { kind: 'other', detail: 'the origin agrees to what it was not offered' },
};

/**
 * @param raw - what is agreed on is the client's and the origin's business
 * @param offered - it may compress
 */
export function verdictOfFrames(
  handshake: AnsweredHandshake,
  result: OpeningResult,
  raw: boolean,
  offered: boolean,
): WebSocketVerdict {
  if (result.kind === 'refused') return { kind: 'reject', response: result.response };
  if (result.kind === 'failed') return result;
  const { reason, headers, socket, first } = result;
  if (raw) return { kind: 'tunnel', reason, headers, socket, first };
  const inflate = inflateOf(handshake, headers, offered);
  if (inflate === 'wrong') {
    socket.destroy();
    return AGREED_TO_MORE;
  }
  const origin = new SocketOrigin(socket, first, { ...optionsFor(handshake), inflate });
  return accepted(handshake, reason, headers, origin);
}

export function verdictOfPackets(handshake: AnsweredHandshake, result: SocketResult): WebSocketVerdict {
  if (result.kind === 'refused') return { kind: 'reject', response: result.response };
  if (result.kind === 'failed') return result;
  const { reason, headers, session } = result;
  if (inflateOf(handshake, headers, false) === 'wrong') {
    session.cancel();
    return AGREED_TO_MORE;
  }
  return accepted(handshake, reason, headers, new ZhttpOrigin(session, optionsFor(handshake)));
}

/** How the origin compresses; `wrong` when it agrees to what it was not offered. */
function inflateOf(
  { client }: AnsweredHandshake,
  headers: HeaderList,
  offered: boolean,
): InflateTerms | undefined | 'wrong' {
  const deflate = readOriginDeflate(getHeaders(headers, EXTENSIONS).join(', '), offered);
  if (deflate.kind === 'wrong' || agreesToMore(headers, client)) return 'wrong';
  return deflate.kind === 'agreed' ? deflate.inflate : undefined;
}

function optionsFor({ parts: { holds, websocket }, broken }: AnsweredHandshake): TwoWayOptions {
  return {
    wheel: holds.wheel,
    maxMessageBytes: websocket.maxRelayedMessageBytes,
    originWindow: websocket.maxBufferedBytes,
    clientWindow: Math.min(websocket.maxBufferedBytes, holds.limits.outboxBytes),
    broken,
  };
}

function accepted(
  { parts }: AnsweredHandshake,
  reason: string,
  headers: HeaderList,
  origin: TwoWayOrigin,
): WebSocketVerdict {
  const maxMessageBytes = parts.websocket.maxRelayedMessageBytes;
  return { kind: 'accept', reason, headers, grip: gripOf(headers), origin, pace: origin.pace, maxMessageBytes };
}
