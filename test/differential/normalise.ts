/**
 * Turns the recordings of one side into comparable lines. Each rule is one function and says why the difference it takes
 * away means nothing; whatever no rule names is compared as it came over the wire.
 */
import { createHmac } from 'node:crypto';
import type { Freedom } from './case.js';
import { type Framing, type HttpMessage, methodsOf, readResponse } from './http-bytes.js';
import type { OriginSocket } from './origin-socket.js';
import type { RecordedRequest } from './recording-origin.js';
import { PROBE_TEXT, type Recording, SECOND_PROBE_TEXT } from './script.js';
import { describeFrames, wholeMessages } from './websocket-bytes.js';

/** `sig_key` of the shared configuration. */
export const SIGNING_KEY = 'changeme';

/** Key of the clients' handshakes. */
export const CLIENT_KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

type Header = readonly [name: string, value: string];
type RequestRule = (headers: readonly Header[], request: RecordedRequest) => readonly Header[];

/** Names carry no case, and each outgoing client has its own habit of writing them. */
export const headerNamesAreCaseless: RequestRule = (headers) =>
  headers.map(([name, value]) => [name.toLowerCase(), value]);

/** zurl's libcurl writes Host, then its own headers, then the rest; only the order of equal names has a meaning. */
export const headerOrderIsFree: RequestRule = (headers) =>
  [...headers].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** zurl asks for compressed answers and decodes them itself; 2.0 and Holdfast ask for none. */
export const acceptEncodingBelongsToZurl: RequestRule = (headers) =>
  headers.filter(([name]) => name !== 'accept-encoding');

/** libcurl adds this one value when the client sent no Accept; it says the same as no Accept. */
export const acceptAnythingIsNoAccept: RequestRule = (headers) =>
  headers.filter(([name, value]) => name !== 'accept' || value !== '*/*');

/** Connection is between a proxy and its origin; persistence is a matter of each outgoing client's pool, an upgrade is not. */
export const connectionIsHopByHop: RequestRule = (headers) =>
  headers.filter(([name, value]) => name !== 'connection' || value.toLowerCase() === 'upgrade');

/** Whether to wait for `100 Continue` is the outgoing client's choice. */
export const expectBelongsToTheClientLibrary: RequestRule = (headers) =>
  headers.filter(([name, value]) => name !== 'expect' || value.toLowerCase() !== '100-continue');

/** Every connection has its own random id; that it is a lower-case UUID stays compared. */
export const connectionIdsAreRandom: RequestRule = (headers) =>
  headers.map(([name, value]) => {
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
    return [name, name === 'connection-id' && uuid.test(value) ? '(uuid)' : value];
  });

/** The key of a handshake of the proxy's own is random; that it is 16 bytes, and where the client's is used, stays compared. */
export const handshakeKeysAreRandom: RequestRule = (headers) =>
  headers.map(([name, value]) => {
    const own = value !== CLIENT_KEY && Buffer.from(value, 'base64').length === 16;
    return [name, name === 'sec-websocket-key' && own ? '(random)' : value];
  });

/** A token says when it was made. Its form, claims, life time and signature stay compared. */
export const signaturesAreTimed: RequestRule = (headers, request) =>
  headers.map(([name, value]) => [name, name === 'grip-sig' ? describeToken(value, request.receivedAt) : value]);

/** Later versions tell of more features (row `grip-feature-list`); those that 1.36 names, and their order, stay compared. */
export const laterFeaturesAreUnknownToTheOriginal: RequestRule = (headers) => {
  const later = new Set(['link:gone', 'filter:http-check', 'filter:http-modify']);
  const known = (value: string) => value.split(', ').filter((feature) => !later.has(feature));
  return headers.map(([name, value]) => [name, name === 'grip-feature' ? known(value).join(', ') : value]);
};

/** The original keeps last ids in a hash table, which gives them back in any order. */
export const lastIdsComeInAnyOrder: RequestRule = (headers) => {
  const sorted = headers.flatMap(([name, value]) => (name === 'grip-last' ? [value] : [])).sort();
  let taken = 0;
  return headers.map(([name, value]) => {
    if (name !== 'grip-last') return [name, value];
    taken += 1;
    return [name, sorted[taken - 1] ?? value];
  });
};

/** In the order they are applied. */
const REQUEST_RULES: readonly RequestRule[] = [
  headerNamesAreCaseless,
  acceptEncodingBelongsToZurl,
  acceptAnythingIsNoAccept,
  connectionIsHopByHop,
  expectBelongsToTheClientLibrary,
  connectionIdsAreRandom,
  handshakeKeysAreRandom,
  signaturesAreTimed,
  laterFeaturesAreUnknownToTheOriginal,
  headerOrderIsFree,
  lastIdsComeInAnyOrder,
];

/** Rows of docs/differences.md that a rule here takes away in every case. */
export const ROWS_OF_RULES: readonly string[] = ['grip-feature-list'];

/** Probes only tell when a hold takes part in publishing; how many it takes is chance. */
export function probesAreNotContent(text: string): string {
  return text.replaceAll(PROBE_TEXT, '');
}

/** Each side has an origin of its own; a debug error names it. All ports have five digits, so lengths stay equal. */
export function originsDifferInPort(text: string, originPort: number): string {
  return text.replaceAll(`127.0.0.1:${originPort}`, '(origin)');
}

/** Freedom `framing`: of a body of unknown length, one side may know the end before it has to write the head. */
export function unknownLengthMayBeCountedOrChunked(headers: readonly Header[]): readonly Header[] {
  return headers.filter(
    ([name, value]) =>
      !['content-length', 'transfer-encoding'].includes(name.toLowerCase()) &&
      !(name.toLowerCase() === 'connection' && value.toLowerCase() === 'transfer-encoding'),
  );
}

/**
 * Freedom `repeated-poll`: whether the second request of a hold still falls into the life of a case is chance, and so is
 * the order of the second requests of several holds.
 */
export function repeatedPollsCountOnce(blocks: readonly string[]): string[] {
  return blocks.filter((block, i) => blocks.indexOf(block) === i);
}

/** The comparable lines of one side: clients in the order they connected, origin requests and WebSockets as they came, control answers. */
export function transcript(
  clients: readonly Recording[],
  requests: readonly RecordedRequest[],
  controls: readonly Recording[],
  originPort: number,
  freedoms: readonly Freedom[] = [],
  webSockets: readonly Pick<OriginSocket, 'lines' | 'howItEnded'>[] = [],
): string[] {
  const blocks = requests.map((request) => describeRequest(request).join('\n'));
  const seen = freedoms.includes('repeated-poll') ? repeatedPollsCountOnce(blocks) : blocks;
  const lines = [
    ...clients.flatMap((client) => [`== ${client.name}`, ...describeClient(client, freedoms), `end: ${client.end}`]),
    ...seen.flatMap((block, i) => [`== origin request ${i + 1}`, ...block.split('\n')]),
    ...webSockets.flatMap((each, i) => [`== origin WebSocket ${i + 1}`, ...each.lines(), `end: ${each.howItEnded}`]),
    ...controls.flatMap((control) => [`== ${control.name}`, ...describeControl(control), `end: ${control.end}`]),
  ];
  return lines.map((line) => originsDifferInPort(line, originPort));
}

function describeRequest(request: RecordedRequest): string[] {
  const { startLine, framing, body } = request.message;
  let headers: readonly Header[] = request.message.headers;
  for (const rule of REQUEST_RULES) headers = rule(headers, request);
  return [
    startLine,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    describeBody(body.toString('latin1'), framing),
  ];
}

function describeClient(recording: Recording, freedoms: readonly Freedom[]): string[] {
  const methods = methodsOf(recording.sent);
  const lines: string[] = [];
  let rest = recording.received;
  for (let i = 0; rest.length > 0; i += 1) {
    const message = readResponse(rest, methods[i] ?? 'GET');
    if (!message) return [...lines, `unparsed: ${JSON.stringify(rest.toString('latin1'))}`];
    rest = rest.subarray(message.size);
    if (message.startLine.split(' ')[1] === '101') {
      const probes = [PROBE_TEXT, SECOND_PROBE_TEXT].map((text) => `TEXT ${JSON.stringify(text)}`);
      const frames = describeFrames(rest).filter((frame) => !probes.includes(frame));
      const told = freedoms.includes('fragments') ? wholeMessages(frames) : frames;
      return [...lines, message.startLine, ...headerLines(message.headers), ...told];
    }
    lines.push(...describeResponse(message, freedoms));
  }
  return lines;
}

function describeResponse(message: HttpMessage, freedoms: readonly Freedom[]): string[] {
  const free = freedoms.includes('framing');
  const headers = free ? unknownLengthMayBeCountedOrChunked(message.headers) : message.headers;
  const body = probesAreNotContent(message.body.toString('latin1'));
  const framing = free ? 'either framing' : message.framing;
  const cut = message.complete || message.framing === 'until-close' ? [] : ['the body is cut short'];
  return [message.startLine, ...headerLines(headers), describeBody(body, framing), ...cut];
}

/** Control answers are few bytes of one connection; nothing in them is left to chance. */
function describeControl(recording: Recording): string[] {
  return recording.received
    .toString('latin1')
    .split('\r\n')
    .map((line) => (line === '' ? '' : JSON.stringify(line)));
}

function headerLines(headers: readonly Header[]): string[] {
  return headers.map(([name, value]) => `${name}: ${value}`);
}

function describeBody(text: string, framing: Framing | 'either framing'): string {
  return framing === 'none' ? 'no body' : `body (${framing}): ${JSON.stringify(text)}`;
}

/** The readable form of a sound token; a token that is not sound stays as it is, and so differs. */
function describeToken(token: string, now: number): string {
  const [head = '', claims = '', signature = ''] = token.split('.');
  const expected = createHmac('sha256', SIGNING_KEY).update(`${head}.${claims}`).digest('base64url');
  const text = Buffer.from(claims, 'base64url').toString('utf8');
  const expires = Number(/"exp":(\d+)/.exec(text)?.[1]);
  if (expected !== signature || !(Math.abs(expires - now - 3600) < 10)) return `unsound token ${token}`;
  return `${Buffer.from(head, 'base64url').toString('utf8')} ${text.replace(/"exp":\d+/, '"exp":(in an hour)')}`;
}
