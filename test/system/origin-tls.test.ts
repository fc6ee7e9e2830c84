/** Origins behind TLS: whose certificate is believed, what name they are asked for, and what we show them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Holdfast } from '../../src/index.js';
import { Child, PROJECT } from '../support/child.js';
import { clientPort, Opened } from '../support/closing.js';
import { REFUSING_TARGET } from '../support/origin.js';
import { ORIGIN_CLIENTS } from '../support/origin-clients.js';
import type { Answer } from '../support/raw-client.js';
import { REQUIREMENTS } from '../support/requirements.js';
import { EventsClient } from '../support/websocket-client.js';

const HAS_OPENSSL = REQUIREMENTS.openssl.isThere();
const folder = mkdtempSync(join(tmpdir(), 'origin-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Identity {
  readonly crt: string;
  readonly key: string;
  readonly options: TlsOptions;
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
const AUTHORITY = ['-CA', join(folder, 'authority.crt'), '-CAkey', join(folder, 'authority.key')];

function openssl(...args: readonly string[]): Buffer {
  return execFileSync('openssl', args, { stdio: 'pipe' });
}

/** A certificate under `name`; `names` as in `DNS:a.example`. Signed by the test's authority unless it is its own. */
function identity(name: string, names: string, signer: 'authority' | 'itself' = 'authority'): Identity {
  const base = join(folder, name);
  const files = { crt: `${base}.crt`, key: `${base}.key` };
  const request = ['req', ...EC, '-keyout', files.key, '-subj', `/CN=${name}`];
  if (signer === 'itself') {
    openssl(...request, '-x509', '-out', files.crt, ...(names === '' ? [] : ['-addext', `subjectAltName=${names}`]));
  } else {
    openssl(...request, '-out', `${base}.csr`);
    writeFileSync(`${base}.ext`, `subjectAltName=${names}\n`);
    const signing = [...AUTHORITY, '-CAcreateserial', '-days', '2', '-extfile', `${base}.ext`];
    openssl('x509', '-req', '-in', `${base}.csr`, '-out', files.crt, ...signing);
  }
  const read = (path: string): string => openssl(path.endsWith('key') ? 'pkey' : 'x509', '-in', path).toString();
  return { ...files, options: { cert: read(files.crt), key: read(files.key) } };
}

const EVENTS_TYPE = 'application/websocket-events';

/**
 * An origin that answers with what it knows of its client: the name it was asked for, the name in the client's
 * certificate, and the number of the connection. It accepts WebSockets over HTTP and says the same in a message.
 */
class TlsOrigin {
  connections = 0;
  requests = 0;
  readonly server;
  private readonly numbers = new WeakMap<object, number>();

  constructor(options: TlsOptions) {
    this.server = createServer({ ...options, keepAliveTimeout: 60_000 }, (incoming, response) => {
      this.requests += 1;
      response.sendDate = false;
      const said = this.describe(incoming.socket as TLSSocket);
      if (incoming.headers['content-type'] !== EVENTS_TYPE) {
        incoming.resume();
        response.end(said);
        return;
      }
      let events = '';
      incoming.on('data', (bytes: Buffer) => {
        events += bytes.toString('latin1');
      });
      incoming.on('end', () => {
        response.setHeader('Content-Type', EVENTS_TYPE);
        const message = `TEXT ${said.length.toString(16)}\r\n${said}\r\n`;
        response.end(events.startsWith('OPEN') ? `OPEN\r\n${message}` : '');
      });
    });
    this.server.on('tlsClientError', () => {});
    this.server.on('secureConnection', (socket) => {
      this.connections += 1;
      this.numbers.set(socket, this.connections);
      socket.on('error', () => {});
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  private describe(socket: TLSSocket & IncomingMessage['socket']): string {
    const { servername = false } = socket as { servername?: string | false };
    const shown = socket.getPeerCertificate().subject?.CN;
    return `asked for ${servername || 'no name'}, shown ${shown ?? 'nothing'}, on ${this.numbers.get(socket)}`;
  }
}

async function tlsOrigin(opened: Opened, options: TlsOptions): Promise<TlsOrigin> {
  const origin = new TlsOrigin(options);
  // On all families, because `localhost` may be either.
  await new Promise<void>((resolve) => origin.server.listen(0, resolve));
  return opened.add(origin, async ({ server }) => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  });
}

describe.skipIf(!HAS_OPENSSL)('the certificate of an origin', () => {
  const opened = new Opened();
  const made = new Map<string, Identity>();

  beforeAll(() => {
    openssl('req', '-x509', ...EC, '-keyout', AUTHORITY[3] ?? '', '-out', AUTHORITY[1] ?? '', '-subj', '/CN=authority');
    made.set('a', identity('a', 'DNS:a.example,DNS:c.example'));
    made.set('localhost', identity('localhost', 'DNS:localhost'));
    made.set('address', identity('address', 'IP:127.0.0.1'));
    made.set('stranger', identity('stranger', 'DNS:a.example,DNS:localhost', 'itself'));
  });

  /** A Holdfast in a process of its own, which alone can be told of another authority. */
  async function trusting(route: string): Promise<number> {
    const cwd = opened.add(mkdtempSync(join(folder, 'cwd-')), () => {});
    const sets = ['control.listen=127.0.0.1:0', 'zeromq.pull=', 'zeromq.sub=', 'zeromq.rep='].flatMap((one) => [
      '--set',
      one,
    ]);
    const args = [join(PROJECT, 'dist/cli/main.js'), '--port', '127.0.0.1:0', ...sets, '--route', route];
    const environment = { NODE_EXTRA_CA_CERTS: AUTHORITY[1] ?? '' };
    const child = opened.add(Child.node(args, { cwd, environment }), (one) => one.stop());
    return Number((await child.says(/clients: listening on http:\/\/127\.0\.0\.1:(\d+)\n/))[1]);
  }

  async function asked(port: number, host: string): Promise<Answer> {
    const client = await opened.client(port);
    client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    return client.readAnswer();
  }

  /** The origin's words, or the status of a failure. */
  function words({ status, body }: Answer): string {
    return status === 200 ? body.toString() : String(status);
  }

  const cases: readonly (readonly [what: string, certificate: string, target: string, host: string, said: string])[] = [
    ['has to be for the host of the request', 'a', 'localhost,ssl', 'a.example', 'asked for a.example'],
    ['is for the host whatever port is asked for', 'a', 'localhost,ssl', 'A.Example.:8443', 'asked for a.example'],
    ['is not believed for another host', 'a', 'localhost,ssl', 'b.example', '502'],
    ['may not be for the host connected to', 'localhost', 'localhost,ssl', 'a.example', '502'],
    [
      'is for the host that the target sets',
      'a',
      '127.0.0.1,ssl,host=a.example:99',
      'b.example',
      'asked for a.example',
    ],
    ['is for an address that was asked for', 'address', 'localhost,ssl', '127.0.0.1', 'asked for no name'],
    ['is not for a name when an address was asked for', 'localhost', 'localhost,ssl', '127.0.0.1', '502'],
    ['is not for an address when a name was asked for', 'address', '127.0.0.1,ssl', 'a.example', '502'],
    [
      'has to be for the host connected to with trust_connect_host',
      'localhost',
      'localhost,ssl,trust_connect_host',
      'a.example',
      'asked for localhost',
    ],
    ['may then not be for the host of the request', 'a', 'localhost,ssl,trust_connect_host', 'a.example', '502'],
    [
      'is for the address connected to with trust_connect_host',
      'address',
      '127.0.0.1,ssl,trust_connect_host',
      'a.example',
      'asked for no name',
    ],
    ['has to come from an authority', 'stranger', 'localhost,ssl', 'a.example', '502'],
    ['may be anybody’s with insecure', 'stranger', 'localhost,ssl,insecure', 'z.example', 'asked for z.example'],
  ];

  it.each(cases)('%s', async (_what, certificate, target, host, said) => {
    const origin = await tlsOrigin(opened, made.get(certificate)?.options ?? {});
    const [name = '', ...properties] = target.split(',');
    const port = await trusting(`* ${[`${name}:${origin.port}`, ...properties].join(',')},over_http`);
    const text = words(await asked(port, host));
    expect(text).toBe(said === '502' ? said : `${said}, shown nothing, on 1`);
    expect(origin.requests).toBe(said === '502' ? 0 : 1);

    const socket = new EventsClient(port, '/chat', { Host: host });
    opened.add(socket, (one) => one.socket.terminate());
    if (said === '502') expect(await socket.ended()).toBe('close 1006');
    else expect(await socket.sees(1)).toMatch(new RegExp(`^text ${said}, shown nothing, on \\d$`));
  });

  it('is checked for each name anew, and connections are kept apart by name', async () => {
    const origin = await tlsOrigin(opened, made.get('a')?.options ?? {});
    const port = await trusting(`* 127.0.0.1:${origin.port},ssl`);
    const answers: string[] = [];
    for (const host of ['a.example', 'c.example', 'b.example', 'a.example', 'c.example', 'c.example:1']) {
      answers.push(words(await asked(port, host)));
    }
    const said = (name: string, connection: number): string => `asked for ${name}, shown nothing, on ${connection}`;
    const [a, c] = ['a.example', 'c.example'];
    // The handshake for b.example succeeds for the origin, and is given up by us.
    expect(answers).toEqual([said(a, 1), said(c, 2), '502', said(a, 1), said(c, 2), said(c, 2)]);
  });

  it('does not part connections where every request is for the host connected to', async () => {
    const origin = await tlsOrigin(opened, made.get('localhost')?.options ?? {});
    const port = await trusting(`* localhost:${origin.port},ssl,trust_connect_host`);
    for (const host of ['a.example', 'b.example', 'c.example']) {
      expect(words(await asked(port, host))).toBe('asked for localhost, shown nothing, on 1');
    }
  });
});

describe.skipIf(!HAS_OPENSSL).each(ORIGIN_CLIENTS)('TLS to an origin, with the client %s', (originClient) => {
  const opened = new Opened(originClient);
  let server: Identity | undefined;
  let client: Identity | undefined;

  beforeAll(() => {
    server = identity('server', 'DNS:a.example', 'itself');
    client = identity('client of the test', '', 'itself');
  });

  async function answer(holdfast: Holdfast): Promise<Answer> {
    return (await opened.get(clientPort(holdfast), '/')).readAnswer();
  }

  async function demanding(version: 'TLSv1.2' | 'TLSv1.3'): Promise<TlsOrigin> {
    const known = client?.options.cert;
    const asks = { requestCert: true, rejectUnauthorized: true, minVersion: version, maxVersion: version } as const;
    return tlsOrigin(opened, { ...server?.options, ...(known === undefined ? {} : { ca: known }), ...asks });
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'shows our certificate where the route has one, with %s',
    async (version) => {
      const origin = await demanding(version);
      const files = `client_cert=${client?.crt},client_key=${client?.key}`.replaceAll(' ', '" "');
      const holdfast = await opened.holdfast({
        routes: [`* 127.0.0.1:${origin.port},ssl,insecure,over_http,${files}`],
      });
      const said = 'asked for example.com, shown client of the test, on';
      expect((await answer(holdfast)).body.toString()).toBe(`${said} 1`);
      const socket = new EventsClient(clientPort(holdfast), '/chat', { Host: 'example.com' });
      opened.add(socket, (one) => one.socket.terminate());
      expect(await socket.sees(1)).toMatch(`text ${said}`);
    },
  );

  it.each([
    ['TLSv1.2', 'is made at the next target', 'body'],
    // In 1.3 the handshake is over for us before the origin has looked: it hangs up on the request.
    ['TLSv1.3', 'is answered 502, for it may have been acted on', 'Error while proxying to origin.\n'],
  ] as const)('that fails in %s for want of our certificate: the request %s', async (version, _what, text) => {
    const origin = await demanding(version);
    const spare = await opened.origin(async (request, response) => void response.end(await request.body()));
    const holdfast = await opened.holdfast({ routes: [`* 127.0.0.1:${origin.port},ssl,insecure ${spare.target}`] });
    const sender = await opened.client(clientPort(holdfast));
    sender.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody');
    expect((await sender.readAnswer()).body.toString()).toBe(text);
    expect(origin.requests).toBe(0);
  });

  it('lets the next target have the request when the certificate is not believed', async () => {
    const origin = await tlsOrigin(opened, server?.options ?? {});
    const spare = await opened.origin((_request, response) => void response.end('spare'));
    const holdfast = await opened.holdfast({ routes: [`* 127.0.0.1:${origin.port},ssl ${spare.target}`] });
    expect((await answer(holdfast)).body.toString()).toBe('spare');
  });

  it('lets the next target have the request when there is no TLS at the other end', async () => {
    const plain = await opened.origin();
    const spare = await opened.origin((_request, response) => void response.end('spare'));
    const holdfast = await opened.holdfast({ routes: [`* ${plain.target},ssl,insecure ${spare.target}`] });
    expect((await answer(holdfast)).body.toString()).toBe('spare');
    expect(plain.requests).toEqual([]);
  });

  it('is answered 502 where our own certificate is none', async () => {
    const origin = await tlsOrigin(opened, server?.options ?? {});
    const file = join(folder, 'none.pem');
    writeFileSync(file, 'not a certificate\n');
    const holdfast = await opened.holdfast({
      routes: [`* 127.0.0.1:${origin.port},ssl,insecure,client_cert=${file} ${REFUSING_TARGET}`],
    });
    expect((await answer(holdfast)).status).toBe(502);
    expect(origin.connections).toBe(0);
  });
});
