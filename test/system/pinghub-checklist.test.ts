/**
 * The checklist of the pinghub specification (11), line by line, over real sockets. The command, its metrics and its log
 * are in pinghub-command.test.ts, the page in a browser in pinghub-page.test.ts, the auth service in authorize.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { REFUSING_TARGET } from '../support/origin.js';
import { type Listener, PinghubStage } from '../support/pinghub-stage.js';
import { itemFor } from '../support/several.js';

const ORIGIN = 'origin=https://example.com';

/** Pseudo-random numbers from a seed (Lehmer), so that a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed % 2_147_483_647 || 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const SEED = Number(process.env.PINGHUB_SEED ?? 20_261_129);

describe('the original’s own tests', () => {
  const opened = new Opened();

  it('T1: GET of a path has a page with it', async () => {
    const stage = await PinghubStage.set(opened, ORIGIN);
    const answer = await stage.get('/somestring');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const page = await answer.text();
    expect(page).toContain('<html>');
    expect(page).toContain('<title>pinghub /somestring</title>');
    expect(page).toContain('Websocket client for /somestring');
  });

  it('T2: a path with markup is never markup', async () => {
    const stage = await PinghubStage.set(opened);
    const page = await (await stage.get('/%3Cxss%3E%22%27&amp;')).text();
    expect(page).not.toContain('<xss>');
    expect(page).toContain('/&lt;xss&gt;&#34;&#39;&amp;amp;');
  });

  it('T3, T4: handshakes of another host or scheme are refused', async () => {
    const stage = await PinghubStage.set(opened, ORIGIN);
    expect(await stage.refused('/a', { Origin: 'https://example.net' })).toBe(403);
    expect(await stage.refused('/a', { Origin: 'http://example.com' })).toBe(403);
  });

  it.each([1, 10, 100])('T5 to T8: %i clients in sequence, on a path of ASCII and on one of Unicode', async (count) => {
    const stage = await PinghubStage.set(opened);
    const random = seeded(SEED);
    const text = (): string => 'aé😀z'.repeat(Math.floor(random() * 20));
    for (const path of ['/fixed', `/${encodeURIComponent(`ünï${Math.floor(random() * 1e9)}☃😀`)}`]) {
      const sockets: { readonly listener: Listener; readonly expected: string[] }[] = [];
      for (let client = 0; client < count; client += 1) {
        const message = random() < 0.2 ? '' : `${client}:${text()}`;
        const isSocket = random() < 0.5;
        if (isSocket) sockets.push({ listener: await stage.listen(path), expected: [] });
        const heard = message === '' ? [] : [message];
        for (const { expected } of sockets) expected.push(...heard);
        if (isSocket) {
          const own = sockets.at(-1) as { listener: Listener; expected: string[] };
          own.listener.socket.send(message);
          if (message !== '') await own.listener.hears(own.expected.length);
          // An empty message comes back to its sender alone.
          else own.expected.push('');
        } else {
          expect(await stage.post(path, message)).toEqual([200, 'OK\n']);
        }
      }
      for (const { listener, expected } of sockets) {
        await listener.hears(expected.length);
        expect(listener.texts.join('')).toBe(expected.join(''));
      }
      for (const { listener } of sockets) listener.socket.terminate();
    }
  });
});

describe('handshakes', () => {
  const opened = new Opened();

  it('without Origin, with the very one, and with the same host are taken; other ports and null are not', async () => {
    const stage = await PinghubStage.set(opened, 'origin=https://example.com:444');
    await stage.listen('/a');
    await stage.listen('/a', { Origin: 'https://example.com:444' });
    await stage.listen('/a', { Origin: 'https://example.com:444/path?x#y' });
    await stage.listen('/a', { Origin: 'HTTPS://Example.com:444' });
    for (const origin of [
      'https://example.com',
      'https://example.com:445',
      'null',
      '',
      'https://example.com:444.evil',
      'https://evil.net\\@example.com:444',
    ]) {
      expect(await stage.refused('/a', { Origin: origin }), origin).toBe(403);
    }
    const two = await stage.raw(
      handshake({ Origin: 'https://example.com:444' }).replace('\r\n\r\n', '\r\nOrigin: https://evil.example\r\n\r\n'),
      true,
    );
    expect(two.status).toBe(101);
    const listed = await stage.raw(handshake({ Origin: 'https://example.com:444, https://evil.example' }));
    expect(listed.status).toBe(403);
    const plain = await PinghubStage.set(opened, ORIGIN);
    expect(await plain.refused('/a', { Origin: 'https://example.com:443' })).toBe(403);
    expect((await plain.get('/a', { headers: { Origin: 'https://example.net' } })).status).toBe(200);
  });

  it('are recognised in any case, among other options of the connection', async () => {
    const stage = await PinghubStage.set(opened);
    for (const [connection, upgrade] of [
      ['keep-alive, Upgrade', 'WebSocket'],
      ['UPGRADE', 'WEBSOCKET'],
    ]) {
      const answer = await stage.raw(handshake({ Connection: connection ?? '', Upgrade: upgrade ?? '' }), true);
      expect(answer.status).toBe(101);
      expect(answer.head).not.toMatch(/^sec-websocket-(protocol|extensions)/im);
    }
  });

  it('that are none are refused with the words of the original', async () => {
    const stage = await PinghubStage.set(opened, ORIGIN);
    const cases: [Record<string, string>, number, string, string?][] = [
      [{ 'Sec-WebSocket-Version': '12' }, 400, 'Bad Request\n'],
      [{ 'Sec-WebSocket-Key': 'AAAA' }, 400, 'Bad Request\n'],
      [{ 'Sec-WebSocket-Key': '' }, 400, 'Bad Request\n'],
      [{ Origin: 'https://example.net' }, 403, 'Forbidden\n'],
      [{ 'Content-Length': '0' }, 405, 'Method Not Allowed\n', 'POST'],
      [{}, 405, 'Method Not Allowed\n', 'PUT'],
    ];
    for (const [headers, status, body, method] of cases) {
      const answer = await stage.raw(handshake(headers, method));
      expect([answer.status, answer.body.toString()], JSON.stringify([method, headers])).toEqual([status, body]);
      expect(answer.head).toMatch(/^Sec-Websocket-Version: 13\r$/m);
      expect(answer.head).toMatch(/^X-Content-Type-Options: nosniff\r$/m);
    }
  });

  it('for another protocol are ordinary requests', async () => {
    const stage = await PinghubStage.set(opened);
    const listener = await stage.listen('/h2');
    const answer = await stage.raw(
      'POST /h2 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: 5\r\n\r\nhello',
    );
    expect([answer.status, answer.body.toString()]).toEqual([200, 'OK\n']);
    expect(await listener.hears(1)).toEqual(['hello']);
  });
});

describe('requests', () => {
  const opened = new Opened();

  it('other than GET and POST are 405, without a body', async () => {
    const stage = await PinghubStage.set(opened);
    for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const answer = await stage.raw(`${method} /%FF HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
      expect([answer.status, answer.body.length, /^allow:/im.test(answer.head)]).toEqual([405, 0, false]);
    }
    expect((await stage.raw('HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n', true)).status).toBe(405);
  });

  it('have paths of 1 to 256 code points of valid Unicode', async () => {
    const stage = await PinghubStage.set(opened);
    const emoji = encodeURIComponent('😀');
    expect((await stage.get(`/${'x'.repeat(255)}`)).status).toBe(200);
    expect((await stage.get(`/${emoji.repeat(255)}`)).status).toBe(200);
    const tooLong = 'Error: bad request. Path length must be 1-256 Unicode characters (UTF-8).\n';
    const notUnicode = 'Error: bad request. Path must be valid Unicode (UTF-8).\n';
    for (const [path, text] of [
      [`/${'x'.repeat(256)}`, tooLong],
      [`/${emoji.repeat(256)}`, tooLong],
      ['/%FF', notUnicode],
      ['/%C3%28', notUnicode],
    ] as const) {
      const answers = [await stage.get(path), await stage.get(path, { method: 'POST', body: 'x' })];
      for (const answer of answers) {
        expect([answer.status, await answer.text()]).toEqual([400, text]);
        expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
        expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
      }
      expect(await stage.refused(path, {})).toBe(400);
    }
    const malformed = await stage.raw('GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n');
    expect([malformed.status, malformed.body.toString()]).toEqual([400, '400 Bad Request\n']);
  });

  it('whose path is not in clean form are sent to the one that is', async () => {
    const stage = await PinghubStage.set(opened);
    for (const [from, to] of [
      ['//a', '/a'],
      ['/a//b/', '/a/b/'],
      ['/a/../b?x=1', '/b?x=1'],
      ['/a/./b', '/a/b'],
      ['/../..', '/'],
      ['/a%2F%2Fb', '/a/b'],
      ['//%FF', '/%FF'],
      ['//caf%c3%a9%20%21', '/caf%C3%A9%20%21'],
    ] as const) {
      for (const method of ['GET', 'POST', 'PUT']) {
        const answer = await stage.raw(`${method} ${from} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
        expect([answer.status, answer.body.length], `${method} ${from}`).toEqual([301, 0]);
        expect(/^location: (.*)\r$/im.exec(answer.head)?.[1], from).toBe(to);
      }
    }
    expect((await stage.raw(handshake({}, 'GET', '//a'))).head).toMatch(/^Location: \/a\r$/m);
    const absolute = await stage.raw('GET http://ws.example//a HTTP/1.1\r\nHost: ws.example\r\n\r\n');
    expect(absolute.head).toMatch(/^Location: http:\/\/ws\.example\/a\r$/m);
  });

  it('are sent to the clean form of their own path where the route takes part of it away', async () => {
    const stage = await PinghubStage.set(opened, '', '*,path_beg=/push,path_rem=5');
    const answer = await stage.raw('POST /push//a?q=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n');
    expect([answer.status, /^location: (.*)\r$/im.exec(answer.head)?.[1]]).toEqual([301, '/push/a?q=1']);
    const listener = await stage.listen('/push/a');
    expect(await stage.post('/push/a', 'x')).toEqual([200, 'OK\n']);
    expect(await listener.hears(1)).toEqual(['x']);
  });

  it('name the same channel by any escapes and query, and another one by a slash at the end', async () => {
    const stage = await PinghubStage.set(opened);
    const one = await stage.listen('/caf%C3%A9/x?a=1');
    const other = await stage.listen('/caf%C3%A9/x/');
    await stage.post('/caf%c3%a9%2Fx?b=2', 'first');
    await stage.post('/caf%C3%A9/x/', 'second');
    await stage.post('/caf%C3%A9/x', 'third');
    expect(await one.hears(2)).toEqual(['first', 'third']);
    expect(await other.hears(1)).toEqual(['second']);
  });
});

describe('messages', () => {
  const opened = new Opened();

  it('that are empty come back to their sender alone', async () => {
    const stage = await PinghubStage.set(opened);
    const [sender, peer] = [await stage.listen('/a'), await stage.listen('/a')];
    sender.socket.send('');
    sender.socket.send(Buffer.alloc(0));
    sender.socket.send('x');
    expect(await sender.hears(3)).toEqual(['', '', 'x']);
    expect(await peer.hears(1)).toEqual(['x']);
    expect(stage.holdfast.counters.pinghub).toEqual({ posts: 0, messages: 1, drops: 0, echoes: 2 });
  });

  it('that are binary leave as text, and end their sender where they are none', async () => {
    const stage = await PinghubStage.set(opened);
    const [sender, peer] = [await stage.listen('/a'), await stage.listen('/a')];
    sender.socket.send(Buffer.from('böse'));
    expect(await peer.hears(1)).toEqual(['böse']);
    sender.socket.send(Buffer.of(0xff, 0xfe));
    expect(await sender.closes()).toBe(1007);
    expect(peer.texts).toEqual(['böse']);
  });

  it('may have 65,536 bytes in all their pieces; one more ends their sender and nobody else', async () => {
    const stage = await PinghubStage.set(opened);
    const [sender, peer] = [await stage.listen('/a'), await stage.listen('/a')];
    sender.socket.send('x'.repeat(30_000), { fin: false });
    sender.socket.send('y'.repeat(35_536), { fin: true });
    expect((await peer.hears(1))[0]?.length).toBe(65_536);
    sender.socket.send('x'.repeat(65_537));
    expect(await sender.closes()).toBe(1009);
    await stage.post('/a', 'on');
    expect((await peer.hears(2))[1]).toBe('on');
  });

  it('come to everybody in one order', async () => {
    const stage = await PinghubStage.set(opened);
    const [one, two, three] = [await stage.listen('/a'), await stage.listen('/a'), await stage.listen('/a')];
    for (let number = 0; number < 300; number += 1) {
      one.socket.send(`one ${number}`);
      two.socket.send(`two ${number}`);
      if (number % 100 === 0) await stage.post('/a', `post ${number}`);
    }
    const expected = await one.hears(603);
    expect(await two.hears(603)).toEqual(expected);
    expect(await three.hears(603)).toEqual(expected);
    expect(expected.filter((text) => text.startsWith('one'))).toEqual(
      Array.from({ length: 300 }, (_, number) => `one ${number}`),
    );
  });

  it('that are posted to nobody or are empty are OK, and counted', async () => {
    const stage = await PinghubStage.set(opened);
    expect(await stage.post('/nobody', 'x')).toEqual([200, 'OK\n']);
    expect(await stage.post('/nobody', '')).toEqual([200, 'OK\n']);
    const listener = await stage.listen('/a');
    expect(await stage.post('/a', '')).toEqual([200, 'OK\n']);
    expect(await stage.post('/a', 'a=1&b=2\n')).toEqual([200, 'OK\n']);
    expect(await listener.hears(1)).toEqual(['a=1&b=2\n']);
    expect(stage.holdfast.counters.pinghub).toEqual({ posts: 4, messages: 0, drops: 2, echoes: 0 });
  });

  it('that are posted have to be Unicode, and no longer than the route says', async () => {
    const stage = await PinghubStage.set(opened, 'max_body=10');
    const listener = await stage.listen('/a');
    expect(await stage.post('/a', Buffer.of(0xff))).toEqual([
      400,
      'Error: bad request. Message must be valid Unicode (UTF-8).\n',
    ]);
    expect(await stage.post('/a', 'x'.repeat(11))).toEqual([413, 'Error: message must not exceed 10 bytes.\n']);
    expect(await stage.post('/a', 'x'.repeat(10))).toEqual([200, 'OK\n']);
    const client = await opened.client(stage.port);
    client.write('POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n');
    await client.readUntil('HTTP/1.1 100 Continue\r\n\r\n');
    client.write('3\r\nabc\r\n0\r\n\r\n');
    expect((await client.readAnswer()).status).toBe(200);
    expect(await listener.hears(2)).toEqual(['xxxxxxxxxx', 'abc']);
  });

  it('that are posted come here whole where a target before it cannot be connected to', async () => {
    const stage = await PinghubStage.set(opened, 'max_body=2000000', `* ${REFUSING_TARGET}`);
    const listener = await stage.listen('/long');
    const text = 'long '.repeat(200_000);
    expect(await stage.post('/long', text)).toEqual([200, 'OK\n']);
    expect(await listener.hears(1)).toEqual([text]);
    expect((await stage.post('/long', `${text}${text}!`))[0]).toBe(413);
  });

  it('of sockets are not published where the route says so', async () => {
    const stage = await PinghubStage.set(opened, 'ws_publish=false,max_message=3');
    const [sender, peer] = [await stage.listen('/a'), await stage.listen('/a')];
    sender.socket.send('no');
    await stage.post('/a', 'yes');
    expect(await peer.hears(1)).toEqual(['yes']);
    sender.socket.send('four');
    expect(await sender.closes()).toBe(1009);
  });
});

describe('connections', () => {
  const opened = new Opened();

  it('that cannot keep up are ended behind what waits for them; others get everything', async () => {
    const stage = await PinghubStage.set(opened, 'outbox=8,max_body=1000000');
    const [slow, fast] = [await stage.listen('/a'), await stage.listen('/a')];
    slow.socket.pause();
    const large = 'x'.repeat(500_000);
    let posted = 0;
    // As many as the kernel takes, and then nine more.
    while (stage.holdfast.counters.dropped['outbox-full'] === 0) {
      await stage.post('/a', `${posted}${large}`);
      posted += 1;
      expect(posted).toBeLessThan(200);
    }
    await fast.hears(posted);
    expect(fast.texts.map((text) => Number.parseInt(text, 10))).toEqual(Array.from({ length: posted }, (_, at) => at));
    slow.socket.resume();
    expect(await slow.closes()).toBe(1005);
    // What waited when it was one too many is still sent, in order and without a gap.
    expect(slow.texts.map((text) => Number.parseInt(text, 10))).toEqual(
      Array.from({ length: slow.texts.length }, (_, at) => at),
    );
    expect(slow.texts.length).toBe(posted - 1);
    await stage.post('/a', 'after');
    await fast.hears(posted + 1);
  });

  it('that answer no pings are cut off; those that do stay', async () => {
    const stage = await PinghubStage.set(opened, 'ping_interval=1,pong_timeout=2');
    const alive = await stage.listen('/a');
    let pings = 0;
    alive.socket.on('ping', () => {
      pings += 1;
    });
    const dead = await opened.client(stage.port);
    dead.write(handshake({}));
    await dead.readUntil('\r\n\r\n');
    await dead.untilClosed();
    // Nothing but pings, and no close frame: RFC 6455 calls that 1006.
    expect(dead.pending.replaceAll('\x89\x00', '')).toBe('');
    expect(pings).toBeGreaterThanOrEqual(1);
    expect(alive.closeCode).toBeUndefined();
  });

  it('leave their channel with their close frame, and a channel without any has no past', async () => {
    const stage = await PinghubStage.set(opened);
    const listener = await stage.listen('/a');
    await stage.post('/a', 'old');
    await listener.hears(1);
    listener.socket.close(4001, 'bye');
    expect(await listener.closes()).toBe(4001);
    await stage.post('/a', 'nobody');
    expect(stage.holdfast.counters.pinghub.drops).toBe(1);
    const next = await stage.listen('/a');
    await stage.post('/a', 'new');
    expect(await next.hears(1)).toEqual(['new']);
  });

  it('are told of pings and closes as the original tells them', async () => {
    const stage = await PinghubStage.set(opened);
    const listener = await stage.listen('/a');
    const pong = new Promise((resolve) => listener.socket.once('pong', (content) => resolve(String(content))));
    listener.socket.ping('hello');
    expect(await pong).toBe('hello');
    for (const code of [1000, 3000, 4999]) {
      const one = await stage.listen('/a');
      one.socket.close(code, 'a reason');
      expect(await one.closes()).toBe(code);
    }
  });

  it('get all of 10,000 posts on one connection, in order', async () => {
    const stage = await PinghubStage.set(opened);
    const listener = await stage.listen('/burst');
    const client = await opened.client(stage.port);
    const posts = Array.from({ length: 10_000 }, (_, at) => {
      return `POST /burst HTTP/1.1\r\nHost: x\r\nContent-Length: ${String(at).length}\r\n\r\n${at}`;
    });
    client.write(posts.join(''));
    // A machine with other work needs longer than one wait allows.
    await listener.hears(5_000);
    await listener.hears(10_000);
    expect(listener.texts).toEqual(Array.from({ length: 10_000 }, (_, at) => String(at)));
  });
});

describe('the bus', () => {
  const opened = new Opened();

  it('is open to the control port and to the library, by the name of the channel', async () => {
    const stage = await PinghubStage.set(opened);
    const listener = await stage.listen('/user/1');
    stage.holdfast.publish(itemFor('pinghub:/user/1', 'from elsewhere'));
    expect(await listener.hears(1)).toEqual(['from elsewhere']);
    expect(
      (
        await fetch(`http://127.0.0.1:${stage.holdfast.addresses.control?.port}/publish/`, {
          method: 'POST',
          body: JSON.stringify({ items: [itemFor('pinghub:/user/1', 'and here')] }),
        })
      ).status,
    ).toBe(200);
    expect((await listener.hears(2))[1]).toBe('and here');
  });

  it('has the prefix of the route before its names, and the rewritten path in them', async () => {
    const stage = await PinghubStage.set(opened, '', '*,path_beg=/ws,path_rem=3,prefix=p-');
    const listener = await stage.listen('/ws/a');
    stage.holdfast.publish(itemFor('p-pinghub:/a', 'x'));
    expect(await listener.hears(1)).toEqual(['x']);
  });
});

function handshake(headers: Record<string, string>, method = 'GET', path = '/a'): string {
  const all: Record<string, string> = {
    Host: 'ws.example',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
