/** Who is trusted with what: proxies in front of us by their signature, targets by the route (spec 3.9, 12.3). */
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { subscribed } from '../support/events.js';
import { answering, holding } from '../support/origin.js';

const KEY = 'the key of the proxy behind';

async function token(key = KEY, expires = 3_600): Promise<string> {
  return new SignJWT({ iss: 'any', exp: Math.floor(Date.now() / 1_000) + expires })
    .setProtectedHeader({ typ: 'JWT', alg: 'HS256' })
    .sign(Buffer.from(key));
}

describe('a client that is a proxy we trust', () => {
  const opened = new Opened();
  const settings = { proxy: { upstreamKey: KEY, xForwardedFor: ['truncate:0'], xForwardedForTrusted: ['append'] } };

  it('gets the instruct itself, and its Grip headers go on to the origin', async () => {
    const { origin, port } = await opened.proxied(holding('stream', 'news', 'open\n'), { settings });
    const signature = await token();
    const client = await opened.get(
      port,
      '/',
      `Grip-Sig: ${signature}`,
      'Grip-Feature: theirs',
      'X-Forwarded-For: 1.1.1.1',
    );
    const { head, body } = await client.readAnswer();
    expect(head).toContain('Grip-Hold: stream\r\n');
    expect(body.toString()).toBe('open\n');
    expect(origin.requests[0]?.headers).toMatchObject({
      'grip-sig': signature,
      'grip-feature': 'theirs',
      'x-forwarded-for': '1.1.1.1, 127.0.0.1',
    });
  });

  it.each([
    ['with another key', () => token('some other key')],
    ['that is past its time', () => token(KEY, -10)],
    ['that is no token', async () => 'nonsense'],
  ])('is an ordinary client with a signature %s', async (_name, make) => {
    const { holdfast, origin, port } = await opened.proxied(holding('stream', 'news', 'open\n'), { settings });
    const ready = subscribed(holdfast, 'news');
    const signature = await make();
    const client = await opened.get(port, '/', `Grip-Sig: ${signature}`, 'X-Forwarded-For: 1.1.1.1');
    await ready;
    expect(await client.readUntil('\r\n\r\n')).not.toContain('Grip-');
    expect(origin.requests[0]?.headers['grip-sig']).not.toBe(signature);
    expect(origin.requests[0]?.headers['x-forwarded-for']).toBeUndefined();
  });

  it('holds at the outer one of two', async () => {
    const inner = await opened.proxied(holding('stream', 'news', 'open\n'), { settings });
    const outer = await opened.holdfast({
      routes: [`* 127.0.0.1:${inner.port}`],
      settings: { proxy: { sigKey: KEY } },
    });
    const ready = subscribed(outer, 'news');
    const client = await opened.get(clientPort(outer), '/');
    await ready;
    await client.readUntil('open\n');
    expect(inner.holdfast.counters.holds.stream).toBe(0);
    outer.publish({ channel: 'news', formats: { 'http-stream': { content: 'from outside\n' } } });
    await client.readUntil('from outside\n');
  });
});

describe('a target that is not trusted', () => {
  const opened = new Opened();

  it.each(['127.0.0.1', 'localhost'])('is not connected to at %s', async (host) => {
    const origin = await opened.origin(answering({}, 'secret'));
    const holdfast = await opened.holdfast({ routes: [`*,debug ${host}:${origin.port},untrusted`] });
    const client = await opened.get(clientPort(holdfast), '/');
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([502, 'Error: Origin host/IP blocked.\n']);
    expect(origin.connections).toBe(0);
  });

  it('does not use the connections of the same target where it is trusted', async () => {
    const origin = await opened.origin(answering({}, 'open'));
    const holdfast = await opened.holdfast({
      routes: [`*,path_beg=/private,debug ${origin.target},untrusted`, `* ${origin.target}`],
    });
    const client = await opened.get(clientPort(holdfast), '/');
    expect((await client.readAnswer()).body.toString()).toBe('open');
    client.write('GET /private HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.readAnswer()).status).toBe(502);
  });
});
