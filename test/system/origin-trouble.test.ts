/** What happens when one side of a proxied request fails: the client goes, targets refuse, the origin breaks off. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { clientPort, Opened } from '../support/closing.js';
import { within } from '../support/deadline.js';
import { type OriginRequest, REFUSING_TARGET, type Script } from '../support/origin.js';
import { ORIGIN_CLIENTS } from '../support/origin-clients.js';

const GENERIC = 'Error while proxying to origin.\n';

/** A program that listens, and never takes a connection. */
const DEAF = `
  import { createServer } from 'node:net';
  const server = createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    console.log('listening on http://127.0.0.1:' + server.address().port);
    process.kill(process.pid, 'SIGSTOP');
  });
`;

/** Resolves when the origin sees that nobody waits for its answer any more. */
function cancelled({ incoming }: OriginRequest): Promise<void> {
  const closed = new Promise<void>((resolve) => incoming.socket.once('close', () => resolve()));
  return within('the end of the request at the origin', closed);
}

describe.each(ORIGIN_CLIENTS)('a client that goes, with the client %s', (client) => {
  const opened = new Opened(client);

  it('before the answer began lets its origin see the request cancelled', async () => {
    const { origin, port } = await opened.proxied(() => {});
    const client = await opened.get(port, '/');
    const over = cancelled(await origin.request(0));
    client.close();
    await over;
  });

  it('in the middle of the answer lets its origin see the request cancelled', async () => {
    const { origin, port } = await opened.proxied((_request, response) => {
      response.writeHead(200, { 'Content-Length': 1_000_000 });
      response.write('beginning');
    });
    const client = await opened.get(port, '/');
    await client.readUntil('beginning');
    const over = cancelled(await origin.request(0));
    client.close();
    await over;
  });

  it('in the middle of its own body lets its origin see the request cancelled', async () => {
    const { origin, port } = await opened.proxied((request) => void request.incoming.resume());
    const client = await opened.client(port);
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(50_000)}`);
    const over = cancelled(await origin.request(0));
    client.close();
    await over;
  });

  it('does not disturb the requests of others', async () => {
    const answers: (() => void)[] = [];
    const { origin, port } = await opened.proxied((_request, response) => {
      answers.push(() => void response.end('answered'));
    });
    const going = await opened.get(port, '/going');
    const over = cancelled(await origin.request(0));
    const staying = await opened.get(port, '/staying');
    await origin.request(1);
    going.close();
    await over;
    for (const answer of answers) answer();
    expect((await staying.readAnswer()).body.toString()).toBe('answered');
  });
});

describe.each(ORIGIN_CLIENTS)('a target that refuses connections, with the client %s', (client) => {
  const opened = new Opened(client);

  it('is passed over for the next one, body and all', async () => {
    const origin = await opened.origin(async (request, response) => void response.end(await request.body()));
    const holdfast = await opened.holdfast({ routes: [`* ${REFUSING_TARGET} ${REFUSING_TARGET} ${origin.target}`] });
    const client = await opened.client(clientPort(holdfast));
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody');
    const answer = await client.readAnswer();
    expect([answer.status, answer.body.toString()]).toEqual([200, 'body']);
  });

  it('is passed over for the next one with a large body, which is sent whole', async () => {
    const origin = await opened.origin(async (request, response) => {
      response.end(String((await request.body()).length));
    });
    const holdfast = await opened.holdfast({ routes: [`* ${REFUSING_TARGET} ${origin.target}`] });
    const client = await opened.client(clientPort(holdfast));
    const body = Buffer.alloc(3_000_000, 'x');
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
    client.write(body);
    expect((await client.readAnswer()).body.toString()).toBe('3000000');
  });

  it('is not passed over when its name does not resolve', async () => {
    const other = await opened.origin();
    // A label of more than 63 letters: nobody needs to be asked for it.
    const holdfast = await opened.holdfast({ routes: [`*,debug ${'x'.repeat(64)}.example:80 ${other.target}`] });
    const client = await opened.get(clientPort(holdfast), '/');
    const answer = await client.readAnswer();
    expect([answer.status, answer.body.toString()]).toEqual([502, GENERIC]);
    expect(other.requests).toEqual([]);
  });

  it('but only lets them wait is passed over when the time to connect is over', async () => {
    const deaf = opened.add(Child.node(['--input-type=module', '--eval', DEAF]), (child) => child.stop());
    const port = await deaf.port();
    // A queue of one has room for two: once both are in it, further connections are not even made.
    for (const name of ['the first connection', 'the second connection']) {
      const socket = opened.add(connect(port, '127.0.0.1'), (one) => one.destroy());
      socket.on('error', () => {});
      await within(name, once(socket, 'connect'));
    }
    const origin = await opened.origin((_request, response) => void response.end('in time'));
    const holdfast = await opened.holdfast({
      routes: [`* 127.0.0.1:${port} ${origin.target}`],
      settings: { proxy: { connectTimeout: 0.2 } },
    });
    const client = await opened.get(clientPort(holdfast), '/');
    expect((await client.readAnswer()).body.toString()).toBe('in time');
  });

  it('is not passed over when a connection was made and broke', async () => {
    const broken = await opened.origin((_request, response) => void response.destroy());
    const other = await opened.origin();
    const holdfast = await opened.holdfast({ routes: [`* ${broken.target} ${other.target}`] });
    const client = await opened.get(clientPort(holdfast), '/');
    expect((await client.readAnswer()).status).toBe(502);
    expect(other.requests).toEqual([]);
  });
});

describe('an error answer', () => {
  const opened = new Opened();

  const cases: readonly [name: string, script: Script | undefined, debugText: string][] = [
    ['of targets that refuse', undefined, `Unable to connect to any targets. Tried: ${REFUSING_TARGET}\n`],
    ['of an origin that hangs up', (_request, response) => void response.destroy(), GENERIC],
    [
      'of an instruct that cannot be',
      (_request, response) => void response.writeHead(200, { 'Grip-Hold': 'sideways' }).end(),
      "Failed to parse accept instructions: Grip-Hold must be set to either 'response' or 'stream'\n",
    ],
    [
      'of an instruct that is too large',
      (_request, response) => void response.writeHead(200, { 'Grip-Hold': 'response' }).end(Buffer.alloc(100_001)),
      'GRIP instruct response too large from ORIGIN\n',
    ],
  ];

  for (const [name, script, debugText] of cases) {
    it.each([false, true])(`${name} says what the client may know, with debug %s`, async (debug) => {
      const target = script === undefined ? REFUSING_TARGET : (await opened.origin(script)).target;
      const holdfast = await opened.holdfast({ routes: [`*${debug ? ',debug' : ''} ${target}`] });
      const client = await opened.get(clientPort(holdfast), '/');
      const text = debug ? debugText.replace('ORIGIN', target) : GENERIC;
      const expected = `HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
      expect(await client.readAsLongAs(expected)).toBe(expected);
      expect(holdfast.counters.requestErrors).toBe(1);
    });
  }

  it('comes for a host that no route knows', async () => {
    const holdfast = await opened.holdfast({ routes: ['only.example test'] });
    const client = await opened.get(clientPort(holdfast), '/');
    const answer = await client.readAnswer();
    expect([answer.status, answer.body.toString()]).toEqual([502, 'Route not found\n']);
  });

  it('comes for a client that speaks WebSocket events itself', async () => {
    const origin = await opened.origin();
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target},over_http`] });
    const client = await opened.client(clientPort(holdfast));
    client.write(
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/websocket-events\r\nContent-Length: 6\r\n\r\nOPEN\r\n',
    );
    const answer = await client.readAnswer();
    const text = 'Client not allowed to send WebSocket events directly.\n';
    expect([answer.status, answer.body.toString()]).toEqual([403, text]);
    expect(origin.requests).toEqual([]);
  });

  it('leaves the connection usable for the next request', async () => {
    const holdfast = await opened.holdfast({ routes: [`*,path_beg=/no ${REFUSING_TARGET}`, '* test'] });
    const client = await opened.client(clientPort(holdfast));
    client.write('GET /no HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.readAnswer()).status).toBe(502);
    expect((await client.readAnswer()).status).toBe(200);
  });

  it.each([
    ['of known length', { 'Content-Length': '100' }],
    ['in chunks', {}],
  ])('cannot come when an answer %s breaks off: the client sees that it is not whole', async (_name, headers) => {
    let breakOff = (): void => {};
    const { port } = await opened.proxied((_request, response) => {
      response.writeHead(200, headers);
      response.write('half of it');
      breakOff = () => void response.destroy();
    });
    const client = await opened.get(port, '/');
    await client.readUntil('half of it');
    breakOff();
    await client.untilClosed();
    expect(client.pending.replace('\r\n', '')).toBe('');
  });
});

describe('a request with Pushpin-Check', () => {
  const opened = new Opened();
  const NOTICE = 'This is Holdfast, a GRIP proxy under the Apache License, Version 2.0.\n';

  it.each(['any', '0', ''])(
    'is answered by the proxy, whatever its value (%j), and reaches no origin',
    async (value) => {
      const { origin, port } = await opened.proxied((_request, response) => void response.end('origin'));
      const client = await opened.get(port, '/', `Pushpin-Check: ${value}`);
      const expected = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${NOTICE.length}\r\n\r\n${NOTICE}`;
      expect(await client.readAsLongAs(expected)).toBe(expected);
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      expect((await client.readAnswer()).body.toString()).toBe('origin');
      expect(origin.requests.length).toBe(1);
    },
  );

  it('is answered where there is no route, too', async () => {
    const holdfast = await opened.holdfast({ routes: ['only.example test'] });
    const client = await opened.get(clientPort(holdfast), '/', 'Pushpin-Check: 1');
    const { status, body } = await client.readAnswer();
    expect([status, body.toString(), holdfast.counters.requestErrors]).toEqual([200, NOTICE, 0]);
  });

  it('is dressed like any answer where the route says so', async () => {
    const { port } = await opened.proxied(() => {}, { routes: ['*,aco test'] });
    const plain = await opened.get(port, '/', 'Pushpin-Check: 1');
    expect((await plain.readAnswer()).head).toContain('Access-Control-Allow-Origin: *\r\n');
    const call = await opened.get(port, '/?callback=cb', 'Pushpin-Check: 1');
    const { body } = await call.readAnswer();
    expect(body.toString()).toMatch(/^\/\*\*\/cb\(\{"code": 200, .*This is Holdfast.*\}\);\n$/);
  });
});

describe('the signature of requests', () => {
  const opened = new Opened();

  async function signatureAt(port: number, request: Promise<OriginRequest>, forged = 'forged'): Promise<string> {
    const client = await opened.get(port, '/', `Grip-Sig: ${forged}`);
    await client.readAnswer();
    return String((await request).headers['grip-sig']);
  }

  it('verifies with the key, names the issuer, and is good for an hour', async () => {
    const settings = { proxy: { sigKey: 'a secret of the test', sigIss: 'holdfast-test' } };
    const { origin, port } = await opened.proxied((_request, response) => void response.end(), { settings });
    const token = await signatureAt(port, origin.request(0));
    const { payload, protectedHeader } = await jwtVerify(token, Buffer.from('a secret of the test'), {
      issuer: 'holdfast-test',
    });
    expect(protectedHeader).toEqual({ typ: 'JWT', alg: 'HS256' });
    const left = (payload.exp ?? 0) - Date.now() / 1_000;
    expect(left).toBeGreaterThan(3_500);
    expect(left).toBeLessThanOrEqual(3_600);
    await expect(jwtVerify(token, Buffer.from('another key'))).rejects.toThrow(/signature verification failed/);
  });

  it('takes issuer and key of the route before those of the settings, and a key in base64', async () => {
    const origin = await opened.origin((_request, response) => void response.end());
    const key = Buffer.from([1, 2, 3, 4, 250, 251]);
    const holdfast = await opened.holdfast({
      routes: [`*,sig_iss=of-the-route,sig_key=base64:${key.toString('base64')} ${origin.target}`],
    });
    const token = await signatureAt(clientPort(holdfast), origin.request(0));
    expect((await jwtVerify(token, key)).payload.iss).toBe('of-the-route');
  });

  it('is not made on a route without GRIP, where the client’s own does not pass either', async () => {
    const origin = await opened.origin((_request, response) => void response.end());
    const holdfast = await opened.holdfast({ routes: [`*,no_grip ${origin.target}`] });
    expect(await signatureAt(clientPort(holdfast), origin.request(0))).toBe('undefined');
  });
});
