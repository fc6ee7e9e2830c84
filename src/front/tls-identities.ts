/**
 * The certificates of the TLS ports: pairs of NAME.crt and NAME.key in one folder, chosen by the name a client asks for
 * and read again when they change (specification 15.1). The name comes from the network before anything is known of
 * the client: it never leads out of the folder, and names without a file leave nothing behind.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TlsOptions,
} from 'node:tls';
import type { Logger } from '../observe/logger.js';

const MAX_NAME = 253;

export interface TlsIdentitiesOptions {
  readonly folder: string;
  readonly log: Logger;
}

type SniCallback = NonNullable<TlsOptions['SNICallback']>;

interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly context: SecureContext;
}

interface Identity {
  /** Of both files, as they were when they were read. */
  readonly stamp: string;
  /** Undefined when the files have never been usable. */
  readonly pair: Pair | undefined;
}

export class TlsIdentities {
  /** By the NAME of the files; only names that have files. */
  private readonly identities = new Map<string, Identity>();

  constructor(private readonly options: TlsIdentitiesOptions) {}

  /**
   * The certificate for a host, as it is on disk now: its own, the one of `_` and everything from its first dot, or
   * the default. Undefined when none of them can be used.
   *
   * @param host - as the client sent it
   * @param defaultName - such as `default_443`
   */
  contextFor(host: string, defaultName: string): SecureContext | undefined {
    for (const name of [...namesFor(host), defaultName]) {
      const pair = this.pairOf(name);
      if (pair !== undefined) return pair.context;
    }
    return undefined;
  }

  /** The `SNICallback` of a TLS server. Without a usable certificate the handshake fails with an alert. */
  sniCallback(defaultName: string): SniCallback {
    return (host, done) => done(null, this.contextFor(host, defaultName));
  }

  /**
   * Gives a server the default certificate for clients that name no host, for whom node:tls calls no `SNICallback`,
   * and looks for a newer one at each connection.
   *
   * @param secure - what else the server was made with, such as `minVersion`: a new certificate would reset it. It
   *   holds for connections with a host name as well, of whose context only the certificate is used
   */
  keepDefault(server: Server, defaultName: string, secure: SecureContextOptions = {}): void {
    let inForce: Pair | undefined;
    const refresh = (): void => {
      const pair = this.pairOf(defaultName);
      if (pair === inForce) return;
      inForce = pair;
      const { cert, key } = pair ?? {};
      server.setSecureContext({ ...secure, ...(cert && key ? { cert, key } : {}) });
    };
    refresh();
    // Before the server's own listener, which takes the certificate in force.
    server.prependListener('connection', refresh);
  }

  private pairOf(name: string): Pair | undefined {
    const crt = join(this.options.folder, `${name}.crt`);
    const key = join(this.options.folder, `${name}.key`);
    const stamp = stampOf(crt, key);
    if (stamp === undefined) {
      this.identities.delete(name);
      return undefined;
    }
    const known = this.identities.get(name);
    if (known?.stamp === stamp) return known.pair;
    // While one file of a pair is new and the other still old, the pair that was read before goes on being used.
    const pair = this.read(crt, key) ?? known?.pair;
    this.identities.set(name, { stamp, pair });
    return pair;
  }

  private read(crtFile: string, keyFile: string): Pair | undefined {
    try {
      const cert = readFileSync(crtFile);
      const key = readFileSync(keyFile);
      return { cert, key, context: createSecureContext({ cert, key }) };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.options.log.debug(`the certificate ${crtFile} with its key cannot be used: ${why}`);
      return undefined;
    }
  }
}

/** Names of files that may serve a host, the best first; none for what is no name of a host. */
function namesFor(host: string): string[] {
  const name = host.toLowerCase();
  if (name === '' || name.length > MAX_NAME || /[/\\:\p{Cc}]/u.test(name)) return [];
  const dot = name.indexOf('.');
  return dot === -1 ? [name] : [name, `_${name.slice(dot)}`];
}

/** Changes whenever one of the files is replaced or written; undefined when one is missing. */
function stampOf(...paths: string[]): string | undefined {
  let stamp = '';
  for (const path of paths) {
    try {
      const { mtimeNs, ino, size } = statSync(path, { bigint: true });
      stamp += `${mtimeNs} ${ino} ${size};`;
    } catch {
      return undefined;
    }
  }
  return stamp;
}
