/** What spans say of requests and publishes, by the names of OpenTelemetry's semantic conventions where there are any. */
import type { Attributes } from '@opentelemetry/api';
import type { OriginStep, PublishStep, RequestStep } from '../observe/steps.js';
import { getHeader } from '../protocol/headers.js';

/** Methods that spans are named after: any token is a method, and names should be few. */
const METHODS: ReadonlySet<string> = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
]);
const OTHER = '_OTHER';
const PORT = /^(.*):(\d{1,5})$/;

/** Name of a span for a request; `route` is the id of its route. */
export function requestName(method: string, route?: string): string {
  const first = METHODS.has(method) ? method : 'HTTP';
  return route === undefined ? first : `${first} ${route}`;
}

export function requestAttributes({ transport, method, uri, headers, peer, route }: RequestStep): Attributes {
  const attributes = { ...methodAttributes(method), ...uriAttributes(uri) };
  attributes['network.protocol.name'] = transport === 'ws' ? 'websocket' : 'http';
  if (peer !== undefined) attributes['client.address'] = peer;
  if (route !== undefined) attributes['http.route'] = route;
  const agent = getHeader(headers, 'user-agent');
  if (agent !== undefined) attributes['user_agent.original'] = agent;
  return attributes;
}

export function originAttributes({ purpose, target, method, uri }: OriginStep): Attributes {
  const attributes = { ...methodAttributes(method), ...serverAttributes(target) };
  attributes['url.full'] = uri;
  attributes['holdfast.origin.target'] = target;
  attributes['holdfast.origin.purpose'] = purpose;
  return attributes;
}

export function publishAttributes({ channel, id }: PublishStep): Attributes {
  const attributes: Attributes = {
    'messaging.system': 'holdfast',
    'messaging.operation.name': 'publish',
    'messaging.operation.type': 'send',
    'messaging.destination.name': channel,
  };
  if (id !== undefined) attributes['messaging.message.id'] = id;
  return attributes;
}

function methodAttributes(method: string): Attributes {
  if (METHODS.has(method)) return { 'http.request.method': method };
  return { 'http.request.method': OTHER, 'http.request.method_original': method };
}

/** `scheme://authority/path?query`, in its parts. */
function uriAttributes(uri: string): Attributes {
  const attributes: Attributes = { 'url.full': uri };
  const authority = uri.indexOf('://') + 3;
  if (authority < 3) return attributes;
  attributes['url.scheme'] = uri.slice(0, authority - 3);
  const slash = uri.indexOf('/', authority);
  const path = slash < 0 ? uri.length : slash;
  const mark = uri.indexOf('?', path);
  const query = mark < 0 ? uri.length : mark;
  Object.assign(attributes, serverAttributes(uri.slice(authority, path)));
  attributes['url.path'] = uri.slice(path, query);
  if (query < uri.length) attributes['url.query'] = uri.slice(query + 1);
  return attributes;
}

/** Host and port, as far as it is that. */
function serverAttributes(place: string): Attributes {
  const parts = PORT.exec(place);
  if (parts === null) return { 'server.address': place };
  const [, host = '', port] = parts;
  return { 'server.address': host, 'server.port': Number(port) };
}
