import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRequest } from './http-bytes.js';
import { CLIENT_KEY, SIGNING_KEY, transcript } from './normalise.js';
import type { RecordedRequest } from './recording-origin.js';
import type { Recording } from './script.js';

const NOW = 1_800_000_000;

function request(text: string): RecordedRequest {
  const raw = Buffer.from(text, 'latin1');
  const message = readRequest(raw);
  if (!message) throw new Error('the request has no end');
  return { key: 'c', raw, message, receivedAt: NOW };
}

function recording(received: string, sent = 'GET / HTTP/1.1\r\n\r\n'): Recording {
  return {
    name: 'client 1',
    sent: Buffer.from(sent),
    received: Buffer.from(received, 'latin1'),
    end: 'not waited for',
  };
}

function token(expires: number, key = SIGNING_KEY): string {
  const part = (value: string) => Buffer.from(value).toString('base64url');
  const signed = `${part('{"typ":"JWT","alg":"HS256"}')}.${part(`{"exp":${expires},"iss":"pushpin"}`)}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

const originLines = (headers: string) =>
  transcript([], [request(`GET /c HTTP/1.1\r\n${headers}\r\n\r\n`)], [], 1).slice(2, -1);

describe('requests at the origin', () => {
  it.each([
    [
      'names lose their case and get an order, duplicates keep theirs',
      'X-B: 2\r\nx-b: 1\r\nHost: a',
      ['host: a', 'x-b: 2', 'x-b: 1'],
    ],
    [
      'what libcurl adds goes',
      'Accept-Encoding: gzip\r\nAccept: */*\r\nConnection: keep-alive\r\nHost: a',
      ['host: a'],
    ],
    ['what a client asked for stays', 'Accept: text/html\r\nHost: a', ['accept: text/html', 'host: a']],
    ['random ids are alike', 'Connection-Id: 01234567-89ab-cdef-0123-456789abcdef', ['connection-id: (uuid)']],
    [
      'ids of another form stay',
      'Connection-Id: 01234567-89AB-cdef-0123-456789abcdef',
      ['connection-id: 01234567-89AB-cdef-0123-456789abcdef'],
    ],
    [
      'a handshake tells whose key it has',
      `Sec-WebSocket-Key: ${CLIENT_KEY}\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Key: AAAA`,
      [`sec-websocket-key: ${CLIENT_KEY}`, 'sec-websocket-key: (random)', 'sec-websocket-key: AAAA'],
    ],
    ['what a handshake asks of its connection stays', 'Connection: Upgrade', ['connection: Upgrade']],
    [
      'features of later versions go',
      'Grip-Feature: status, link:next, link:gone, filter:http-check',
      ['grip-feature: status, link:next'],
    ],
    [
      'last ids get an order, and none is lost',
      'Grip-Last: b; last-id=2\r\nHost: a\r\ngrip-last: a; last-id=1\r\nGrip-Last: b; last-id=2',
      ['grip-last: a; last-id=1', 'grip-last: b; last-id=2', 'grip-last: b; last-id=2', 'host: a'],
    ],
    ['other features stay', 'Grip-Feature: status, link:last', ['grip-feature: status, link:last']],
    [
      'a sound token is told by its claims',
      `Grip-Sig: ${token(NOW + 3600)}`,
      ['grip-sig: {"typ":"JWT","alg":"HS256"} {"exp":(in an hour),"iss":"pushpin"}'],
    ],
  ])('%s', (_rule, headers, lines) => {
    expect(originLines(headers)).toEqual(lines);
  });

  it.each([
    ['another key', token(NOW + 3600, 'other')],
    ['another life time', token(NOW + 60)],
    ['no token at all', 'a.b'],
  ])('a signature with %s stands out', (_what, value) => {
    expect(originLines(`Grip-Sig: ${value}`)).toEqual([`grip-sig: unsound token ${value}`]);
  });

  it('keeps a repeated request unless the case leaves it free', () => {
    const twice = [request('GET /c HTTP/1.1\r\n\r\n'), request('GET /c HTTP/1.1\r\n\r\n')];
    expect(transcript([], twice, [], 1)).toHaveLength(6);
    expect(transcript([], twice, [], 1, ['repeated-poll'])).toHaveLength(3);
  });
});

describe('answers to clients', () => {
  const head = 'HTTP/1.1 200 OK\r\nX-A: 1\r\n';
  const counted = `${head}Content-Length: 3\r\n\r\nabc`;
  const chunked = `${head}Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n`;

  it('differ in framing unless the case leaves it free', () => {
    expect(transcript([recording(counted)], [], [], 1)).not.toEqual(transcript([recording(chunked)], [], [], 1));
    expect(transcript([recording(counted)], [], [], 1, ['framing'])).toEqual(
      transcript([recording(chunked)], [], [], 1, ['framing']),
    );
  });

  it('do not differ in where chunks are cut', () => {
    const other = chunked.replace('1\r\na\r\n2\r\nbc', '3\r\nabc');
    expect(transcript([recording(other)], [], [], 1)).toEqual(transcript([recording(chunked)], [], [], 1));
  });

  it('say when a body is cut short', () => {
    const open = chunked.slice(0, -5);
    expect(transcript([recording(open)], [], [], 1)).toContain('the body is cut short');
  });

  it('lose probes and the port of the origin', () => {
    const lines = transcript([recording('HTTP/1.0 200 OK\r\n\r\n{probe}from 127.0.0.1:40001{probe}')], [], [], 40_001);
    expect(lines).toContain('body (until-close): "from (origin)"');
  });

  it('become frames behind a 101', () => {
    const bytes = 'HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x07{probe}\x81\x01a\x81\x0e{second probe}';
    expect(transcript([recording(bytes)], [], [], 1)).toEqual([
      '== client 1',
      'HTTP/1.1 101 Switching Protocols',
      'TEXT "a"',
      'end: not waited for',
    ]);
  });

  it('are followed by what the WebSockets of the origin got', () => {
    const webSocket = { lines: () => ['TEXT "a"'], howItEnded: 'closed by the proxy' } as const;
    expect(transcript([], [], [], 1, [], [webSocket])).toEqual([
      '== origin WebSocket 1',
      'TEXT "a"',
      'end: closed by the proxy',
    ]);
  });

  it('are told whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (received, sent) => {
        const lines = transcript([recording(`HTTP/1.1 ${received}`, sent)], [], [], 1);
        expect(lines.length).toBeGreaterThan(2);
      }),
    );
  });
});
