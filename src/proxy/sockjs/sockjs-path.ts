/** What is asked for below a route's SockJS path (specification 13). */
import { percentDecoded } from '../../protocol/plain-path.js';
import type { Route } from '../../routes/route.js';
import type { RequestUri } from '../request-uri.js';

/** `base` is the route's path. */
export type SockjsRoute = Route & { readonly sockjs: string };

/** A WebSocket below it, or undefined when there is none. */
export type SockjsSocket = 'raw' | 'framed' | undefined;

/** The place of a session: `/SERVER/SID/RESOURCE`. The first part only spreads clients over servers. */
export interface SessionPath {
  readonly id: string;
  readonly resource: string;
}

/** Whether SockJS is spoken on this path of the route. */
export function speaksSockjs(route: Route | undefined, { path }: RequestUri): route is SockjsRoute {
  return route?.sockjs !== undefined && path.startsWith(route.sockjs);
}

/** The path below the route's, without its escapes. */
export function pathBelow(route: SockjsRoute, uri: RequestUri): string {
  return bytesOf(uri.path.slice(route.sockjs.length)).toString();
}

export function sessionPath(path: string): SessionPath | undefined {
  const [root, server, id, resource, ...more] = path.split('/');
  if (root !== '' || server === undefined || more.length > 0) return undefined;
  return id === undefined || id === '' || resource === undefined || resource === '' ? undefined : { id, resource };
}

export function socketAt(path: string): SockjsSocket {
  if (path === '/websocket') return 'raw';
  return sessionPath(path) === undefined ? undefined : 'framed';
}

/** Where the origin is asked for one WebSocket. @param born - what the client came with */
export function originUri(route: SockjsRoute, uri: RequestUri, born: 'http' | 'ws'): RequestUri {
  const path = route.sockjsAsPath ?? (born === 'http' ? route.sockjs : `${route.sockjs}/websocket`);
  return { ...uri, path };
}

/** The first filled value of these parameters in a query or a form; `plus` says that `+` stands for a blank. */
export function parameterOf(text: string, names: readonly string[], { plus = false } = {}): Buffer | undefined {
  const read = (part: string): Buffer => bytesOf(plus ? part.replaceAll('+', ' ') : part);
  const pairs = text.split('&').map((pair) => {
    const equals = pair.indexOf('=');
    return equals < 0 ? { name: pair, value: '' } : { name: pair.slice(0, equals), value: pair.slice(equals + 1) };
  });
  for (const wanted of names) {
    const found = pairs.find(({ name, value }) => value !== '' && read(name).toString() === wanted);
    if (found !== undefined) return read(found.value);
  }
  return undefined;
}

/** The bytes that text in a URI stands for. */
function bytesOf(text: string): Buffer {
  return Buffer.from(percentDecoded(text), 'latin1');
}
