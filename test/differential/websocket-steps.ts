/** Steps and bytes that cases about WebSockets share: handshakes, events over HTTP, control messages, and quiet ends. */
import { createHash } from 'node:crypto';
import { answer, type Case, get } from './case.js';
import { CLIENT_KEY } from './normalise.js';
import type { OriginSocket } from './origin-socket.js';
import type { Answer, AnswerScript, RecordedRequest } from './recording-origin.js';
import { type PublishItem, type Script, SECOND_PROBE_TEXT, type Wire } from './script.js';
import { clientFrame, closePayload, serverFrame } from './websocket-bytes.js';

export const EVENTS = 'Content-Type: application/websocket-events';
export const GRIP = 'Sec-WebSocket-Extensions: grip';
export const HANDSHAKE: readonly string[] = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${CLIENT_KEY}`,
];

/** An event of WebSocket-over-HTTP (10.1). */
export function event(type: string, content?: string | Buffer): Buffer {
  if (content === undefined) return Buffer.from(`${type}\r\n`);
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from(`${type} ${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

export function events(list: readonly Buffer[], headers: readonly string[] = []): Buffer {
  return answer('200 OK', [EVENTS, ...headers], Buffer.concat([...list]));
}

/** A control message as an event. */
export function control(message: object): Buffer {
  return event('TEXT', controlText(message));
}

export function controlText(message: object): string {
  return `c:${JSON.stringify(message)}`;
}

/** Answers in turn, then with no events; a request of `fence` is not counted by the case. */
export function inTurn(...answers: readonly (Answer | AnswerScript)[]): AnswerScript {
  return (request, index) => {
    if (request.message.startLine.includes('/fence')) return answer('200 OK', [], 'fence\n');
    const each = answers[index] ?? events([]);
    return typeof each === 'function' ? each(request, index) : each;
  };
}

/** Opens over HTTP, then answers in turn. */
export function opening(...answers: readonly (Answer | AnswerScript)[]): AnswerScript {
  return inTurn(events([event('OPEN')]), ...answers);
}

/** The last thing a case does when a request may have been made that nobody waits for: it comes before this one. */
export async function fence(script: Script): Promise<void> {
  const client = await script.client(get('plain.example', `/${script.key}/fence`));
  await client.until('fence\n');
}

export async function upgrade(
  script: Script,
  headers: readonly string[] = [],
  host = 'over.example',
  path = '/chat?room=1',
): Promise<Wire> {
  return await script.client(get(host, `/${script.key}${path}`, [...HANDSHAKE, ...headers]));
}

/** A client whose handshake has been answered. */
export async function connected(script: Script, host = 'over.example', headers: readonly string[] = []): Promise<Wire> {
  const client = await upgrade(script, headers, host);
  await client.until('\r\n\r\n');
  return client;
}

/** The 101 of an origin that speaks WebSocket itself, and the frames right behind it. */
export function handshake(
  { message }: RecordedRequest,
  headers: readonly string[] = [],
  frames: readonly Buffer[] = [],
  reason = 'Switching Protocols',
): Buffer {
  const key = message.headers.find(([name]) => name.toLowerCase() === 'sec-websocket-key')?.[1] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const own = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
  const head = [`HTTP/1.1 101 ${reason}`, ...own, ...headers, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), ...frames]);
}

/** An origin that accepts every WebSocket. */
export function accepting(headers: readonly string[] = [], frames: readonly Buffer[] = []): AnswerScript {
  return inTurn((request) => handshake(request, headers, frames));
}

/** Both ends of one connection through the proxy. */
export interface Ends {
  readonly client: Wire;
  readonly origin: OriginSocket;
}

/** Opens a WebSocket to an origin that speaks it itself. */
export async function joined(script: Script, host = 'plain.example', headers: readonly string[] = []): Promise<Ends> {
  const client = await connected(script, host, headers);
  return { client, origin: await script.originSocket() };
}

/** Subscribes to `KEY-a` with what `more` adds, and to `KEY-ready`, and waits until that counts. */
export async function subscribe(
  script: Script,
  { client, origin }: Ends,
  more: object = {},
  prefix = '',
): Promise<void> {
  origin.send(
    serverFrame('TEXT', controlText({ type: 'subscribe', channel: script.channel('a'), ...more })),
    serverFrame('TEXT', controlText({ type: 'subscribe', channel: script.channel('ready') })),
  );
  await script.untilSubscribed(client, `${prefix}${script.channel('ready')}`);
}

/** Waits until a channel counts that was joined behind `subscribe`, and with it all control messages before: they are taken in order. */
export async function untilJoined(script: Script, { client }: Ends, channel: string): Promise<void> {
  const item = { channel: script.channel(channel), 'ws-message': { content: SECOND_PROBE_TEXT } };
  await script.publishUntil(client, SECOND_PROBE_TEXT, item);
}

/** Waits until the control messages sent before have had their effect. */
export async function settled(script: Script, ends: Ends): Promise<void> {
  ends.origin.send(serverFrame('TEXT', controlText({ type: 'subscribe', channel: script.channel('settled') })));
  await untilJoined(script, ends, 'settled');
}

/** An item for WebSockets on channel `KEY-a`. */
export function news(script: Script, format: object, more: Readonly<Record<string, unknown>> = {}): PublishItem {
  return { channel: script.channel('a'), ...more, formats: { 'ws-message': format } };
}

/** The client says goodbye, and the origin answers with the same. */
export async function farewell({ client, origin }: Ends): Promise<void> {
  client.send(clientFrame('CLOSE', closePayload(1000)));
  await origin.until('CLOSE');
  origin.send(serverFrame('CLOSE', closePayload(1000)));
  await client.closed();
}

/** What both ends do once they are joined. */
export function between(name: string, play: (ends: Ends, script: Script) => Promise<void>, host?: string): Case {
  return {
    name,
    origin: accepting(),
    run: async (script) => await play(await joined(script, host), script),
  };
}
