/** Which route a request gets by what it says of itself, and what the route makes of its headers, as the origin sees it. */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { LineLog } from '../support/events.js';
import { answering } from '../support/origin.js';
import { HANDSHAKE } from '../support/websocket-client.js';

const NO_ROUTE = [502, 'Route not found\n'];

describe('Pushpin-Route', () => {
  const opened = new Opened();

  async function setUp(acceptPushpinRoute: boolean) {
    const host = await opened.origin(answering({}, 'by host'));
    const id = await opened.origin(answering({}, 'by id'));
    const holdfast = await opened.holdfast({
      settings: { proxy: { acceptPushpinRoute } },
      routes: [
        `example.com ${host.target}`,
        `,id=app ${id.target}`,
        `,id=deep,path_beg=/deep/ ${id.target}`,
        `one.example,id=shared ${id.target}`,
        `two.example,id=shared ${id.target}`,
        'example.com,proto=ws,debug zhttpreq/ipc:///nowhere-at-all',
      ],
    });
    const ask = async (target: string, ...headers: readonly string[]): Promise<readonly [number, string]> => {
      const client = await opened.get(clientPort(holdfast), target, ...headers);
      const { status, body } = await client.readAnswer();
      return [status, body.toString()];
    };
    return { ask, host, id };
  }

  it.each([
    ['an id', '/', 'app', [200, 'by id']],
    ['an id and a path of its route', '/deep/er', 'deep', [200, 'by id']],
    ['an id and a path that is not of its route', '/shallow', 'deep', NO_ROUTE],
    ['an id that no route has', '/', 'nobody', NO_ROUTE],
    ['an id that routes share', '/', 'shared', NO_ROUTE],
    ['no id', '/', '', [200, 'by host']],
  ])('decides where it is accepted: %s', async (_what, target, id, expected) => {
    const { ask } = await setUp(true);
    expect(await ask(target, `Pushpin-Route: ${id}`)).toEqual(expected);
  });

  it.each([
    ['an id that routes share', 'shared', 'WebSockets cannot be used with zhttpreq target\n'],
    ['an id that no route has', 'nobody', 'Route not found\n'],
  ])('leaves WebSockets to their host only with %s', async (_what, id, text) => {
    const { ask } = await setUp(true);
    expect(await ask('/', ...HANDSHAKE, `Pushpin-Route: ${id}`)).toEqual([502, text]);
  });

  it('is not passed on where it is accepted', async () => {
    const { ask, id } = await setUp(true);
    await ask('/', 'Pushpin-Route: app');
    expect(id.requests[0]?.headers['pushpin-route']).toBeUndefined();
  });

  it('is a header like any other where it is not', async () => {
    const { ask, host } = await setUp(false);
    expect(await ask('/', 'Pushpin-Route: nobody')).toEqual([200, 'by host']);
    expect(host.requests[0]?.headers['pushpin-route']).toBe('nobody');
  });
});

describe('X-Forwarded-Proto', () => {
  const opened = new Opened();

  async function setUp(acceptXForwardedProtocol: boolean) {
    const plain = await opened.origin(answering({}, 'plain'));
    const secure = await opened.origin(answering({}, 'secure'));
    const log = new LineLog();
    const holdfast = await opened.holdfast({
      settings: { proxy: { acceptXForwardedProtocol } },
      routes: [`*,ssl=no ${plain.target}`, `*,ssl=yes ${secure.target}`],
      logger: log,
    });
    const ask = async (...headers: readonly string[]): Promise<string> => {
      const client = await opened.get(clientPort(holdfast), '/x', ...headers);
      return (await client.readAnswer()).body.toString();
    };
    return { ask, log };
  }

  it.each([
    ['https', ['X-Forwarded-Proto: https'], 'secure'],
    ['wss', ['X-Forwarded-Proto: wss'], 'secure'],
    ['its other name', ['X-Forwarded-Protocol: https'], 'secure'],
    ['nothing, and its other name', ['X-Forwarded-Proto:', 'X-Forwarded-Protocol: https'], 'secure'],
    ['http, whatever its other name says', ['X-Forwarded-Proto: http', 'X-Forwarded-Protocol: https'], 'plain'],
    ['capitals', ['X-Forwarded-Proto: HTTPS'], 'plain'],
    ['a list', ['X-Forwarded-Proto: https, http'], 'plain'],
    ['nothing', [], 'plain'],
  ])('chooses among the routes by ssl where it is accepted: %s', async (_what, headers, expected) => {
    const { ask, log } = await setUp(true);
    expect(await ask(...headers)).toBe(expected);
    await log.until(`GET ${expected === 'secure' ? 'https' : 'http'}://example.com/x -> `);
  });

  it('has no effect where it is not', async () => {
    const { ask, log } = await setUp(false);
    expect(await ask('X-Forwarded-Proto: https')).toBe('plain');
    await log.until('GET http://example.com/x -> ');
  });
});

describe('what an origin is told', () => {
  const opened = new Opened();

  /** What the origin sees of a request on a route with these properties. */
  async function seen(condition: string, target: string, ...headers: readonly string[]) {
    const origin = await opened.origin(answering({}, 'seen'));
    const holdfast = await opened.holdfast({ routes: [`*${condition} ${origin.target}${target}`] });
    const client = await opened.get(clientPort(holdfast), '/', ...headers);
    expect((await client.readAnswer()).status).toBe(200);
    return origin.request(0);
  }

  it.each([
    ['as_host', ',as_host=Other.example:8080', '', 'other.example:8080'],
    ['host of the target', '', ',host=target.example:81', 'target.example:81'],
    ['host of the target before as_host', ',as_host=other.example', ',host=target.example', 'target.example'],
    ['as_host with other letters', ',as_host=bücher.example:8080', '', 'xn--bcher-kva.example:8080'],
    ['host of the target with other letters', '', ',host=€.example', 'xn--lzg.example'],
  ])('is the host that is named by %s', async (_what, condition, target, expected) => {
    expect((await seen(condition, target)).headers.host).toBe(expected);
  });

  it('is a header of the route as the bytes that stand in the file', async () => {
    const { headers } = await seen(',header=X-A:é,header="X-B: €100"', '', 'X-A: mine', 'X-B: mine');
    const bytes = (name: string) => Buffer.from(String(headers[name]), 'latin1').toString('utf8');
    expect([bytes('x-a'), bytes('x-b')]).toEqual(['é', '€100']);
  });

  it('is the host of a target in absolute form, for a JSON-P call too', async () => {
    const origin = await opened.origin(answering({}, '1'));
    const holdfast = await opened.holdfast({ routes: [`right.example,aco ${origin.target}`, 'wrong.example test'] });
    const client = await opened.client(clientPort(holdfast));
    client.write('GET http://right.example/x?callback=cb&a=1 HTTP/1.1\r\nHost: wrong.example\r\n\r\n');
    await client.readAnswer();
    const { headers, url } = await origin.request(0);
    expect([headers.host, url]).toEqual(['right.example', '/x?a=1']);
  });
});
