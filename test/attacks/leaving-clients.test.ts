/**
 * Clients that go: by closing their side only, by closing, by breaking off. A client that has sent its end is gone
 * (specification 15.5): nothing is kept for it, and its origin hears of it at once.
 */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { AttackStage, early, OK_ANSWER, STREAM_OPENED } from '../support/attack-stage.js';
import { Opened, PARSERS } from '../support/closing.js';
import type { RawClient } from '../support/raw-client.js';
import { responseHold, streamHold } from '../support/raw-origin.js';

const LEAVING: readonly (readonly [how: string, leave: (client: RawClient) => void])[] = [
  ['half-closes', (client) => client.socket.end()],
  ['closes', (client) => client.socket.destroy()],
  ['resets', (client) => client.socket.resetAndDestroy()],
];

function get(target: string): string {
  return `GET ${target} HTTP/1.1\r\nHost: example.com\r\n\r\n`;
}

describe.each(PARSERS.flatMap((parser) => LEAVING.map(([how, leave]) => [how, parser, leave] as const)))(
  'a client that %s (parser: %s)',
  (_how, parser, leave) => {
    const opened = new Opened(parser);

    it('while its origin thinks ends the request at the origin', async () => {
      const stage = await AttackStage.start(opened);
      stage.origin.reply('/slow', () => {});
      const client = await stage.client();
      client.write(get('/slow'));
      const { connection } = await stage.origin.request('/slow');
      leave(client);
      await stage.origin.until('the end of the request', () => connection.closed);
      await stage.onlyNeighbourLeft();
      expect(client.receivedBytes).toBe(0);
      await stage.undisturbed();
    });

    it('in the middle of an answer ends the request at the origin', async () => {
      const stage = await AttackStage.start(opened);
      stage.origin.reply('/half', 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf');
      const client = await stage.client();
      client.write(get('/half'));
      await client.readUntil('half');
      leave(client);
      const { connection } = await stage.origin.request('/half');
      await stage.origin.until('the end of the answer', () => connection.closed);
      await stage.onlyNeighbourLeft();
      await stage.undisturbed();
    });

    it('in the middle of a small body leaves nothing at the origin', async () => {
      const stage = await AttackStage.start(opened);
      const client = await stage.client();
      client.write('POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf');
      // The answer to the neighbour's request shows that the half has been read.
      await stage.undisturbed();
      leave(client);
      await stage.onlyNeighbourLeft();
      expect(stage.forwarded).toEqual([]);
    });

    it('in the middle of a large body breaks the upload off at the origin', async () => {
      const stage = await AttackStage.start(opened);
      const client = await stage.client();
      client.write(
        `POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${`1000\r\n${'x'.repeat(0x1000)}\r\n`.repeat(5)}`,
      );
      await stage.origin.until('the upload', () => stage.origin.received.includes('POST /up'));
      leave(client);
      const upload = stage.origin.connections.find(({ received }) => received.includes('POST /up'));
      await stage.origin.until('the end of the upload', () => upload?.closed === true);
      expect(upload?.received.endsWith('0\r\n\r\n')).toBe(false);
      await stage.onlyNeighbourLeft();
      await stage.undisturbed();
    });

    it('while it is held as a stream ends the hold', async () => {
      const stage = await AttackStage.start(opened);
      const client = await stage.stream();
      const over = once(stage.holdfast, 'unsubscribe');
      leave(client);
      expect(await over).toEqual(['news']);
      await stage.onlyNeighbourLeft();
      expect(stage.holdfast.counters.holds.stream).toBe(1);
    });

    it('while it is held for a response ends the hold', async () => {
      const stage = await AttackStage.start(opened, { settings: { hold: { subscriptionLinger: 1 } } });
      stage.origin.reply('/poll', responseHold('news'));
      const client = await stage.client();
      client.write(get('/poll'));
      await once(stage.holdfast, 'subscribe');
      const over = once(stage.holdfast, 'unsubscribe');
      leave(client);
      expect(await over).toEqual(['news']);
      await stage.onlyNeighbourLeft();
      expect(stage.holdfast.counters.holds.response).toBe(0);
    });

    it('while requests wait behind its hold takes them with it', async () => {
      const stage = await AttackStage.start(opened);
      const client = await stage.stream(get('/a').repeat(5));
      leave(client);
      await stage.onlyNeighbourLeft();
      expect(stage.forwarded).toEqual(['GET /stream']);
      expect(stage.holdfast.counters.holds.stream).toBe(1);
    });

    it('while the last of its pipelined requests is held ends the hold', async () => {
      const stage = await AttackStage.start(opened);
      stage.origin.reply('/stream', streamHold('news'));
      const client = await stage.client();
      client.write(get('/a').repeat(60) + get('/stream'));
      await client.readAsLongAs(OK_ANSWER.repeat(60) + STREAM_OPENED);
      leave(client);
      await stage.onlyNeighbourLeft();
      expect(stage.holdfast.counters.holds.stream).toBe(1);
    });
  },
);

describe.each(PARSERS)('a client that half-closes (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  it('between requests is closed', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.client();
    client.write(get('/a'));
    await client.readAsLongAs(OK_ANSWER);
    client.socket.end();
    await client.untilClosed();
    await stage.onlyNeighbourLeft();
    expect(stage.holdfast.counters.badRequests).toBe(0);
  });

  it('without having asked anything is closed', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.client();
    client.socket.end();
    await client.untilClosed();
    expect(client.receivedBytes).toBe(0);
  });

  it('in the middle of a head is told so', async () => {
    const stage = await AttackStage.start(opened);
    const client = await stage.client();
    client.socket.end('GET /a HTTP/1.1\r\nHost: exa');
    await client.untilClosed();
    expect(client.pending).toBe(early('Failed to parse request: invalid token'));
    await stage.onlyNeighbourLeft();
  });
});

describe.each(PARSERS)('thousands of clients that come and go (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  it('leave nothing behind', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/stream', streamHold('news'));
    stage.origin.reply('/poll', responseHold('news'));
    stage.origin.reply('/slow', () => {});
    const bytes = [
      '',
      'GET',
      get('/stream'),
      get('/poll'),
      get('/slow'),
      get('/stream') + get('/a'),
      '\0',
      'POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx',
    ];
    for (let round = 0; round < 40; round += 1) {
      const clients = await Promise.all(bytes.map(() => stage.client()));
      for (const [at, client] of clients.entries()) client.write(bytes[at] ?? '');
      await stage.undisturbed();
      for (const [at, client] of clients.entries()) LEAVING[(at + round) % LEAVING.length]?.[1](client);
    }
    await stage.onlyNeighbourLeft();
    expect(stage.holdfast.counters.holds).toEqual({ response: 0, stream: 1, ws: 0 });
    await stage.undisturbed();
  });
});
