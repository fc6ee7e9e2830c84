/**
 * Which spellings of a path lead to a channel of Pinghub: with every other one a client could come past the route, or the
 * auth service, that guards it.
 */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { Listener } from '../support/pinghub-stage.js';

describe('a channel of Pinghub', () => {
  const opened = new Opened();

  /** A Holdfast with these routes; AUTH in them is a service that lets in what `allows` is true of. */
  async function guarded(
    lines: readonly string[],
    allows: (uri: string) => boolean,
    rewrite?: (uri: string) => string,
  ) {
    const asked: string[] = [];
    const auth = await opened.origin((request, response) => {
      const uri = String(request.headers['x-original-uri']);
      asked.push(uri);
      const isIn = allows(uri);
      response.writeHead(isIn ? 204 : 403, isIn && rewrite !== undefined ? { 'X-Rewrite': rewrite(uri) } : {}).end();
    });
    const routes = lines.map((line) => line.replace('AUTH', `auth=http://${auth.target}/`));
    const holdfast = await opened.holdfast({ routes });
    const port = clientPort(holdfast);
    /** Status and `Location` of a POST with this target, as it is. */
    const post = async (target: string): Promise<[number, string | undefined]> => {
      const client = await opened.client(port);
      client.write(`POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx`);
      const { status, head } = await client.readAnswer();
      return [status, /^Location: (.*)\r$/m.exec(head)?.[1]];
    };
    const knock = async (target: string): Promise<number> => {
      const client = await opened.client(port);
      client.write(
        `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
      return Number((await client.readUntil('\r\n\r\n')).split(' ')[1]);
    };
    return { asked, port, holdfast, post, knock };
  }

  it('is reached by no unclean path, whatever the auth service makes of it', async () => {
    const { post, knock, holdfast } = await guarded(
      ['*,AUTH pinghub'],
      (uri) => uri.startsWith('/me/'),
      (uri) => `/user/ann/${uri.slice(4)}`,
    );
    expect(await post('/me/mail')).toEqual([200, undefined]);
    for (const target of ['/me/../ben/mail', '/me/..%2Fben%2Fmail', '/me/%2e%2e/ben/mail', '/me/x/..%2f../ben/mail']) {
      expect(await post(target), target).toEqual([301, '/ben/mail']);
      expect(await knock(target), target).toBe(301);
    }
    expect(await post('/me/%zz/mail')).toEqual([400, undefined]);
    expect(holdfast.counters.pinghub.posts).toBe(1);
  });

  it.each(['path_rem=5', 'replace_beg=/'])('is reached by no unclean path on a route with %s', async (rewriting) => {
    const { post, knock, holdfast } = await guarded([`*,path_beg=/live/,${rewriting},AUTH pinghub`], (uri) =>
      uri.startsWith('/live/public/'),
    );
    expect(await post('/live/public/news')).toEqual([200, undefined]);
    expect(await post('/live/secret')).toEqual([403, undefined]);
    for (const dots of ['..', '%2e%2e', '.%2E']) {
      expect(await post(`/live/public/${dots}/secret`)).toEqual([301, '/live/secret']);
      expect(await knock(`/live/public/${dots}%2fsecret`)).toBe(301);
    }
    expect(holdfast.counters.pinghub.posts).toBe(1);
  });

  it('is reached by one route only, however its path is spelt', async () => {
    const { post, knock, holdfast } = await guarded(
      ['*,path_beg=/private/,AUTH pinghub', '*,path_beg=/caf%c3%a9/,AUTH pinghub', '* pinghub'],
      () => false,
    );
    expect(await post('/private/y')).toEqual([403, undefined]);
    expect(await post('/open/y')).toEqual([200, undefined]);
    expect(await post('/%6Fpen/y')).toEqual([200, undefined]);
    expect(holdfast.counters.pinghub.posts).toBe(2);
    expect(await post('/caf%c3%a9/y')).toEqual([403, undefined]);
    // The route spells it in a way of its own: there is nowhere to send the client to.
    expect(await post('/caf%C3%A9/y')).toEqual([400, undefined]);
    expect(await knock('/caf%C3%A9/y')).toBe(400);
    expect(holdfast.counters.pinghub.posts).toBe(2);
  });

  it('behind a guarded prefix is not reached by escapes', async () => {
    const { post, knock, holdfast } = await guarded(['*,path_beg=/private/,AUTH pinghub', '* pinghub'], () => false);
    for (const target of ['/%70rivate/y', '/private%2Fy', '/%2Fprivate/y', '//private/y', '/x/../private/y']) {
      expect(await post(target), target).toEqual([301, '/private/y']);
      expect(await knock(target), target).toBe(301);
    }
    expect(holdfast.counters.pinghub.posts).toBe(0);
  });

  it('of a guarded route is not reached through another one that rewrites', async () => {
    const { post, holdfast } = await guarded(
      ['*,path_beg=/live/private,path_rem=5,AUTH pinghub', '*,path_beg=/live,path_rem=5 pinghub'],
      () => false,
    );
    expect(await post('/live/x')).toEqual([200, undefined]);
    expect(await post('/live/private/y')).toEqual([403, undefined]);
    for (const target of ['/live/x/../private/y', '/live//private/y', '/live/./private/y', '/live/%70rivate/y']) {
      expect(await post(target), target).toEqual([301, '/live/private/y']);
    }
    // What the route cuts off leaves a path that would be cleaned to the guarded one.
    expect(await post('/live../private/y')).toEqual([400, undefined]);
    expect(await post('/live%2e%2e/private/y')).toEqual([400, undefined]);
    expect(holdfast.counters.pinghub.posts).toBe(1);
  });

  it('is open to SockJS over polling, whose requests are no handshakes', async () => {
    const { port, holdfast } = await guarded(
      ['*,sockjs=/sjs,sockjs_as_path=/chat pinghub,origin=https://a'],
      () => true,
    );
    const url = `http://127.0.0.1:${port}/sjs/000/session`;
    const poll = async (): Promise<string> => (await fetch(`${url}/xhr`, { method: 'POST' })).text();
    expect(await poll()).toBe('o\n');
    const listener = await Listener.on(opened, `ws://127.0.0.1:${port}/chat`);
    await fetch(`${url}/xhr_send`, { method: 'POST', body: '["hello"]' });
    expect(await listener.hears(1)).toEqual(['hello']);
    expect(await poll()).toBe('a["hello"]\n');
    const stranger = await fetch(`http://127.0.0.1:${port}/sjs/000/other/xhr`, {
      method: 'POST',
      headers: { Origin: 'https://b' },
    });
    expect(stranger.status).toBe(403);
    expect(holdfast.counters.holds.ws).toBe(2);
  });
});
