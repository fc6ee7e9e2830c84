/**
 * Reads the first section of a routes line: which requests the line is for and how they are treated
 * (specification 2.2), and the id the line is known by (2.4).
 */
import { HoldfastError } from '../errors/holdfast-error.js';
import { encodeHeaderText, type HeaderList, isHeaderName, isHeaderValue } from '../protocol/headers.js';
import { asciiAuthority } from './authority.js';
import { everyValue, filledValue, isPresent, lastValue, wholeNumber } from './properties.js';
import type { JsonpOptions, Route, RouteProtocol } from './route.js';
import type { Property, Section } from './tokenizer.js';

/** What a route knows from its condition alone. */
export type Condition = Omit<Route, 'targets' | 'source'>;

/**
 * Reads a condition.
 *
 * @throws HoldfastError `HOLDFAST_ROUTE_INVALID`, its message being the bare text of 2.2
 */
export function parseCondition({ value, props }: Section): Condition {
  const domain = value === '' ? undefined : value.toLowerCase();
  const protocol = readProtocol(lastValue(props, 'proto'));
  const ssl = readSsl(lastValue(props, 'ssl'));
  const pathBeg = readPathBeg(lastValue(props, 'path_beg'));
  const explicitId = filledValue(props, 'id');
  const replaceBeg = lastValue(props, 'replace_beg');
  return {
    id: explicitId ?? impliedId(domain, protocol, ssl, pathBeg),
    explicitId: explicitId !== undefined,
    domain,
    protocol,
    ssl,
    pathBeg,
    sigIss: filledValue(props, 'sig_iss'),
    sigKey: filledValue(props, 'sig_key'),
    prefix: lastValue(props, 'prefix') ?? '',
    origHeaders: isPresent(props, 'orig_headers'),
    asHost: readAsHost(filledValue(props, 'as_host')),
    pathRemove: wholeNumber(lastValue(props, 'path_rem')) ?? 0,
    replaceBeg: replaceBeg === undefined ? undefined : encodePath(replaceBeg),
    debug: isPresent(props, 'debug'),
    autoCrossOrigin: isPresent(props, 'aco'),
    jsonp: readJsonp(props),
    session: isPresent(props, 'session'),
    sockjs: filledValue(props, 'sockjs'),
    sockjsAsPath: filledValue(props, 'sockjs_as_path'),
    headers: readHeaders(everyValue(props, 'header')),
    grip: !isPresent(props, 'no_grip'),
    logLevel: wholeNumber(lastValue(props, 'log_level')),
    auth: readAuth(lastValue(props, 'auth')),
  };
}

/** The id of a line without `id=`. The ssl words are swapped: ids in use with the original are made this way. */
function impliedId(
  domain: string | undefined,
  protocol: RouteProtocol | undefined,
  ssl: boolean | undefined,
  pathBeg: string,
): string {
  const sslLabel = ssl === undefined ? '*' : ssl ? 'no-ssl' : 'ssl';
  return `${domain ?? '*'},${protocol ?? '*'},${sslLabel},${pathBeg || '*'}`;
}

function readProtocol(value: string | undefined): RouteProtocol | undefined {
  if (value === undefined || value === 'http' || value === 'ws') {
    return value;
  }
  throw new HoldfastError('HOLDFAST_ROUTE_INVALID', "proto must be set to 'http' or 'ws'");
}

function readSsl(value: string | undefined): boolean | undefined {
  if (value === undefined) {
    return undefined;
  }
  if (value !== 'yes' && value !== 'no') {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', "ssl must be set to 'yes' or 'no'");
  }
  return value === 'yes';
}

function readPathBeg(value: string | undefined): string {
  if (value === '') {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', 'path_beg cannot be empty');
  }
  return value ?? '';
}

function readJsonp(props: readonly Property[]): JsonpOptions {
  const mode = lastValue(props, 'jsonp_mode') ?? 'extended';
  if (mode !== 'basic' && mode !== 'extended') {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', "jsonp_mode must be set to 'basic' or 'extended'");
  }
  return {
    mode,
    callback: filledValue(props, 'jsonp_cb') ?? 'callback',
    body: filledValue(props, 'jsonp_body'),
    defaultCallback: filledValue(props, 'jsonp_defcb'),
    defaultMethod: filledValue(props, 'jsonp_defmethod') ?? (mode === 'basic' ? 'POST' : 'GET'),
  };
}

function readAsHost(value: string | undefined): string | undefined {
  const host = value === undefined ? undefined : asciiAuthority(value);
  if (value !== undefined && host === undefined) {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', "as_host must use format 'host' or 'host:port'");
  }
  return host;
}

/** @returns the URL of who is asked whether a request may come in; an empty one is a fault, and lets nobody in */
export function readAuth(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const isUsable = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (!isUsable || url.username !== '' || url.password !== '' || url.hash !== '') {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', 'auth must be a URL with http or https');
  }
  return url.href;
}

/** `values` in line order; the result is in the order of application, which is the reverse. */
function readHeaders(values: readonly string[]): HeaderList {
  const headers: HeaderList = [];
  for (const text of values) {
    const colon = text.indexOf(':');
    const name = text.slice(0, Math.max(colon, 0));
    const value = encodeHeaderText(text.slice(colon + 1).replace(/^ +/, ''));
    // What no header can say would make every request of the route fail.
    if (!isHeaderName(name) || !isHeaderValue(value)) {
      throw new HoldfastError('HOLDFAST_ROUTE_INVALID', "header must use format 'name:value'");
    }
    headers.unshift([name, value]);
  }
  return headers;
}

/** Percent-encodes what may not stand in a path (RFC 3986, 3.3), so that a rewritten request stays sendable. */
function encodePath(path: string): string {
  return path.replace(/[^!$%&'()*+,\-./0-9:;=@A-Z_a-z~]+/g, (run) =>
    Array.from(Buffer.from(run), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
