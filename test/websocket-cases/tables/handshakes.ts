/** Answers of an origin to the opening handshake (RFC 6455 4.1): only one that is right in every point opens a WebSocket. */
import { GOOD_ANSWER } from '../hostile-origin.js';

export interface HandshakeCase {
  readonly name: string;
  /** Lines of the origin's answer. */
  readonly answer: readonly string[];
  /** What the client is answered. */
  readonly status: number;
}

/** The good answer with lines exchanged by the name they begin with; an empty text leaves one out. */
function changed(changes: Readonly<Record<string, string>>, ...more: readonly string[]): string[] {
  const lines = GOOD_ANSWER.map((line) => changes[line.split(/[: ]/)[0] ?? ''] ?? line);
  return [...lines.filter((line) => line !== ''), ...more];
}

const ACCEPT = 'Sec-WebSocket-Accept';

export const handshakes: readonly HandshakeCase[] = [
  { name: '4.1 a good answer', answer: GOOD_ANSWER, status: 101 },
  {
    name: '4.1 names and values in other cases',
    answer: changed({ Upgrade: 'UPGRADE: WebSocket', Connection: 'connection: upgrade' }),
    status: 101,
  },
  {
    name: '4.1 a Connection with more than Upgrade',
    answer: changed({ Connection: 'Connection: keep-alive, Upgrade' }),
    status: 101,
  },
  { name: '4.1 blanks around the proof', answer: changed({ [ACCEPT]: `${ACCEPT}:   ACCEPT  ` }), status: 101 },
  {
    name: '4.1 another reason',
    answer: ['HTTP/1.1 101 Web Socket Protocol Handshake', ...GOOD_ANSWER.slice(1)],
    status: 101,
  },
  { name: '4.1 no reason', answer: ['HTTP/1.1 101 ', ...GOOD_ANSWER.slice(1)], status: 101 },
  { name: '4.1 no Upgrade', answer: changed({ Upgrade: '' }), status: 502 },
  { name: '4.1 an Upgrade to something else', answer: changed({ Upgrade: 'Upgrade: h2c' }), status: 502 },
  {
    name: '4.1 an Upgrade to more than WebSocket',
    answer: changed({ Upgrade: 'Upgrade: websocket, h2c' }),
    status: 502,
  },
  { name: '4.1 no Connection', answer: changed({ Connection: '' }), status: 502 },
  { name: '4.1 a Connection without Upgrade', answer: changed({ Connection: 'Connection: keep-alive' }), status: 502 },
  { name: '4.1 no proof', answer: changed({ [ACCEPT]: '' }), status: 502 },
  { name: '4.1 an empty proof', answer: changed({ [ACCEPT]: `${ACCEPT}:` }), status: 502 },
  {
    name: '4.1 the proof of another key',
    answer: changed({ [ACCEPT]: `${ACCEPT}: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=` }),
    status: 502,
  },
  { name: '4.1 a proof with something behind it', answer: changed({ [ACCEPT]: `${ACCEPT}: ACCEPTx` }), status: 502 },
  { name: '4.1 two proofs, one of them wrong', answer: [...GOOD_ANSWER, `${ACCEPT}: x`], status: 502 },
  {
    name: '4.1 compression that was not offered',
    answer: [...GOOD_ANSWER, 'Sec-WebSocket-Extensions: permessage-deflate'],
    status: 502,
  },
  {
    name: 'RFC 9110 15.2.2 an answer of HTTP/1.0',
    answer: ['HTTP/1.0 101 Switching Protocols', ...GOOD_ANSWER.slice(1)],
    status: 502,
  },
  { name: 'RFC 9112 6 an answer with a body', answer: [...GOOD_ANSWER, 'Content-Length: 5'], status: 502 },
  {
    name: 'RFC 9112 6 an answer with a chunked body',
    answer: [...GOOD_ANSWER, 'Transfer-Encoding: chunked'],
    status: 502,
  },
  { name: 'RFC 9112 2.2 no HTTP', answer: ['hello'], status: 502 },
  { name: 'RFC 9112 5 a header without a name', answer: [...GOOD_ANSWER, ': x'], status: 502 },
  { name: '4.1 a refusal', answer: ['HTTP/1.1 403 Forbidden', 'Content-Length: 0'], status: 403 },
  { name: '4.1 a redirect', answer: ['HTTP/1.1 302 Found', 'Location: /other', 'Content-Length: 0'], status: 302 },
  { name: '4.1 an ordinary answer', answer: ['HTTP/1.1 200 OK', 'Content-Length: 0'], status: 200 },
  {
    name: '4.1 a demand for another version',
    answer: ['HTTP/1.1 426 Upgrade Required', 'Upgrade: websocket', 'Sec-WebSocket-Version: 8', 'Content-Length: 0'],
    status: 426,
  },
];

const EXTENSIONS = 'Sec-WebSocket-Extensions';

/** Answers to an offer of permessage-deflate whose `server_no_context_takeover` has to be kept (RFC 7692 7.1). */
export const deflateHandshakes: readonly HandshakeCase[] = [
  ...[
    ['5.1 no compression', undefined, 101],
    ['7.1.1.1 what was offered', 'permessage-deflate; server_no_context_takeover', 101],
    [
      '7.1.1.2 besides, no window of ours',
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
      101,
    ],
    [
      '7.1.2.1 besides, a smaller window',
      'permessage-deflate; server_no_context_takeover; server_max_window_bits=10',
      101,
    ],
    ['5.1 compression twice', 'permessage-deflate; server_no_context_takeover, permessage-deflate', 502],
    ['7.1 a parameter that is not defined', 'permessage-deflate; server_no_context_takeover; level=9', 502],
    ['7.1 a parameter twice', 'permessage-deflate; server_no_context_takeover; server_no_context_takeover', 502],
    ['7.1.2.1 a window of no size', 'permessage-deflate; server_no_context_takeover; server_max_window_bits', 502],
    ['7.1.2.1 a window of 7 bits', 'permessage-deflate; server_no_context_takeover; server_max_window_bits=7', 502],
    ['7.1.2.1 a window of 16 bits', 'permessage-deflate; server_no_context_takeover; server_max_window_bits=16', 502],
    ['7.1.1.1 a flag with a value', 'permessage-deflate; server_no_context_takeover=1', 502],
    ['9.1 another extension that was not offered', 'foo', 502],
    ['7.1.1.1 without what was asked for', 'permessage-deflate', 502],
    ['7.1.2.2 a window of ours', 'permessage-deflate; server_no_context_takeover; client_max_window_bits=10', 502],
  ].map(([name, value, status]) => ({
    name: String(name),
    answer: value === undefined ? GOOD_ANSWER : [...GOOD_ANSWER, `${EXTENSIONS}: ${value}`],
    status: Number(status),
  })),
];
