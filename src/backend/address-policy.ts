/**
 * Keeps connections to untrusted targets away from the private network (specification 3.9). The address that is
 * checked is the very one that is connected to: a name is looked up once, here, so that a second answer of its name
 * server cannot lead elsewhere.
 */
import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { buildConnector as connectors } from 'undici';
import { buildConnector } from './undici-parts.js';

const BLOCKED = 'ADDRESS_BLOCKED';

/** Address and prefix length. */
const PRIVATE_IPV4 = [
  // Connecting to 0.0.0.0 reaches this host.
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const;

const PRIVATE_IPV6 = [
  // Connecting to :: reaches this host.
  ['::', 128],
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const;

const privateAddresses = listOfPrivateAddresses();

/** A connection refused for its address. */
export class AddressBlockedError extends Error {
  readonly code = BLOCKED;

  constructor(host: string, address: string) {
    super(host === address ? `${address} is a private address` : `${host} has the private address ${address}`);
    this.name = 'AddressBlockedError';
  }
}

/** Whether `error`, or what caused it, is a refusal by this policy. */
export function isAddressBlocked(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && at.code === BLOCKED) return true;
    if (at instanceof AggregateError && at.errors.some(isAddressBlocked)) return true;
  }
  return false;
}

/**
 * Whether an IP address belongs to this host or to a private network. What is not an IP address counts as private:
 * nothing unknown gets through.
 *
 * @param address - IPv4, IPv6 or IPv4 within IPv6, without brackets; a zone is passed over
 */
export function isPrivateAddress(address: string): boolean {
  const [ip = ''] = address.split('%', 1);
  const version = isIP(ip);
  return version === 0 || privateAddresses.check(ip, version === 6 ? 'ipv6' : 'ipv4');
}

/**
 * A look-up that fails for names with any private address.
 *
 * @param lookup - makes the look-up; default that of the system
 */
export function makePolicyLookup(lookup: LookupFunction = systemLookup as LookupFunction): LookupFunction {
  return (host, options, callback) => {
    lookup(host, options as LookupOptions, (error, found, family) => {
      if (error !== null && error !== undefined) {
        callback(error, found, family);
        return;
      }
      const blocked = addressesOf(found).find(isPrivateAddress);
      if (blocked === undefined) callback(null, found, family);
      else callback(new AddressBlockedError(host, blocked), options.all === true ? [] : '');
    });
  };
}

/**
 * undici's connector under this policy, for its `connect` option. Give it a pool of its own: connections that were
 * made without the policy must not be used again for untrusted targets.
 *
 * @param options - those of undici; `lookup` replaces the look-up of the system and is checked as that is
 */
export function makePolicyConnector(
  options: connectors.BuildOptions & { lookup?: LookupFunction } = {},
): connectors.connector {
  // A path of a Unix socket would win over any address.
  const connect = buildConnector({ ...options, socketPath: null, lookup: makePolicyLookup(options.lookup) });
  return (request, callback) => {
    const host = request.hostname;
    // Addresses are connected to without a look-up.
    if (isIP(host) !== 0 && isPrivateAddress(host)) {
      queueMicrotask(() => callback(new AddressBlockedError(host, host), null));
      return;
    }
    connect(request, callback);
  };
}

function addressesOf(found: string | LookupAddress[]): string[] {
  return typeof found === 'string' ? [found] : found.map(({ address }) => address);
}

function listOfPrivateAddresses(): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of PRIVATE_IPV6) list.addSubnet(address, prefix, 'ipv6');
  for (const [address, prefix] of PRIVATE_IPV4) {
    // The rule for IPv4 holds for ::ffff:a.b.c.d as well; the translation prefix (RFC 6052) needs its own.
    list.addSubnet(address, prefix, 'ipv4');
    list.addSubnet(`64:ff9b::${address}`, 96 + prefix, 'ipv6');
  }
  return list;
}
