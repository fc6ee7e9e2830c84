import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ConnectionOptions,
  connect,
  createServer,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from 'node:tls';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TlsIdentities } from '../../src/front/tls-identities.js';
import { CollectedLog } from '../support/collected-log.js';
import { within } from '../support/deadline.js';
import { REQUIREMENTS } from '../support/requirements.js';

const HAS_OPENSSL = REQUIREMENTS.openssl.isThere();

const top = mkdtempSync(join(tmpdir(), 'identities-'));
afterAll(() => rmSync(top, { recursive: true }));
const DEFAULT = 'default_443';

let folder = '';
let log = new CollectedLog();
let identities = new TlsIdentities({ folder, log });
let made = 0;
const servers: Server[] = [];

beforeEach(() => {
  made += 1;
  folder = join(top, `certs-${made}`);
  mkdirSync(folder);
  log = new CollectedLog();
  identities = new TlsIdentities({ folder, log });
});

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    await once(server, 'close');
  }
});

const stored = new Map<string, { crt: string; key: string }>();

/** Files of a self-signed certificate whose common name is `commonName`; made once for each name. */
function certificate(commonName: string): { crt: string; key: string } {
  const known = stored.get(commonName);
  if (known !== undefined) return known;
  const base = join(top, `made-${stored.size}`);
  const files = { crt: `${base}.crt`, key: `${base}.key` };
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const out = ['-keyout', files.key, '-out', files.crt, '-subj', `/CN=${commonName}`];
  execFileSync('openssl', ['req', '-x509', ...kind, ...out], { stdio: 'pipe' });
  stored.set(commonName, files);
  return files;
}

/** Puts a certificate under NAME into the folder, the two files as a deployment does: each replaced at once. */
function install(name: string, commonName: string, parts: readonly ('crt' | 'key')[] = ['crt', 'key']): void {
  const files = certificate(commonName);
  for (const part of parts) {
    const path = join(folder, `${name}.${part}`);
    const next = join(folder, 'next');
    copyFileSync(files[part], next);
    renameSync(next, path);
  }
}

/** A server with certificates of the folder and nothing else. */
async function serve(options: { keepDefault?: boolean; secure?: SecureContextOptions } = {}): Promise<number> {
  const server = createServer({ ...options.secure, SNICallback: identities.sniCallback(DEFAULT) }, (socket) => {
    socket.on('error', () => socket.destroy());
    socket.end();
  });
  server.on('tlsClientError', () => {});
  if (options.keepDefault === true) identities.keepDefault(server, DEFAULT, options.secure);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

/** Common name of the certificate that a client is shown, or the code of the failure. */
async function shown(port: number, host: string | undefined, options: ConnectionOptions = {}): Promise<string> {
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    ...(host === undefined ? {} : { servername: host }),
    ...options,
  });
  try {
    await within(`a handshake for ${host}`, once(socket, 'secureConnect'));
    return String(socket.getPeerCertificate().subject.CN);
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    socket.destroy();
  }
}

/** Its middle is another one in each version of OpenSSL. */
const NO_CERTIFICATE = /^ERR_SSL_.+_ALERT_HANDSHAKE_FAILURE$/;

describe.skipIf(!HAS_OPENSSL)('the certificate for a host', () => {
  it('is its own, the one for its place in the domain, or the default', async () => {
    install('www.example.com', 'own');
    install('_.example.com', 'wildcard');
    install('localhost', 'single');
    install(DEFAULT, 'default');
    const port = await serve();
    const hosts = ['www.example.com', 'WWW.Example.COM', 'api.example.com', 'localhost', 'other.test'];
    expect(await Promise.all(hosts.map((host) => shown(port, host)))).toEqual([
      ...['own', 'own', 'wildcard', 'single', 'default'],
    ]);
  });

  it('is that of a wildcard for exactly one level', async () => {
    install('_.example.com', 'wildcard');
    install(DEFAULT, 'default');
    const port = await serve();
    expect(await shown(port, 'a.b.example.com')).toBe('default');
    expect(await shown(port, 'example.com')).toBe('default');
  });

  it('is the next best when its own cannot be used, which is told at debug level only', async () => {
    writeFileSync(join(folder, 'www.example.com.crt'), 'no certificate');
    writeFileSync(join(folder, 'www.example.com.key'), 'no key');
    install('_.example.com', 'wildcard');
    const port = await serve();
    expect(await shown(port, 'www.example.com')).toBe('wildcard');
    expect(await shown(port, 'www.example.com')).toBe('wildcard');
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toMatch(/^debug the certificate .*www\.example\.com\.crt with its key cannot be used: ./);
  });

  it.each([
    ['a certificate without its key', ['crt']],
    ['a key without its certificate', ['key']],
  ] as const)('is not %s', async (_what, parts) => {
    install('www.example.com', 'own', parts);
    const port = await serve();
    expect(await shown(port, 'www.example.com')).toMatch(NO_CERTIFICATE);
    expect(log.lines).toEqual([]);
  });

  it('is none when there is no file at all: the handshake fails, and the port goes on listening', async () => {
    const port = await serve();
    expect(await shown(port, 'www.example.com')).toMatch(NO_CERTIFICATE);
    install('www.example.com', 'own');
    expect(await shown(port, 'www.example.com')).toBe('own');
  });

  it('is none when the folder is missing', () => {
    rmSync(folder, { recursive: true });
    expect(identities.contextFor('www.example.com', DEFAULT)).toBeUndefined();
  });

  it('changes nothing of what else the server was made with', async () => {
    install('www.example.com', 'own');
    install(DEFAULT, 'default');
    const port = await serve({ keepDefault: true, secure: { minVersion: 'TLSv1.3' } });
    const old: ConnectionOptions = { maxVersion: 'TLSv1.2' };
    expect(await shown(port, 'www.example.com')).toBe('own');
    expect(await shown(port, undefined)).toBe('default');
    expect(await shown(port, 'www.example.com', old)).toMatch(/^ERR_SSL_.*PROTOCOL_VERSION$/);
    expect(await shown(port, undefined, old)).toMatch(/^ERR_SSL_.*PROTOCOL_VERSION$/);
  });
});

describe.skipIf(!HAS_OPENSSL)('a certificate that changes', () => {
  it('is read again at the next handshake', async () => {
    install('www.example.com', 'first');
    const port = await serve();
    expect(await shown(port, 'www.example.com')).toBe('first');
    install('www.example.com', 'second');
    expect(await shown(port, 'www.example.com')).toBe('second');
  });

  it('is read again too when the new files are older', async () => {
    install('www.example.com', 'first');
    const port = await serve();
    expect(await shown(port, 'www.example.com')).toBe('first');
    install('www.example.com', 'second');
    for (const part of ['crt', 'key']) utimesSync(join(folder, `www.example.com.${part}`), 1_000, 1_000);
    expect(await shown(port, 'www.example.com')).toBe('second');
  });

  it('is not read again as long as its files stay as they are', () => {
    install('www.example.com', 'first');
    const context = identities.contextFor('www.example.com', DEFAULT);
    expect(context).toBeDefined();
    expect(identities.contextFor('www.example.com', DEFAULT)).toBe(context);
    const later = new Date(Date.now() + 5_000);
    utimesSync(join(folder, 'www.example.com.crt'), later, later);
    expect(identities.contextFor('www.example.com', DEFAULT)).not.toBe(context);
  });

  it('stays in use while only one of its files is new', async () => {
    install('www.example.com', 'first');
    install(DEFAULT, 'default');
    const port = await serve();
    expect(await shown(port, 'www.example.com')).toBe('first');
    install('www.example.com', 'second', ['crt']);
    expect(await shown(port, 'www.example.com')).toBe('first');
    install('www.example.com', 'second', ['key']);
    expect(await shown(port, 'www.example.com')).toBe('second');
  });

  it('is out of use when a file of it is taken away', async () => {
    install('www.example.com', 'first');
    install(DEFAULT, 'default');
    const port = await serve();
    expect(await shown(port, 'www.example.com')).toBe('first');
    rmSync(join(folder, 'www.example.com.key'));
    expect(await shown(port, 'www.example.com')).toBe('default');
  });
});

describe.skipIf(!HAS_OPENSSL)('a certificate that was taken away', () => {
  it('does not come back when what is put in its place cannot be used', () => {
    install('www.example.com', 'first');
    expect(identities.contextFor('www.example.com', DEFAULT)).toBeDefined();
    rmSync(join(folder, 'www.example.com.crt'));
    expect(identities.contextFor('www.example.com', DEFAULT)).toBeUndefined();
    install('www.example.com', 'second', ['crt']);
    expect(identities.contextFor('www.example.com', DEFAULT)).toBeUndefined();
  });
});

describe.skipIf(!HAS_OPENSSL)('a client that names no host', () => {
  it('is shown the default, and a newer one when there is one', async () => {
    install(DEFAULT, 'default');
    const port = await serve({ keepDefault: true });
    expect(await shown(port, undefined)).toBe('default');
    install(DEFAULT, 'newer');
    expect(await shown(port, undefined)).toBe('newer');
  });

  it('is refused without a default, until there is one', async () => {
    install('www.example.com', 'own');
    const port = await serve({ keepDefault: true });
    expect(await shown(port, undefined)).toMatch(NO_CERTIFICATE);
    expect(await shown(port, 'www.example.com')).toBe('own');
    install(DEFAULT, 'default');
    expect(await shown(port, undefined)).toBe('default');
    rmSync(join(folder, `${DEFAULT}.crt`));
    expect(await shown(port, undefined)).toMatch(NO_CERTIFICATE);
  });
});

describe.skipIf(!HAS_OPENSSL)('a host name from the network', () => {
  beforeEach(() => {
    // Next to the folder, where a name with a way in it would lead.
    const outside = certificate('outside');
    for (const name of ['outside', '..', '']) {
      copyFileSync(outside.crt, join(top, `${name}.crt`));
      copyFileSync(outside.key, join(top, `${name}.key`));
    }
  });

  it.each([
    '../outside',
    'x/../../outside',
    '..\\outside',
    '../',
    '/',
    '.',
    '..',
    '',
    'a\u0000b',
    'a\nb',
    'a\u007fb',
    'c:outside',
    'a'.repeat(254),
    'a'.repeat(253),
    `${'a'.repeat(100)}.${'b'.repeat(152)}`,
  ])('never leads out of the folder: %j', (host) => {
    expect(identities.contextFor(host, DEFAULT)).toBeUndefined();
    expect(log.lines).toEqual([]);
  });

  it.each(['a\nb', 'a\tb', 'a\u007fb', 'a:b', 'a\\b'])('has no certificate even if there is a file: %j', (host) => {
    install(host, 'odd');
    expect(identities.contextFor(host, DEFAULT)).toBeUndefined();
  });

  it('may be 253 characters long, and not one more', () => {
    install('_.example.com', 'wildcard');
    const ofLength = (length: number): string => `${'a'.repeat(length - '.example.com'.length)}.example.com`;
    expect(identities.contextFor(ofLength(253), DEFAULT)).toBeDefined();
    expect(identities.contextFor(ofLength(254), DEFAULT)).toBeUndefined();
  });

  it('leads nowhere on the wire either', async () => {
    install(DEFAULT, 'default');
    const port = await serve();
    expect(await shown(port, '../outside')).toBe('default');
  });
});
