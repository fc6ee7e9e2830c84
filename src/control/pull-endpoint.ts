/** Addresses that our own PULL socket can listen on. What else libzmq takes (interface and host names, wildcards for ipc) is left to it. */
import { isIP } from 'node:net';

export type PullEndpoint =
  | { readonly transport: 'tcp'; readonly host: string; readonly port: number }
  | { readonly transport: 'ipc'; readonly path: string };

const IPC = 'ipc://';
const TCP = /^tcp:\/\/(?:\[([^\]]+)\]|([^[\]]+)):(\*|\d{1,5})$/;
/** As libzmq has it without its IPv6 option. */
const ANY_HOST = '0.0.0.0';
const MAX_PORT = 65_535;

/**
 * Reads `tcp://ADDRESS:PORT` and `ipc://PATH`. ADDRESS is an IPv4 address, an IPv6 address in brackets, or `*` for every
 * IPv4 address; PORT is a number, and `*` or 0 lets the system choose. Undefined for anything else.
 */
export function parsePullEndpoint(spec: string): PullEndpoint | undefined {
  if (spec.startsWith(IPC)) {
    const path = spec.slice(IPC.length);
    return path === '' || path.startsWith('*') || path.startsWith('@') ? undefined : { transport: 'ipc', path };
  }
  const [, six, four, portText] = TCP.exec(spec) ?? [];
  const port = portText === '*' ? 0 : Number(portText);
  if (!(port <= MAX_PORT)) return undefined;
  if (six !== undefined) return isIP(six) === 6 ? { transport: 'tcp', host: six, port } : undefined;
  if (four === '*') return { transport: 'tcp', host: ANY_HOST, port };
  return four !== undefined && isIP(four) === 4 ? { transport: 'tcp', host: four, port } : undefined;
}

/** What libzmq calls its last endpoint: the address with the port that was chosen. @param port - of a TCP endpoint */
export function boundSpec(endpoint: PullEndpoint, port: number): string {
  if (endpoint.transport === 'ipc') return `${IPC}${endpoint.path}`;
  const { host } = endpoint;
  return `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
