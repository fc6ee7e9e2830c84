/** The route option `auth`: a service of the operator's is asked who may come in (pinghub specification 10). */
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { clientPort, Opened } from '../support/closing.js';
import { CollectedLog } from '../support/collected-log.js';
import type { Script } from '../support/origin.js';
import { Listener } from '../support/pinghub-stage.js';

describe('the auth option', () => {
  const opened = new Opened();

  async function guarded(service: Script, target = 'pinghub', condition = '*') {
    const auth = await opened.origin(service);
    const log = new CollectedLog();
    const holdfast = await opened.holdfast({
      routes: [`${condition},auth=http://${auth.target}/internal-auth/?k=v ${target}`],
      logger: log,
    });
    const port = clientPort(holdfast);
    return { auth, holdfast, log, port, url: `http://127.0.0.1:${port}` };
  }

  const rewritesTo =
    (path: string): Script =>
    (_request, response) =>
      void response.writeHead(204, { 'X-Rewrite': path }).end();

  const allows: Script = (_request, response) => void response.writeHead(204).end();

  it('asks with the client’s headers, the original URI and the original method, and without a body', async () => {
    const { auth, url } = await guarded(allows);
    const answer = await fetch(`${url}/a?x=1`, {
      method: 'POST',
      body: 'hello',
      headers: {
        Cookie: 'user=157',
        Authorization: 'Bearer t',
        'X-Original-URI': '/forged',
        'X-Original-Method': 'GET',
      },
    });
    expect([answer.status, await answer.text()]).toEqual([200, 'OK\n']);
    const [asked] = auth.requests;
    expect([asked?.method, asked?.url]).toEqual(['GET', '/internal-auth/?k=v']);
    expect(asked?.headers).toMatchObject({
      cookie: 'user=157',
      authorization: 'Bearer t',
      'x-original-uri': '/a?x=1',
      'x-original-method': 'POST',
      host: url.slice('http://'.length),
    });
    expect(asked?.headers['content-length']).toBeUndefined();
    expect(asked?.headers['transfer-encoding']).toBeUndefined();
  });

  it('keeps out with 403 whoever the service keeps out: requests and WebSockets', async () => {
    const { url, port } = await guarded((_request, response) => void response.writeHead(403).end('my own words'));
    for (const method of ['GET', 'POST', 'PUT']) {
      const answer = await fetch(`${url}/a`, { method });
      expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
        403,
        'text/plain',
        'Forbidden\n',
      ]);
    }
    expect(await statusOf(`ws://127.0.0.1:${port}/a`)).toEqual([403, 'Forbidden\n', 'text/plain']);
  });

  it.each([200, 201, 302, 401, 404, 500])('takes %i for a fault of the service: 500', async (status) => {
    const { url, port, log } = await guarded((_request, response) => void response.writeHead(status).end('x'));
    const answer = await fetch(`${url}/a`);
    expect([answer.status, await answer.text()]).toEqual([500, 'Internal Server Error\n']);
    expect((await statusOf(`ws://127.0.0.1:${port}/a`))[0]).toBe(500);
    expect(log.lines.join('\n')).toContain(`answered ${status}, neither 204 nor 403`);
  });

  it('takes a service that is not there, or breaks off, for a fault too', async () => {
    const { url, auth, log } = await guarded((request) => void request.incoming.socket.destroy());
    expect((await fetch(`${url}/a`)).status).toBe(500);
    await auth.stop();
    expect((await fetch(`${url}/a`)).status).toBe(500);
    // Each reason has a line of its own, however soon it follows another one.
    const told = log.lines.join('\n');
    expect(told).toContain('broke off before it had answered: answering 500');
    expect(told).toContain('cannot be reached (refused): answering 500');
  });

  it('rewrites the path, and neither side learns of it', async () => {
    const { port, holdfast, url } = await guarded((request, response) => {
      const user = /user=(\d+)/.exec(request.headers.cookie ?? '')?.[1];
      response.writeHead(204, {
        'X-Rewrite': String(request.headers['x-original-uri']).replace('/me/', `/user/${user}/`),
      });
      response.end();
    });
    const listener = await Listener.on(opened, `ws://127.0.0.1:${port}/me/chan`, { Cookie: 'user=157' });
    await fetch(`${url}/me/chan`, { method: 'POST', body: 'mine', headers: { Cookie: 'user=157' } });
    await fetch(`${url}/me/chan`, { method: 'POST', body: 'another’s', headers: { Cookie: 'user=158' } });
    const formats = { 'ws-message': { content: 'pushed' } };
    holdfast.publish({ channel: 'pinghub:/user/157/chan', formats });
    expect(await listener.hears(2)).toEqual(['mine', 'pushed']);
  });

  it('rewrites for origins, keeps the query, and refuses what is no path', async () => {
    const origin = await opened.origin(async (request, response) => {
      response.end(`${request.method} ${request.url} ${await request.body()}`);
    });
    let rewrite = '/new/path';
    const { url } = await guarded((_request, response) => {
      response.writeHead(204, { 'X-Rewrite': rewrite }).end();
    }, origin.target);
    const post = async () => {
      const answer = await fetch(`${url}/old?q=1`, { method: 'POST', body: 'body' });
      return [answer.status, await answer.text()];
    };
    expect(await post()).toEqual([200, 'POST /new/path?q=1 body']);
    rewrite = '/other?own=1';
    expect(await post()).toEqual([200, 'POST /other?own=1 body']);
    for (const wrong of ['http://elsewhere/', 'relative', '/with blank', '']) {
      rewrite = wrong;
      expect((await post())[0], wrong).toBe(wrong === '' ? 200 : 500);
    }
  });

  it('shows nobody the path it has made: one that is not in clean form is refused, and nobody is sent to it', async () => {
    const hub = await guarded(rewritesTo('/user//157/../1/chan'));
    const refused = 'Error: bad request. Path must be in clean form, without empty, . and .. segments.\n';
    const answer = await fetch(`${hub.url}/me/chan`, { method: 'POST', body: 'x', redirect: 'manual' });
    expect([answer.status, await answer.text()]).toEqual([400, refused]);
    expect((await statusOf(`ws://127.0.0.1:${hub.port}/me/chan`)).slice(0, 2)).toEqual([400, refused]);
  });

  it('has the last word on the path: what the route makes of paths is not done to it', async () => {
    const origin = await opened.origin((request, response) => void response.end(request.url));
    const { url } = await guarded(rewritesTo('/v2/things'), origin.target, '*,path_beg=/api/,path_rem=4');
    expect(await (await fetch(`${url}/api/things?q=1`)).text()).toBe('/v2/things?q=1');
  });

  it('is come past by no spelling of a path, whatever the target', async () => {
    const auth = await opened.origin((_request, response) => void response.writeHead(403).end());
    const origin = await opened.origin((request, response) => void response.end(request.url));
    const log = new CollectedLog();
    const holdfast = await opened.holdfast({
      routes: [`*,path_beg=/private/,auth=http://${auth.target}/ ${origin.target}`, `* ${origin.target}`],
      logger: log,
    });
    const ask = async (path: string): Promise<number> => {
      const client = await opened.get(clientPort(holdfast), path);
      return (await client.readAnswer()).status;
    };
    expect(await ask('/private/y')).toBe(403);
    const spellings = [
      '/%70rivate/y',
      '/private%2fy',
      '//private/y',
      '/./private/y',
      '/x/../private/y',
      '/x/..%2Fprivate/y',
    ];
    for (const path of spellings) expect(await ask(path), path).toBe(502);
    expect((await statusOf(`ws://127.0.0.1:${clientPort(holdfast)}/%70rivate/y`))[0]).toBe(502);
    expect(origin.requests).toEqual([]);
    expect(log.lines).toContain('warn a path is spelt so that it comes past the auth service of <route>:1: refused');
    for (const path of ['/', '/open//x', '/a%2Fb', '/open/%70rivate/y', '/x/../open'])
      expect(await ask(path)).toBe(200);
    expect(origin.requests.map(({ url }) => url)).toEqual([
      '/',
      '/open//x',
      '/a%2Fb',
      '/open/%70rivate/y',
      '/x/../open',
    ]);
  });

  it('is not seen in the log: the lines have what the client asked for, and no error is counted for who is kept out', async () => {
    const { url, log, holdfast } = await guarded((request, response) => {
      const isIn = request.headers['x-original-uri']?.includes('secret') === false;
      response.writeHead(isIn ? 204 : 403, isIn ? { 'X-Rewrite': '/user/157/chan' } : {}).end();
    });
    await fetch(`${url}/me/chan?q=1`, { method: 'POST', body: 'x' });
    await fetch(`${url}/secret`);
    expect(log.lines.filter((line) => line.includes('code='))).toEqual([
      `info POST ${url}/me/chan?q=1 -> pinghub code=200 3`,
      `info GET ${url}/secret code=403 10`,
    ]);
    expect(holdfast.counters.requestErrors).toBe(0);
  });

  it('is no way into another route when a client is asked for again', async () => {
    let polls = 0;
    const origin = await opened.origin((request, response) => {
      polls += 1;
      if (polls > 1) response.end(`again ${request.url}`);
      else response.setHeader('Grip-Hold', 'response').setHeader('Grip-Channel', 'poll').end();
    });
    const { url, holdfast } = await guarded(rewritesTo('/user/157'), origin.target, '*,path_beg=/me,id=mine');
    const answer = fetch(`${url}/me`);
    await new Promise((resolve) => holdfast.once('subscribe', resolve));
    holdfast.publish({ channel: 'poll', formats: { 'http-response': { action: 'hint' } } });
    expect(await (await answer).text()).toBe('again /user/157');
  });

  it('is asked once for each request of SockJS, and its session opens', async () => {
    const asked: string[] = [];
    const { url } = await guarded(
      (request, response) => {
        asked.push(String(request.headers['x-original-uri']));
        response.writeHead(204, { 'X-Rewrite': '/elsewhere' }).end();
      },
      'test',
      '*,sockjs=/sock',
    );
    const poll = await fetch(`${url}/sock/000/session/xhr`, { method: 'POST' });
    // The test target has no WebSocket there; what counts is that it was asked.
    expect([200, 404]).toContain(poll.status);
    expect(asked).toEqual(['/sock/000/session/xhr']);
  });

  it('does not make SockJS of a request whose path is rewritten to where others speak it', async () => {
    const target = await opened.origin((request, response) => void response.end(request.url));
    const { url } = await guarded(rewritesTo('/sock/info'), target.target, '*,sockjs=/sock');
    expect(await (await fetch(`${url}/elsewhere`)).text()).toBe('/sock/info');
  });

  it('is asked once for a client that is held, however often its origin is', async () => {
    let polls = 0;
    const origin = await opened.origin((request, response) => {
      polls += 1;
      if (polls > 1) response.end(`asked again for ${request.url}`);
      else response.setHeader('Grip-Hold', 'response').setHeader('Grip-Channel', 'poll').end();
    });
    const { url, auth, holdfast } = await guarded(rewritesTo('/rewritten'), origin.target);
    const answer = fetch(`${url}/poll`);
    await new Promise((resolve) => holdfast.once('subscribe', resolve));
    holdfast.publish({ channel: 'poll', formats: { 'http-response': { action: 'hint' } } });
    expect(await (await answer).text()).toBe('asked again for /rewritten');
    expect(auth.requests).toHaveLength(1);
  });

  it('guards the whole route when it stands beside a target, and goes over HTTP to WebSocket origins too', async () => {
    const auth = await opened.origin((_request, response) => void response.writeHead(403).end());
    const holdfast = await opened.holdfast({ routes: [`* test,auth=http://${auth.target}/`] });
    expect((await fetch(`http://127.0.0.1:${clientPort(holdfast)}/`)).status).toBe(403);
    expect((await statusOf(`ws://127.0.0.1:${clientPort(holdfast)}/ws`))[0]).toBe(403);
  });

  it('is called off when the client goes', async () => {
    const { auth, port } = await guarded(() => {});
    const client = await opened.get(port, '/a');
    const asked = await auth.request(0);
    const gone = new Promise((resolve) => asked.incoming.once('close', resolve));
    client.close();
    await gone;
    const socket = new WebSocket(`ws://127.0.0.1:${port}/a`);
    socket.on('error', () => {});
    const second = await auth.request(1);
    const over = new Promise((resolve) => second.incoming.once('close', resolve));
    socket.terminate();
    await over;
  });

  it.each(['ftp://x/', 'nonsense', 'http://user:pass@x/', 'http://x/#frag'])('may not be %s', async (url) => {
    await expect(opened.holdfast({ routes: [`*,"auth=${url}" test`] })).rejects.toThrow(
      'auth must be a URL with http or https',
    );
  });
});

/** Status, body and type of the answer to a handshake that is refused. */
function statusOf(url: string): Promise<[number | undefined, string, string | undefined]> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.on('unexpected-response', (_request, answer) => {
      let body = '';
      answer.on('data', (bytes) => {
        body += String(bytes);
      });
      answer.on('end', () => resolve([answer.statusCode, body, answer.headers['content-type']]));
    });
    socket.on('open', () => reject(new Error('it was taken')));
    socket.on('error', () => {});
  });
}
