/** WebSocket origins behind TLS: whom we believe, and what we show them (specification 15.1). */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child, PROJECT } from '../support/child.js';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { REQUIREMENTS } from '../support/requirements.js';
import { EventsClient } from '../support/websocket-client.js';
import { WebSocketOriginServer } from '../support/websocket-origin.js';

const HAS_OPENSSL = REQUIREMENTS.openssl.isThere();
const folder = mkdtempSync(join(tmpdir(), 'websocket-tls-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Makes a certificate of its own for `name`. */
function certificate(name: string): void {
  const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)];
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, ...files, ...names], { stdio: 'pipe' });
}

function filesOf(name: string): { cert: string; key: string } {
  const read = (end: string): string => readFileSync(join(folder, `${name}.${end}`), 'utf8');
  return { cert: read('crt'), key: read('key') };
}

describe.skipIf(!HAS_OPENSSL)('a WebSocket origin behind TLS', () => {
  const opened = new Opened();

  beforeAll(() => {
    certificate('origin.example');
    certificate('client.example');
  });

  async function secureOrigin(options: TlsOptions = {}): Promise<WebSocketOriginServer> {
    const tls = { ...filesOf('origin.example'), ...options };
    return opened.add(await WebSocketOriginServer.start({ tls }), (one) => one.stop());
  }

  function ask(port: number, host: string): EventsClient {
    return opened.add(new EventsClient(port, '/chat', { Host: host }), ({ socket }) => socket.terminate());
  }

  async function exchanged(client: EventsClient, origin: WebSocketOriginServer): Promise<TLSSocket> {
    await client.sees(0);
    const side = await origin.side();
    client.socket.send('in');
    expect(await side.sees(0)).toBe('text in');
    side.socket.send('out');
    expect(await client.sees(1)).toBe('text out');
    return side.request.socket as TLSSocket;
  }

  it('is not believed when nobody vouches for it', async () => {
    const origin = await secureOrigin();
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target},ssl`] });
    expect(await ask(clientPort(holdfast), 'origin.example').ended()).toBe('close 1006');
    expect(origin.sides).toEqual([]);
  });

  it('is believed with insecure, and asked for by the name of the request', async () => {
    const origin = await secureOrigin();
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target},ssl,insecure`] });
    const socket = await exchanged(ask(clientPort(holdfast), 'any.example'), origin);
    expect((socket as TLSSocket & { servername?: string }).servername).toBe('any.example');
  });

  it('is passed through to on a route without GRIP', async () => {
    const origin = await secureOrigin();
    const holdfast = await opened.holdfast({ routes: [`*,no_grip ${origin.target},ssl,insecure`] });
    const client = ask(clientPort(holdfast), 'any.example');
    await exchanged(client, origin);
    client.socket.close(4_000, 'bye');
    expect(await (await origin.side()).ended()).toBe('close 4000 bye');
    expect(await client.ended()).toBe('close 4000 bye');
    await turnUntil('the end of it', () => holdfast.counters.holds.ws === 0);
  });

  it('is shown our certificate where the target has one', async () => {
    const { cert } = filesOf('client.example');
    const origin = await secureOrigin({ requestCert: true, rejectUnauthorized: true, ca: cert });
    const files = ['client_cert', 'client_key'].map((name) => `${name}=${join(folder, 'client.example')}`);
    const properties = `ssl,insecure,${files[0]}.crt,${files[1]}.key`;
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target},${properties}`] });
    const socket = await exchanged(ask(clientPort(holdfast), 'any.example'), origin);
    expect(socket.getPeerCertificate().subject.CN).toBe('client.example');
  });

  it.each([
    ['is believed for the name that its certificate is for', 'origin.example', 'close 1000'],
    ['is not believed for another name', 'other.example', 'close 1006'],
  ])('%s', async (_what, host, end) => {
    const origin = await secureOrigin();
    // Only a process of its own can be told of another authority.
    const sets = ['control.listen=127.0.0.1:0', 'zeromq.pull=', 'zeromq.sub=', 'zeromq.rep='].flatMap((one) => [
      '--set',
      one,
    ]);
    const route = ['--route', `* ${origin.target},ssl`];
    const args = [join(PROJECT, 'dist/cli/main.js'), '--port', '127.0.0.1:0', ...sets, ...route];
    const environment = { NODE_EXTRA_CA_CERTS: join(folder, 'origin.example.crt') };
    const child = opened.add(Child.node(args, { cwd: folder, environment }), (one) => one.stop());
    const port = Number((await child.says(/clients: listening on http:\/\/127\.0\.0\.1:(\d+)\n/))[1]);
    const client = ask(port, host);
    if (end === 'close 1000') {
      await exchanged(client, origin);
      client.socket.close(1_000);
    }
    expect(await client.ended()).toBe(end);
  });
});
