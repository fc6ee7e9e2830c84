/**
 * Which server a request goes to: address, and with TLS who it has to prove to be. Requests for different names never
 * share a connection, because its certificate was checked for one of them.
 */
import { isIP, type OnReadOpts, type Socket } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { Target } from '../routes/route.js';
import { makePolicyConnector } from './address-policy.js';
import { buildConnector } from './undici-parts.js';

/** What connections have to have in common to be used for the same requests. */
export interface OriginServer {
  readonly url: string;
  readonly secure: boolean;
  /** Connects, and with TLS checks the certificate; `done` is called later, unless this throws. */
  readonly connect: (done: (result: Socket | Error) => void) => void;
}

/** The name a server's certificate has to be for; undefined where there is no TLS. Without brackets and final dot. */
export function identityFor(target: Target & { readonly kind: 'origin' }, authority: string): string | undefined {
  const { ssl, trustConnectHost } = target.options;
  if (!ssl) return undefined;
  const name = trustConnectHost ? target.host : hostOf(authority);
  return name.toLowerCase().replace(/\.$/, '');
}

/** A text that two targets share when their connections are the same but for the identity. */
export function serverKey(target: Target & { readonly kind: 'origin' }): string {
  const { ssl, insecure, clientCert, clientKey, untrusted } = target.options;
  return JSON.stringify([ssl, target.host, target.port, insecure, untrusted, clientCert, clientKey]);
}

/**
 * @param connectTimeout - milliseconds
 * @param onread - how its sockets are read, where that is not by their `data` events
 */
export function originServer(
  target: Target & { readonly kind: 'origin' },
  identity: string | undefined,
  connectTimeout: number,
  onread?: OnReadOpts,
): OriginServer {
  const { host, port } = target;
  const { insecure, clientCert, clientKey, untrusted } = target.options;
  const options = {
    timeout: connectTimeout,
    ...(onread === undefined ? {} : { onread }),
    ...(clientCert === undefined ? {} : { cert: clientCert }),
    ...(clientKey === undefined ? {} : { key: clientKey }),
    ...(identity === undefined
      ? {}
      : {
          rejectUnauthorized: !insecure,
          checkServerIdentity: (_connected: string, certificate: PeerCertificate) =>
            checkServerIdentity(identity, certificate),
        }),
  };
  const connector = untrusted ? makePolicyConnector(options) : buildConnector(options);
  const secure = identity !== undefined;
  const protocol = secure ? 'https:' : 'http:';
  const place = { hostname: host, protocol, port: String(port) };
  // Addresses are not announced (RFC 6066 3). Without `host` undici does not announce the address connected to instead.
  const name = secure ? { host: '', servername: isIP(identity) === 0 ? identity : '' } : {};
  return {
    url: `${protocol}//${host.includes(':') ? `[${host}]` : host}:${port}`,
    secure,
    // A failure comes alone, whatever its type says.
    connect: (done) => connector({ ...place, ...name }, (...result) => done(result[0] ?? result[1])),
  };
}

/** The host of `host[:port]`, an address without its brackets. */
function hostOf(authority: string): string {
  const literal = /^\[([^\]]*)\]/.exec(authority)?.[1];
  return literal ?? authority.replace(/:\d*$/, '');
}
