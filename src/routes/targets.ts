/** Reads the sections behind the condition of a routes line: where requests go (specification 2.3). */
import { isIPv6 } from 'node:net';
import { HoldfastError } from '../errors/holdfast-error.js';
import { asciiAuthority } from './authority.js';
import { readPinghubOptions } from './pinghub-options.js';
import { everyValue, filledValue, isPresent, lastValue, wholeNumber } from './properties.js';
import { readFailure } from './read-failure.js';
import type { Target, TargetAddress, TargetOptions } from './route.js';
import type { Property, Section } from './tokenizer.js';

/** Gives the text of a file or throws; relative paths start at the working directory. */
export type ReadText = (path: string) => string;

/**
 * Reads a target, and the certificate files it names.
 *
 * @throws HoldfastError `HOLDFAST_ROUTE_INVALID`, its message being the bare text of 2.3
 */
export function parseTarget({ value, props }: Section, readText: ReadText): Target {
  const address = parseAddress(value, props);
  return { ...address, name: nameOf(address), options: readOptions(props, readText) };
}

function parseAddress(value: string, props: readonly Property[]): TargetAddress {
  if (value === 'test') {
    return { kind: 'test' };
  }
  if (value === 'pinghub') {
    return { kind: 'pinghub', pinghub: readPinghubOptions(props) };
  }
  const zhttp = /^(zhttp|zhttpreq)\/(.+)$/s.exec(value);
  if (zhttp?.[1] !== undefined && zhttp[2] !== undefined) {
    return { kind: zhttp[1] === 'zhttp' ? 'zhttp' : 'zhttpreq', spec: zhttp[2] };
  }
  const { host, port } = parseAuthority(value);
  if (port === undefined) {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', 'target bad format');
  }
  return { kind: 'origin', host, port };
}

/** Splits `HOST`, `HOST:PORT`, `[V6]` or `[V6]:PORT`; the host comes without brackets. */
function parseAuthority(text: string): { host: string; port: number | undefined } {
  const parts = /^(?:\[([^[\]]+)\]|([^:[\]]+))(?::(.*))?$/s.exec(text);
  const literal = parts?.[1];
  const host = literal ?? parts?.[2];
  if (host === undefined || (literal !== undefined && !isIPv6(literal))) {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', 'target bad format');
  }
  // `::1:80` has no reading that is certainly meant, so a second colon is a fault of form and not of the port.
  if (literal === undefined && parts?.[3]?.includes(':')) {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', 'target bad format');
  }
  return { host, port: parts?.[3] === undefined ? undefined : parsePort(parts[3]) };
}

function parsePort(text: string): number {
  const port = wholeNumber(text);
  if (port === undefined || port < 1 || port > 65_535) {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', 'target invalid port');
  }
  return port;
}

function nameOf(address: TargetAddress): string {
  switch (address.kind) {
    case 'test':
    case 'pinghub':
      return address.kind;
    case 'zhttp':
    case 'zhttpreq':
      return `${address.kind}/${address.spec}`;
    case 'origin':
      return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
  }
}

function readOptions(props: readonly Property[], readText: ReadText): TargetOptions {
  return {
    ssl: isPresent(props, 'ssl'),
    untrusted: isPresent(props, 'untrusted'),
    trustConnectHost: isPresent(props, 'trust_connect_host'),
    insecure: isPresent(props, 'insecure'),
    host: readHost(filledValue(props, 'host')),
    subscriptions: [...new Set(everyValue(props, 'sub').filter((channel) => channel !== ''))],
    overHttp: isPresent(props, 'over_http'),
    oneEvent: isPresent(props, 'one_event'),
    ipcFileMode: readFileMode(lastValue(props, 'ipc_file_mode')),
    clientCert: readPem(lastValue(props, 'client_cert'), readText),
    clientKey: readPem(lastValue(props, 'client_key'), readText),
  };
}

function readHost(value: string | undefined): string | undefined {
  if (value === undefined) {
    return undefined;
  }
  parseAuthority(value);
  const host = asciiAuthority(value);
  if (host === undefined) {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', 'target bad format');
  }
  return host;
}

function readFileMode(value: string | undefined): number | undefined {
  const mode = value !== undefined && /^[0-7]+$/.test(value) ? Number.parseInt(value, 8) : undefined;
  return mode !== undefined && mode <= 0o7777 ? mode : undefined;
}

function readPem(path: string | undefined, readText: ReadText): string | undefined {
  if (path === undefined) {
    return undefined;
  }
  try {
    return readText(path);
  } catch (cause) {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', `failed to open ${path}: ${readFailure(cause)}`, { cause });
  }
}
