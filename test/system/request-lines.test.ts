/** The log line of each kind of request, over real sockets: one for each request, with what was written (spec 14.1). */
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import type { Holdfast, HoldfastOptions } from '../../src/index.js';
import { clientPort, Opened } from '../support/closing.js';
import { subscribed } from '../support/events.js';
import { GRIP, opening } from '../support/events-origin.js';
import { answering, holding, type Script } from '../support/origin.js';
import { frame, knock } from '../support/websocket-client.js';
import { Stage } from '../support/websocket-stage.js';
import { WrittenLog } from '../support/written-log.js';

const KEY = 'the key of the proxy behind';

function token(): Promise<string> {
  return new SignJWT({ iss: 'any', exp: Math.floor(Date.now() / 1_000) + 3_600 })
    .setProtectedHeader({ typ: 'JWT', alg: 'HS256' })
    .sign(Buffer.from(KEY));
}

/** The content of a chunked body. */
function withoutFraming(chunks: string): string {
  const size = Number.parseInt(chunks, 16);
  const at = chunks.indexOf('\r\n') + 2;
  return size === 0 ? '' : chunks.slice(at, at + size) + withoutFraming(chunks.slice(at + size + 2));
}

interface Logged {
  readonly log: WrittenLog;
  readonly port: number;
  readonly holdfast: Holdfast;
  /** `METHOD URI -> TARGET` of a request for `path`. */
  readonly start: (path: string, method?: string) => string;
}

/** `routes` are conditions; the target is an origin with `script`. */
async function logged(
  opened: Opened,
  script: Script,
  settings: HoldfastOptions['settings'] = {},
  condition = '*',
): Promise<Logged> {
  const log = new WrittenLog();
  const origin = await opened.origin(script);
  const holdfast = await opened.holdfast({ routes: [`${condition} ${origin.target}`], settings, logger: log.logger });
  const start = (path: string, method = 'GET'): string =>
    `INFO ${method} http://example.com${path} -> ${origin.target}`;
  return { log, port: clientPort(holdfast), holdfast, start };
}

describe('the line of a request', () => {
  const opened = new Opened();

  it('counts the bytes of the body, whether it had a length or came in pieces', async () => {
    const { log, port, start } = await logged(opened, (request, response) => {
      if (request.url === '/long') response.setHeader('Content-Length', '5');
      response.write('he');
      setImmediate(() => response.end('llo'));
    });
    const client = await opened.get(port, '/long?a=1');
    await client.readAnswer();
    client.write('GET /pieces HTTP/1.1\r\nHost: example.com\r\n\r\n');
    await client.readAnswer();
    await log.until('/pieces');
    expect(log.lines).toEqual([`${start('/long?a=1')} code=200 5`, `${start('/pieces')} code=200 5`]);
  });

  it('counts nothing for HEAD, whatever the backend said', async () => {
    const log = new WrittenLog();
    const holdfast = await opened.holdfast({ routes: ['* test'], logger: log.logger });
    const client = await opened.client(clientPort(holdfast));
    client.write('HEAD / HTTP/1.1\r\nHost: example.com\r\n\r\n');
    const { head } = await client.readAnswer(true);
    expect(head).toContain('Content-Length: 38\r\n');
    expect(log.lines).toEqual(['INFO HEAD http://example.com/ -> test code=200 0']);
  });

  it('counts nothing for an answer whose status has no body', async () => {
    const { log, port, start } = await logged(
      opened,
      answering({ 'Grip-Channel': 'news', 'Grip-Status': '204', 'Content-Type': 'text/plain' }, 'not written'),
    );
    const { status, body } = await (await opened.get(port, '/')).readAnswer();
    expect([status, body.length]).toEqual([204, 0]);
    expect(log.lines).toEqual([`${start('/')} code=204 0`]);
  });

  it('says error, once, when the client goes before it is answered', async () => {
    const { log, port, start, holdfast } = await logged(opened, () => {});
    const client = await opened.get(port, '/slow');
    client.close();
    await log.until('error');
    await holdfast.close();
    expect(log.lines).toEqual([`${start('/slow')} error`]);
  });

  it('says error, once, when the client goes in the middle of an answer', async () => {
    const { log, port, start, holdfast } = await logged(opened, (_request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('half');
    });
    const client = await opened.get(port, '/half');
    await client.readUntil('half');
    client.close();
    await log.until('error');
    await holdfast.close();
    expect(log.lines).toEqual([`${start('/half')} error`]);
  });

  it('says error, once, when the origin breaks its answer off', async () => {
    const { log, port, start, holdfast } = await logged(opened, (_request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('half', () => response.destroy());
    });
    const client = await opened.get(port, '/broken');
    await client.untilClosed();
    await log.until('error');
    await holdfast.close();
    expect(log.lines).toEqual([`${start('/broken')} error`]);
  });

  it('has no target when the request was refused before one was asked', async () => {
    const log = new WrittenLog();
    const holdfast = await opened.holdfast({ routes: ['known.example,id=known test'], logger: log.logger });
    const client = await opened.get(clientPort(holdfast), '/');
    const { body } = await client.readAnswer();
    client.write('GET / HTTP/1.1\r\nHost: known.example\r\nPushpin-Check: 1\r\n\r\n');
    const check = await client.readAnswer();
    expect(log.lines).toEqual([
      `INFO GET http://example.com/ code=502 ${body.length}`,
      `INFO GET http://known.example/ route=known code=200 ${check.body.length}`,
    ]);
  });

  it('says accept when a client is held, and retry when its origin was asked again', async () => {
    const settings = { hold: { updateOnFirstSubscription: false } };
    const origin = await opened.origin(holding('response', 'news'));
    const log = new WrittenLog();
    const routes = [`*,id=main ${origin.target}`];
    const holdfast = await opened.holdfast({ routes, settings, logger: log.logger });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(clientPort(holdfast), '/poll');
    await ready;
    const hint = { channel: 'news', formats: { 'http-response': { action: 'hint' } } };
    holdfast.publish(hint);
    await log.until('accept retry');
    await log.until('channel=news retry');
    origin.script = answering({}, 'fresh');
    holdfast.publish(hint);
    await client.readAnswer();
    const start = `INFO GET http://example.com/poll -> ${origin.target} route=main`;
    expect(log.lines.filter((line) => line.startsWith(start))).toEqual([
      `${start} accept`,
      `${start} accept retry`,
      `${start} code=200 5 retry`,
    ]);
  });

  it('lists the last ids that a trusted client names, and nobody else', async () => {
    const { log, port, start } = await logged(opened, answering({}, 'ok'), { proxy: { upstreamKey: KEY } });
    const last = 'Grip-Last: news; last-id=41';
    await (await opened.get(port, '/other', last)).readAnswer();
    await (await opened.get(port, '/trusted', last, `Grip-Sig: ${await token()}`)).readAnswer();
    expect(log.lines).toEqual([`${start('/other')} code=200 2`, `${start('/trusted')} code=200 2 #news=41`]);
  });
});

describe('who asked, in the line of a request', () => {
  const opened = new Opened();
  const settings = {
    log: { from: true, userAgent: true },
    proxy: { upstreamKey: KEY, xForwardedFor: ['truncate:0', 'append'], xForwardedForTrusted: ['append'] },
  };
  const forwarded = 'X-Forwarded-For: 7.7.7.7, 8.8.8.8';

  it('is believed of the proxies that we trust alone', async () => {
    const { log, port, start } = await logged(opened, answering({}, 'ok'), settings);
    await (await opened.get(port, '/other', forwarded)).readAnswer();
    await (await opened.get(port, '/trusted', forwarded, `Grip-Sig: ${await token()}`)).readAnswer();
    expect(log.lines).toEqual([
      `${start('/other')} from=127.0.0.1 code=200 2`,
      `${start('/trusted')} from=7.7.7.7 code=200 2`,
    ]);
  });

  it('is believed of the proxies that we trust alone for WebSockets', async () => {
    const log = new WrittenLog();
    const holdfast = await opened.holdfast({ routes: ['* test'], settings, logger: log.logger });
    const port = clientPort(holdfast);
    const signed = [forwarded, `Grip-Sig: ${await token()}`];
    for (const headers of [[forwarded], signed]) {
      const client = opened.add(await knock(port, '/ws', ...headers), (one) => one.close());
      expect(await client.readUntil('\r\n\r\n')).toContain(' 101 ');
    }
    expect(log.with('GET')).toEqual([
      'INFO GET ws://example.com/ws -> test from=127.0.0.1 code=101 0',
      'INFO GET ws://example.com/ws -> test from=7.7.7.7 code=101 0',
    ]);
  });

  it('cannot write fields of its own with a Referer, nor empty ones with a User-Agent', async () => {
    const { log, port, start } = await logged(opened, answering({}, 'ok'), { log: { userAgent: true } });
    const forging = 'Referer: http://a/ code=500 1 route=z';
    await (await opened.get(port, '/1', forging, 'User-Agent: curl/8 (a b)')).readAnswer();
    await (await opened.get(port, '/2', 'Referer: ', 'User-Agent: ')).readAnswer();
    expect(log.lines).toEqual([
      `${start('/1')} ref=http://a/%20code=500%201%20route=z code=200 2 ua=curl/8 (a b)`,
      `${start('/2')} code=200 2`,
    ]);
  });
});

describe('the line of a JSON-P request', () => {
  const opened = new Opened();

  it.each([
    ['with a length', { 'Content-Type': 'text/plain', 'Content-Length': '6' }],
    ['without a length', { 'Content-Type': 'text/plain' }],
  ])('counts the body as it is written, wrapped (%s)', async (_name, headers) => {
    const { log, port, start } = await logged(opened, answering(headers, 'hello\n'), {}, '*,aco');
    const { body } = await (await opened.get(port, '/x?callback=cb')).readAnswer();
    expect(body.toString()).toMatch(/^\/\*\*\/cb\(.*\);\n$/s);
    expect(log.lines).toEqual([`${start('/x')} code=200 ${body.length}`]);
  });

  it('counts the body as it is written when it is wrapped piece by piece', async () => {
    const { log, port, start } = await logged(
      opened,
      (_request, response) => {
        response.setHeader('Content-Type', 'text/plain');
        response.write('he');
        goOn = () => response.end('llo\n');
      },
      {},
      '*,aco',
    );
    let goOn = (): unknown => undefined;
    const client = await opened.get(port, '/x?callback=cb');
    const head = await client.readUntil('\r\n\r\n');
    expect(head).toContain('Transfer-Encoding: chunked\r\n');
    const begun = await client.readUntil('2\r\nhe\r\n');
    goOn();
    const written = withoutFraming(begun + (await client.readUntil('0\r\n\r\n')));
    expect(written).toMatch(/^\/\*\*\/cb\(.*"body": "hello\\n"\}\);\n$/s);
    expect(log.lines).toEqual([`${start('/x')} code=200 ${written.length}`]);
  });

  it('is there when the request is refused', async () => {
    const { log, port } = await logged(opened, answering({}, 'ok'), { log: { from: true } }, '*,aco,id=pages');
    const path = '/x?callback=cb&_headers=notjson';
    const { status, body } = await (await opened.get(port, path)).readAnswer();
    expect(status).toBe(400);
    expect(log.lines).toEqual([
      `INFO GET http://example.com${path} from=127.0.0.1 route=pages code=400 ${body.length}`,
    ]);
  });
});

describe('the line of a WebSocket', () => {
  const opened = new Opened();

  it('is written when the handshake is accepted', async () => {
    const log = new WrittenLog();
    const stage = await Stage.set(opened, opening([], GRIP), { logger: log.logger });
    await stage.knock('/chat?room=1').then((client) => client.readUntil('\r\n\r\n'));
    expect(log.lines).toEqual([`INFO GET ws://example.com/chat?room=1 -> ${stage.origin.target}[http] code=101 0`]);
  });

  it('says what the origin refused it with', async () => {
    const log = new WrittenLog();
    const stage = await Stage.set(opened, (request) => request.reply(403, {}, 'no entry'), { logger: log.logger });
    const { status } = await stage.knock().then((client) => client.readAnswer());
    expect(status).toBe(403);
    expect(log.lines).toEqual([`INFO GET ws://example.com/chat -> ${stage.origin.target}[http] code=403 8`]);
  });

  it('has no target where there is no route', async () => {
    const log = new WrittenLog();
    const holdfast = await opened.holdfast({ routes: ['known.example test'], logger: log.logger });
    const client = opened.add(await knock(clientPort(holdfast), '/ws'), (one) => one.close());
    const { status, body } = await client.readAnswer();
    expect(status).toBe(502);
    expect(log.lines).toEqual([`INFO GET ws://example.com/ws code=502 ${body.length}`]);
  });

  it('says error, once, when the client goes before the origin has answered', async () => {
    const log = new WrittenLog();
    const stage = await Stage.set(opened, () => {}, { logger: log.logger });
    const client = await stage.knock();
    await stage.origin.request(0);
    client.close();
    await log.until('error');
    expect(log.lines).toEqual([`INFO GET ws://example.com/chat -> ${stage.origin.target}[http] error`]);
  });

  it('is the only one: messages and the end of a connection have none', async () => {
    const log = new WrittenLog();
    const stage = await Stage.set(opened, opening(), { logger: log.logger });
    const client = await stage.knock();
    await client.readUntil('\r\n\r\n');
    client.write(frame('text', 'hello'));
    await stage.origin.request(1);
    client.close();
    await stage.abandoned();
    expect(log.lines.length).toBe(1);
  });
});

describe('a key that requests cannot be signed with', () => {
  const opened = new Opened();

  it('is an error in the log, and the requests go without a signature', async () => {
    const log = new WrittenLog();
    const settings = { proxy: { sigIss: 'me', sigKey: 'file:/no/such/key' } };
    const { port, origin } = await opened.proxied(answering({}, 'ok'), { settings, logger: log.logger });
    const client = await opened.get(port, '/');
    await client.readAnswer();
    client.write('GET / HTTP/1.1\r\nHost: example.com\r\n\r\n');
    await client.readAnswer();
    expect(log.with('key')).toEqual([
      'ERR no key to sign with in file:/no/such/key: requests to origins go without Grip-Sig',
    ]);
    expect(origin.requests.map(({ headers }) => headers['grip-sig'])).toEqual([undefined, undefined]);
  });
});
