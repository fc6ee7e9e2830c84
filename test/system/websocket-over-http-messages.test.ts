/** Messages over WebSocket-over-HTTP, both ways: order, batches, partial acceptance, limits (spec 10.3, 10.5, 10.6, 10.9). */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { opensOnly } from '../support/events-origin.js';
import { closeFrame, frame } from '../support/websocket-client.js';
import { Stage } from '../support/websocket-stage.js';

describe('messages of a client', () => {
  const opened = new Opened();

  it.each([
    ['text', frame('text', 'hello'), 'TEXT 5\r\nhello\r\n'],
    ['text beyond ASCII', frame('text', 'grün'), 'TEXT 5\r\ngr\xc3\xbcn\r\n'],
    ['binary', frame('binary', Buffer.from([0, 255, 13, 10])), 'BINARY 4\r\n\x00\xff\r\n\r\n'],
    ['a ping', frame('ping', 'are you'), 'PING 7\r\nare you\r\n'],
    ['a pong', frame('pong', 'I am'), 'PONG 4\r\nI am\r\n'],
    ['an empty text', frame('text'), 'TEXT\r\n'],
    ['an empty binary', frame('binary'), 'BINARY\r\n'],
    ['an empty ping', frame('ping'), 'PING\r\n'],
    ['what looks like a control message', frame('text', 'c:{}'), 'TEXT 4\r\nc:{}\r\n'],
  ])('reach the origin: %s', async (_what, bytes, body) => {
    const stage = await Stage.set(opened, opensOnly);
    (await stage.openRaw()).write(bytes);
    expect((await stage.origin.request(1)).body.toString('latin1')).toBe(body);
  });

  it('reach the origin whole when they come in pieces, with a ping between them', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(frame('text', 'one ', { fin: false }));
    client.write(frame('continuation', 'two ', { fin: false }));
    client.write(frame('ping', '!'));
    (await stage.origin.request(1)).answer();
    expect((await stage.origin.request(1)).events).toEqual(['PING !']);
    client.write(frame('continuation', 'three'));
    expect((await stage.origin.request(2)).events).toEqual(['TEXT one two three']);
  });

  it('wait for the request under way and go together in the next one, in order', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(frame('text', 'first'));
    const first = await stage.origin.request(1);
    client.write(Buffer.concat([frame('text', '1'), frame('binary', '2'), frame('text'), frame('ping', '3')]));
    // The echo of a second connection shows that nothing of the first is on its way.
    const other = await stage.open();
    other.socket.send('other');
    expect((await stage.origin.request(3)).events).toEqual(['TEXT other']);
    first.answer();
    const next = await stage.origin.request(4);
    expect(next.events).toEqual(['TEXT 1', 'BINARY 2', 'TEXT', 'PING 3']);
  });

  it('go one in a request with one_event, empty ones together with the next', async () => {
    const stage = await Stage.set(opened, opensOnly, { properties: ',one_event' });
    const client = await stage.openRaw();
    client.write(frame('text', 'first'));
    const first = await stage.origin.request(1);
    const parts = [frame('text', '1'), frame('text'), frame('text', '2'), frame('text', '3'), frame('close')];
    client.write(Buffer.concat(parts));
    await stage.settled(() => stage.holdfast.counters.holds.ws === 1);
    first.answer();
    (await stage.origin.request(2)).answer();
    (await stage.origin.request(3)).answer();
    (await stage.origin.request(4)).answer();
    (await stage.origin.request(5)).answer(['CLOSE']);
    await client.untilClosed();
    expect(stage.origin.story.slice(1)).toEqual([
      ['TEXT first'],
      ['TEXT 1'],
      ['TEXT', 'TEXT 2'],
      ['TEXT 3'],
      ['CLOSE'],
    ]);
  });
});

describe('an origin that accepts a part', () => {
  const opened = new Opened();

  async function offered(...contents: readonly string[]) {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(Buffer.concat(contents.map((content) => frame('binary', content))));
    return { stage, client, request: await stage.origin.request(1) };
  }

  it('gets the rest again with the next message, and is told how much of it is a repetition', async () => {
    const { stage, client, request } = await offered('hello', 'world');
    expect([request.events, request.header('Content-Bytes-Replayed')]).toEqual([['BINARY hello', 'BINARY world'], '']);
    request.answer(['TEXT wait'], { 'Content-Bytes-Accepted': '7' });
    await client.readUntil('wait');
    client.write(frame('text', '!'));
    const second = await stage.origin.request(2);
    expect([second.events, second.header('Content-Bytes-Replayed')]).toEqual([['BINARY rld', 'TEXT !'], '3']);
    second.answer(['TEXT more'], { 'Content-Bytes-Accepted': '4' });
    await client.readUntil('more');
    client.write(frame('text', '?'));
    const third = await stage.origin.request(3);
    expect([third.events, third.header('Content-Bytes-Replayed')]).toEqual([['TEXT ?'], '']);
  });

  it('gets all again when it accepted nothing', async () => {
    const { stage, client, request } = await offered('hello');
    client.write(frame('text', '!'));
    await stage.settled(() => client.socket.bytesWritten > 0);
    request.answer(['PING w'], { 'Content-Bytes-Accepted': '0' });
    const second = await stage.origin.request(2);
    // Whether the later message came before the answer or after it, the origin goes on.
    expect(second.events[0]).toBe('BINARY hello');
    expect(second.header('Content-Bytes-Replayed')).toBe('5');
  });

  it('gets a close again that it could not take because of what was before it', async () => {
    const { stage, client, request } = await offered('hello');
    client.write(Buffer.concat([frame('text', 'bye'), frame('close', Buffer.from([0x03, 0xe8]))]));
    request.answer();
    (await stage.origin.request(2)).answer([], { 'Content-Bytes-Accepted': '1' });
    const again = await stage.origin.request(3);
    expect([again.events, again.header('Content-Bytes-Replayed')]).toEqual([['TEXT ye', 'CLOSE 1000'], '4']);
    again.answer(['CLOSE 1000']);
    expect(await client.readAsLongAs(closeFrame(1000))).toBe(closeFrame(1000));
    await client.untilClosed();
  });

  it('has a header that is no number ignored', async () => {
    const { stage, client, request } = await offered('hello');
    request.answer(['PING a'], { 'Content-Bytes-Accepted': '-1' });
    await client.readUntil('\x89\x01a');
    client.write(frame('text', 'next'));
    expect((await stage.origin.request(2)).events).toEqual(['TEXT next']);
  });

  it('loses the client when it accepts more than there was', async () => {
    const { stage, client, request } = await offered('hello');
    request.answer([], { 'Content-Bytes-Accepted': '6' });
    await client.untilClosed();
    (await stage.origin.request(2)).answer();
    expect([client.pending, stage.origin.story.at(-1), await stage.farewells()]).toEqual(['', ['DISCONNECT'], 1]);
  });
});

describe('messages of an origin', () => {
  const opened = new Opened();

  it('reach the client in order, whatever their type', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.open();
    client.socket.send('go');
    const unknown = Buffer.from('SMOKE 1\r\nx\r\n');
    const mixed = ['TEXT one', 'BINARY \x01', unknown, 'PING two', 'PONG three', 'TEXT', 'TEXT c:{}'];
    (await stage.origin.request(1)).answer(mixed);
    await client.sees(6);
    expect(client.heard).toEqual(['text one', 'binary \x01', 'ping two', 'pong three', 'text ', 'text c:{}']);
  });

  it('reach the client whole when they are large', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.open();
    client.socket.send('go');
    const large = 'x'.repeat(900_000);
    (await stage.origin.request(1)).answer([`TEXT ${large}`]);
    expect((await client.sees(1)).length).toBe('text '.length + large.length);
  });

  it('end the connection when the answer is larger than may be', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.open();
    client.socket.send('go');
    (await stage.origin.request(1)).answer([`TEXT ${'x'.repeat(1_000_001)}`]);
    expect(await client.ended()).toBe('close 1006');
    (await stage.origin.request(2)).answer();
    expect([stage.origin.story[2], await stage.farewells()]).toEqual([['DISCONNECT'], 1]);
  });
});

describe('meta values', () => {
  const opened = new Opened();

  it('come back with every request until they are replaced or deleted', async () => {
    const stage = await Stage.set(opened, (request, index) => {
      if (index === 0) request.answer(['OPEN'], { 'Set-Meta-User': 'alice', 'Set-Meta-room': 'One, Two' });
      else if (index === 1) request.answer(['TEXT 1'], { 'set-meta-user': 'bob', 'Set-Meta-Room': '' });
      else request.answer([`TEXT ${index}`]);
    });
    const client = await stage.open();
    for (const at of [1, 2, 3]) {
      client.socket.send('x');
      await client.sees(at);
    }
    const metas = stage.origin.requests.map(({ rawHeaders }) =>
      rawHeaders.flatMap((name, at) => (/^meta-/i.test(name) ? [`${name}: ${rawHeaders[at + 1]}`] : [])),
    );
    expect(metas).toEqual([[], ['Meta-User: alice', 'Meta-room: One, Two'], ['Meta-user: bob'], ['Meta-user: bob']]);
  });
});

describe('a client that sends faster than its origin takes', () => {
  const opened = new Opened();

  it('is read no further than the limit, and loses nothing', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(frame('text', 'first'));
    const first = await stage.origin.request(1);
    const count = 400;
    const size = 50_000;
    for (let index = 0; index < count; index += 1) client.write(frame('binary', Buffer.alloc(size, index & 255)));
    // Turns enough to read it all several times; what is left then is held back, in the kernel and at the client.
    await stage.turns(2_000);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    first.answer();
    let messages = 0;
    let largest = 0;
    for (let index = 2; messages < count; index += 1) {
      const request = await stage.origin.request(index);
      largest = Math.max(largest, request.body.length);
      for (const event of request.events) {
        expect(event.length).toBe('BINARY '.length + size);
        expect(event.charCodeAt(event.length - 1)).toBe(messages & 255);
        messages += 1;
      }
      request.answer();
    }
    expect(largest).toBeLessThan(400_000);
  });

  it('is bounded in the number of empty messages too', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(frame('text', 'first'));
    const first = await stage.origin.request(1);
    const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => frame('text')));
    for (let sent = 0; sent < 200; sent += 1) client.write(thousand);
    await stage.turns(2_000);
    first.answer();
    const second = await stage.origin.request(2);
    expect(second.events.length).toBeGreaterThan(1_000);
    expect(second.events.length).toBeLessThan(50_000);
  });
});
