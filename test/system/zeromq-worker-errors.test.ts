/** ZeroMQ workers that refuse, that are not there, and what they can and cannot do: what the client is told (specification 3.2, 10). */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { Reply } from 'zeromq';
import { decodeTnetstring, encodeTnetstring, type TnetMap } from '../../src/protocol/tnetstring.js';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil, within } from '../support/deadline.js';
import { subscribed } from '../support/events.js';
import { ManualClock } from '../support/manual-clock.js';
import { HANDSHAKE } from '../support/websocket-client.js';

const GENERIC = 'Error while proxying to origin.\n';

describe('a zhttpreq target', () => {
  const opened = new Opened();

  function address(): string {
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
    return `ipc://${folder}/worker`;
  }

  /** A worker that answers everything with an error. */
  async function refusing(condition: string, debug: boolean): Promise<number> {
    const spec = address();
    const holdfast = await opened.holdfast({ routes: [`*${debug ? ',debug' : ''} zhttpreq/${spec}`] });
    const socket = opened.add(new Reply({ linger: 0 }), (one) => one.close());
    socket.connect(spec);
    const work = async (): Promise<void> => {
      for await (const [message] of socket) {
        const { id } = Object.fromEntries(decodeTnetstring((message as Buffer).subarray(1)) as TnetMap);
        const answer = new Map<string, never>(Object.entries({ id, type: 'error', condition }) as never);
        await socket.send(Buffer.concat([Buffer.from('T'), encodeTnetstring(answer)]));
      }
    };
    void work().catch(() => {});
    return clientPort(holdfast);
  }

  const LENGTH = 'Must provide Content-Length header.\n';

  it.each([
    ['length-required', false, 411, LENGTH],
    ['length-required', true, 411, LENGTH],
    ['policy-violation', false, 502, GENERIC],
    ['policy-violation', true, 502, 'Error: Origin host/IP blocked.\n'],
    ['bad-request', true, 502, GENERIC],
  ])('whose worker reports %s, with debug %s, is answered %i', async (condition, debug, code, text) => {
    const client = await opened.get(await refusing(condition, debug), '/');
    const { status, head, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([code, text]);
    expect(head).toContain('Content-Type: text/plain\r\n');
  });

  it.each([
    [false, GENERIC],
    [true, 'Error: zhttp service for route is unreachable.\n'],
  ])('that no worker serves for a minute is answered 502, with debug %s', async (debug, text) => {
    const clock = new ManualClock();
    const holdfast = await opened.holdfast({ routes: [`*${debug ? ',debug' : ''} zhttpreq/${address()}`], clock });
    const client = await opened.get(clientPort(holdfast), '/');
    await turnUntil('the request', () => holdfast.counters.originRequests === 1);
    clock.advance(59_000);
    expect(client.receivedBytes).toBe(0);
    clock.advance(2_000);
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([502, text]);
    expect(holdfast.counters.originResults).toMatchObject({ timeout: 0, unreachable: 1 });
  });

  it('whose worker is silent for a minute is answered the same, and counted as silent', async () => {
    const clock = new ManualClock();
    const spec = address();
    const holdfast = await opened.holdfast({ routes: [`*,debug zhttpreq/${spec}`], clock });
    const socket = opened.add(new Reply({ linger: 0 }), (one) => one.close());
    socket.connect(spec);
    const client = await opened.get(clientPort(holdfast), '/');
    await within('the request', socket.receive());
    clock.advance(61_000);
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([502, 'Error: zhttp service for route is unreachable.\n']);
    expect(holdfast.counters.originResults).toMatchObject({ timeout: 1, unreachable: 0 });
  });

  it('takes WebSockets as requests when it has over_http', async () => {
    const spec = address();
    const holdfast = await opened.holdfast({ routes: [`* zhttpreq/${spec},over_http`] });
    const socket = opened.add(new Reply({ linger: 0 }), (one) => one.close());
    socket.connect(spec);
    const bodies: string[] = [];
    const work = async (): Promise<void> => {
      for await (const [message] of socket) {
        const { id, body } = Object.fromEntries(decodeTnetstring((message as Buffer).subarray(1)) as TnetMap);
        const said = (body as Buffer).toString('latin1');
        bodies.push(said);
        const echo = said.replace('TEXT 5\r\nhello', 'TEXT 7\r\nm:hello');
        const control = 'c:{"type":"subscribe","channel":"zmq"}';
        const joined = `OPEN\r\nTEXT ${control.length.toString(16)}\r\n${control}\r\n`;
        const answer = new Map<string, never>(
          Object.entries({
            id,
            code: 200,
            reason: 'OK',
            headers: [
              ['Content-Type', 'application/websocket-events'],
              ['Sec-WebSocket-Extensions', 'grip'],
            ],
            body: Buffer.from(said.startsWith('OPEN') ? joined : echo, 'latin1'),
          }) as never,
        );
        await socket.send(Buffer.concat([Buffer.from('T'), encodeTnetstring(answer)]));
      }
    };
    void work().catch(() => {});
    const ready = subscribed(holdfast, 'zmq');
    const client = opened.add(new WebSocket(`ws://127.0.0.1:${clientPort(holdfast)}/`), (one) => one.terminate());
    await within('the opening', once(client, 'open'));
    await ready;
    client.send('hello');
    expect(String((await within('the echo', once(client, 'message')))[0])).toBe('hello');
    holdfast.publish({ channel: 'zmq', formats: { 'ws-message': { content: 'published' } } });
    expect(String((await within('what is published', once(client, 'message')))[0])).toBe('published');
    client.close(4000, 'bye');
    expect((await within('the close', once(client, 'close')))[0]).toBe(4000);
    expect(bodies[0]).toBe('OPEN\r\n');
  });

  it.each([
    [false, GENERIC],
    [true, 'WebSockets cannot be used with zhttpreq target\n'],
  ])('takes no WebSockets, with debug %s', async (debug, text) => {
    const holdfast = await opened.holdfast({ routes: [`*${debug ? ',debug' : ''} zhttpreq/${address()}`] });
    const client = await opened.get(clientPort(holdfast), '/', ...HANDSHAKE);
    const expected = `HTTP/1.1 502 Bad Gateway\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
    expect(await client.readAsLongAs(expected)).toBe(expected);
    await client.untilClosed();
  });
});
