/** What the load generator reads: answers and frames of servers, requests and events of the origin, in any pieces. */
import { describe, expect, it } from 'vitest';
import { clientFrame, FrameReader } from '../../bench/client/frame-reader.js';
import { ResponseReader } from '../../bench/client/response-reader.js';
import { RequestReader } from '../../bench/origin/request-reader.js';
import { answerEvents } from '../../bench/origin/websocket-events.js';
import { itemPacket } from '../../bench/scenarios/publisher.js';
import { parseItemJson } from '../../src/protocol/item-json.js';
import { parsePublishMessage } from '../../src/protocol/item-tnetstring.js';

/** Reads `text` in pieces of each length from one byte to all. */
function inPieces(text: string, read: (bytes: Buffer, start: number, end: number) => void, length: number): void {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += length) read(bytes, at, Math.min(bytes.length, at + length));
}

const LENGTHS = [1, 2, 3, 7, 1_000];

describe.each(LENGTHS)('in pieces of %i bytes', (length) => {
  function answers(text: string) {
    const seen: string[] = [];
    let body = '';
    const reader = new ResponseReader({
      head: (status) => seen.push(`head ${status}`),
      body: (bytes, start, end) => {
        body += bytes.toString('latin1', start, end);
      },
      end: () => {
        seen.push(`body ${body}`);
        body = '';
      },
    });
    inPieces(text, (bytes, start, end) => reader.read(bytes, start, end), length);
    return { seen, reader, rest: () => body };
  }

  it('answers with a length follow each other', () => {
    const one = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
    const two = 'HTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n';
    expect(answers(one + two + one).seen).toEqual([
      'head 200',
      'body hello',
      'head 404',
      'body ',
      'head 200',
      'body hello',
    ]);
  });

  it('chunks are put together, trailers passed over', () => {
    const text =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nA: b\r\n\r\nHTTP/1.1 204 No\r\n\r\n';
    expect(answers(text).seen).toEqual(['head 200', 'body hello!', 'head 204', 'body ']);
  });

  it('an answer without a length goes on until the connection ends', () => {
    const { seen, reader, rest } = answers('HTTP/1.0 200 OK\r\n\r\nhello');
    expect([seen, rest(), reader.endsWithConnection]).toEqual([['head 200'], 'hello', true]);
  });

  it('frames give their payloads, however long', () => {
    const long = 'x'.repeat(300);
    let payload = '';
    let closed = 0;
    let pings = 0;
    const frames = new FrameReader({
      payload: (bytes, start, end) => {
        payload += bytes.toString('latin1', start, end);
      },
      ping: () => {
        pings += 1;
      },
      close: () => {
        closed += 1;
      },
    });
    const text = `\x81\x02hi\x89\x01p\x81\x7e\x01\x2c${long}\x81\x00\x88\x02\x03\xe8`;
    inPieces(text, (bytes, start, end) => frames.read(bytes, start, end), length);
    expect([payload, pings, closed]).toEqual([`hi${long}`, 1, 1]);
  });

  it('requests to the origin give target and body', () => {
    const seen: string[] = [];
    const reader = new RequestReader((target, body) => seen.push(`${target} ${body.toString()}`));
    const text =
      'GET /a?b HTTP/1.1\r\nHost: x\r\n\r\nPOST /c HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc' +
      'POST /d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\nGET /e HTTP/1.1\r\n\r\n';
    inPieces(text, (bytes, start, end) => reader.read(Buffer.from(bytes.subarray(start, end))), length);
    expect(seen).toEqual(['/a?b ', '/c abc', '/d def', '/e ']);
  });
});

describe('a change of protocol', () => {
  it('leaves the bytes behind the head to whoever speaks the new one', () => {
    const reader = new ResponseReader({ head: () => {}, body: () => {}, end: () => {} });
    const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n';
    const bytes = Buffer.from(`${head}\x81\x02hi`, 'latin1');
    expect(reader.read(bytes, 0, bytes.length)).toBe(head.length);
  });
});

describe('a client frame', () => {
  it.each([
    [2, 2, [2]],
    [126, 4, [126, 0, 126]],
    [300, 4, [126, 1, 44]],
    [65_535, 4, [126, 255, 255]],
    [65_536, 10, [127, 0, 0, 0, 0, 0, 1, 0, 0]],
    [100_000, 10, [127, 0, 0, 0, 0, 0, 1, 134, 160]],
  ])('of %i bytes is masked and says how long it is', (length, head, written) => {
    const text = 'a'.repeat(length);
    const frame = clientFrame(text);
    expect((frame[1] ?? 0) & 0x80).toBe(0x80);
    expect([(frame[1] ?? 0) & 0x7f, ...frame.subarray(2, head)]).toEqual(written);
    const mask = frame.subarray(head, head + 4);
    const payload = frame.subarray(head + 4).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
    expect(Buffer.from(payload).toString()).toBe(text);
  });
});

describe('the origin', () => {
  it('accepts, subscribes, echoes, answers pings and closes over HTTP', () => {
    const events = 'OPEN\r\nTEXT 2\r\nhi\r\nPING\r\nCLOSE 2\r\n\x03\xe8\r\n';
    expect(answerEvents(Buffer.from(events, 'latin1'), 'news').toString('latin1')).toBe(
      'OPEN\r\nTEXT 27\r\nc:{"type":"subscribe","channel":"news"}\r\nTEXT 4\r\nm:hi\r\nPONG\r\nCLOSE 2\r\n\x03\xe8\r\n',
    );
  });
});

describe('an item for ZeroMQ', () => {
  it.each([
    ['http-stream', 'content'],
    ['ws-message', 'content'],
    ['http-response', 'body'],
  ] as const)('in the format %s is what the product understands', (format, member) => {
    const item = parseItemJson({ channel: 'news', formats: { [format]: { [member]: 'hello\n' } } });
    expect(parsePublishMessage(Buffer.from(itemPacket('news', format, 'hello\n')))).toEqual({ kind: 'item', item });
  });
});
