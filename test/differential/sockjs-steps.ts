/**
 * Steps of SockJS cases (specification 13). Where a session leads has the same path in every case, so it is its query that
 * says to which case a request belongs.
 */
import { answer, get, post } from './case.js';
import type { AnswerScript } from './recording-origin.js';
import type { Script, Wire } from './script.js';

const EVENTS = 'Content-Type: application/websocket-events';
export const HOST = 'sockjs.example';
export const CLOSE = 'Connection: close';

export function event(type: string, content?: string | Buffer): Buffer {
  if (content === undefined) return Buffer.from(`${type}\r\n`);
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from(`${type} ${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

function events(list: readonly Buffer[], headers: readonly string[] = []): Buffer {
  return answer('200 OK', [EVENTS, ...headers], Buffer.concat([...list]));
}

/** Opens with these events; answers a CLOSE with the same, all else with the events of `later`. */
export function opening(
  first: readonly Buffer[] = [],
  later: readonly Buffer[] = [],
  headers: readonly string[] = [],
): AnswerScript {
  return ({ message }, index) => {
    if (index === 0) return events([event('OPEN'), ...first], headers);
    const close = message.body.indexOf('CLOSE');
    return close < 0 ? events(later) : events([message.body.subarray(close)]);
  };
}

/** Opens with GRIP and subscribes to `KEY-a`. */
export const SUBSCRIBED: AnswerScript = (request, index) => {
  const channels = [`${request.key}-a`, `${request.key}-ready`];
  const controls = channels.map((channel) => event('TEXT', `c:${JSON.stringify({ type: 'subscribe', channel })}`));
  return opening(controls, [], ['Sec-WebSocket-Extensions: grip'])(request, index);
};

export function target({ key }: Script, resource: string, query = ''): string {
  return `/sockjs/0/${key}/${resource}?${key}${query}`;
}

export async function poll(script: Script, headers: readonly string[] = [], host = HOST): Promise<Wire> {
  return await script.client(post(host, target(script, 'xhr'), [CLOSE, ...headers], ''));
}

/** A poll that is answered. */
export async function polled(script: Script, host = HOST): Promise<void> {
  await (await poll(script, [], host)).closed();
}

/** Messages that are taken or refused; what was sent before on other connections has arrived by then. */
export async function sent(script: Script, payload: string): Promise<void> {
  await (await script.client(post(HOST, target(script, 'xhr_send'), [CLOSE], payload))).closed();
}

export async function upgraded(script: Script, path: string, host = HOST): Promise<Wire> {
  return await script.client(
    get(host, `${path}?${script.key}`, [
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]),
  );
}
