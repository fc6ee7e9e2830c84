import { describe, expect, it } from 'vitest';
import { type TestRequest, testResponse, testWebSocket } from '../../src/backend/test-backend.js';
import type { WebSocketClient, WebSocketOrigin } from '../../src/hold/websocket-origin.js';
import { getHeader } from '../../src/protocol/headers.js';

function request(path: string, query = '', pathBeg = ''): TestRequest {
  return { path, query, pathBeg };
}

/** The client's side of a socket, as lines of text. */
class RecordingClient implements WebSocketClient {
  readonly calls: string[] = [];

  fromOrigin(type: string, content: Buffer): void {
    this.calls.push(`${type} ${content}`);
  }

  close(code: number | undefined, reason: string): void {
    this.calls.push(`close ${code} ${reason}`);
  }

  drop(): void {
    this.calls.push('drop');
  }

  pause(): void {}

  resume(): void {}
}

function accepted(query: string, grip = true): { origin: WebSocketOrigin; client: RecordingClient } {
  const verdict = testWebSocket(request('/ws', query), grip);
  if (verdict.kind !== 'accept') throw new Error(`not accepted: ${verdict.kind}`);
  const client = new RecordingClient();
  verdict.origin.attached(client);
  return { origin: verdict.origin, client };
}

describe('the test backend over HTTP', () => {
  it('says hello at its root', () => {
    expect(testResponse(request('/'))).toEqual({
      code: 200,
      reason: 'OK',
      headers: [['Content-Type', 'text/plain']],
      body: Buffer.from('Hello from the Holdfast test handler!\n'),
    });
  });

  it.each([
    ['/response', 'response', 'nothing for now\n'],
    ['/stream', 'stream', '[stream opened]\n'],
  ])('holds at %s', (path, hold, body) => {
    expect(testResponse(request(path, 'channel=a'))).toEqual({
      code: 200,
      reason: 'OK',
      headers: [
        ['Content-Type', 'text/plain'],
        ['Grip-Hold', hold],
        ['Grip-Channel', 'a'],
      ],
      body: Buffer.from(body),
    });
  });

  it.each([
    ['', 'test'],
    ['other=1', 'test'],
    ['channel=a', 'a'],
    ['channel=a&x=1&channel=b', 'a, b'],
    ['channel=a&channel=b&channel=a', 'a, b'],
    ['channel=a%20b+c', 'a b c'],
    ['Channel=a', 'test'],
  ])('takes the channels from the query "%s": %s', (query, channels) => {
    for (const path of ['/response', '/stream']) {
      expect(getHeader(testResponse(request(path, query)).headers, 'Grip-Channel')).toBe(channels);
    }
  });

  it.each([
    ['/stream/', '', '[stream opened]\n'],
    ['/streams', '', undefined],
    ['/stream//', '', undefined],
    ['/Stream', '', undefined],
    ['/ws', '', undefined],
    ['/no', '', undefined],
    ['/foo', '/foo', 'Hello from the Holdfast test handler!\n'],
    ['/foo/', '/foo', 'Hello from the Holdfast test handler!\n'],
    ['/foo/stream', '/foo', '[stream opened]\n'],
    ['/foox', '/foo', undefined],
    ['/foo/', '/foo/', 'Hello from the Holdfast test handler!\n'],
    ['/foo/stream/', '/foo/', '[stream opened]\n'],
    ['/stream', '/foo', '[stream opened]\n'],
    ['/foo', '', undefined],
  ])('finds at path "%s" with path_beg "%s": %j', (path, pathBeg, body) => {
    const response = testResponse(request(path, '', pathBeg));
    if (body !== undefined) {
      expect([response.code, response.body.toString()]).toEqual([200, body]);
      return;
    }
    expect(response).toEqual({
      code: 404,
      reason: 'Not Found',
      headers: [['Content-Type', 'text/plain']],
      body: Buffer.from('no such test resource\n'),
    });
  });
});

describe('the test backend over WebSocket', () => {
  it('accepts at /ws and nowhere else', () => {
    expect(testWebSocket(request('/ws'), true)).toMatchObject({
      kind: 'accept',
      reason: 'Switching Protocols',
      headers: [],
      grip: { prefix: 'm:' },
    });
    expect(testWebSocket(request('/foo/ws/', '', '/foo'), true).kind).toBe('accept');
    expect(testWebSocket(request('/stream'), true)).toEqual({
      kind: 'reject',
      response: {
        code: 404,
        reason: 'Not Found',
        headers: [['Content-Type', 'text/plain']],
        body: Buffer.from('no such test resource\n'),
      },
    });
  });

  it.each([
    ['', ['test']],
    ['channel=a&channel=b&channel=a', ['a', 'b']],
    ['channel=%22', ['"']],
  ])('subscribes to the channels of "%s" as soon as the client is there', (query, channels) => {
    const { client } = accepted(query);
    expect(client.calls).toEqual(channels.map((channel) => `text c:${JSON.stringify({ type: 'subscribe', channel })}`));
  });

  it('echoes messages with the prefix, pings and pongs as they are, and the close', () => {
    const { origin, client } = accepted('channel=a');
    client.calls.length = 0;
    origin.message('text', Buffer.from('hello'));
    origin.message('binary', Buffer.from('bytes'));
    origin.ping(Buffer.from('1'));
    origin.pong(Buffer.from('2'));
    origin.closed(4_002, 'bye');
    origin.closed(undefined, '');
    expect(client.calls).toEqual([
      'text m:hello',
      'binary m:bytes',
      'ping 1',
      'pong 2',
      'close 4002 bye',
      'close undefined ',
    ]);
  });

  it('without GRIP subscribes to nothing and echoes without a prefix', () => {
    expect(testWebSocket(request('/ws'), false)).toMatchObject({ kind: 'accept', grip: undefined });
    const { origin, client } = accepted('channel=a', false);
    origin.message('text', Buffer.from('c:{}'));
    expect(client.calls).toEqual(['text c:{}']);
  });

  it('says nothing to a client that has gone', () => {
    const { origin, client } = accepted('channel=a');
    client.calls.length = 0;
    origin.gone();
    origin.message('text', Buffer.from('hello'));
    origin.closed(1_000, '');
    expect(client.calls).toEqual([]);
  });
});
