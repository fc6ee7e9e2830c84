/** Holds for answers that have no body: a stream of nothing is over with its head, a long-poll waits all the same. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { LineLog, subscribed } from '../support/events.js';
import type { Script } from '../support/origin.js';

const settings = { hold: { updateOnFirstSubscription: false } };

/** Holds every request but those for `/plain`. */
function holding(headers: Readonly<Record<string, string>>, body: Buffer | string = ''): Script {
  return (request, response) => {
    if (request.url === '/plain') {
      response.end('plain\n');
      return;
    }
    response.writeHead(200, { 'Grip-Channel': 'news', 'X-Held': 'yes', ...headers });
    response.end(body);
  };
}

const STREAMED =
  'HTTP/1.1 200 OK\r\nX-Held: yes\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('a stream that can have no body', () => {
  const opened = new Opened();

  const CASES: readonly (readonly [what: string, method: string, script: Script, head: string])[] = [
    ['of a HEAD', 'HEAD', holding({ 'Grip-Hold': 'stream' }), STREAMED],
    [
      'of a HEAD, with a next link',
      'HEAD',
      holding({ 'Grip-Hold': 'stream', 'Grip-Link': '</next>; rel=next' }),
      STREAMED,
    ],
    ['of a HEAD, in pages', 'HEAD', holding({ 'Grip-Link': '</next>; rel=next' }), STREAMED],
    [
      'of a status without one',
      'GET',
      holding({ 'Grip-Hold': 'stream', 'Grip-Status': '204' }, 'x'),
      'HTTP/1.1 204 No Content\r\nX-Held: yes\r\n\r\n',
    ],
    [
      'of a status without one, when the origin sends a long one',
      'GET',
      holding({ 'Grip-Hold': 'stream', 'Grip-Status': '204' }, Buffer.alloc(300_000)),
      'HTTP/1.1 204 No Content\r\nX-Held: yes\r\n\r\n',
    ],
  ];

  it.each(CASES)('is over with its head, and the connection goes on: %s', async (_what, method, script, head) => {
    const log = new LineLog();
    const { holdfast, origin, port } = await opened.proxied(script, { settings, logger: log });
    const client = await opened.client(port);
    client.write(`${method} /held HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(await client.readAsLongAs(head)).toBe(head);
    expect((await client.readAnswer()).body.toString()).toBe('plain\n');
    expect(holdfast.counters.holds.stream).toBe(0);
    expect(holdfast.publish({ channel: 'news', formats: { 'http-stream': { content: 'x' } } })).toEqual({
      kind: 'sent',
      receivers: 0,
    });
    expect(origin.requests.map(({ url }) => url)).toEqual(['/held', '/plain']);
    expect(log.count(/204/.test(head) ? ' code=204 0' : ' code=200 0')).toBe(1);
  });

  it('is not taken for one that is over where a long-poll is held: its head waits for the item', async () => {
    const { holdfast, port } = await opened.proxied(holding({ 'Grip-Hold': 'response' }), { settings });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.client(port);
    client.write('HEAD /held HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n');
    await ready;
    expect(client.receivedBytes).toBe(0);
    holdfast.publish({ channel: 'news', formats: { 'http-response': { body: 'item\n' } } });
    const head = 'HTTP/1.1 200 OK\r\nX-Held: yes\r\nContent-Length: 5\r\n\r\n';
    expect(await client.readAsLongAs(head)).toBe(head);
    expect((await client.readAnswer()).body.toString()).toBe('plain\n');
  });
});
