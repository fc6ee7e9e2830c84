/** Commands over ZeroMQ and over HTTP, asked by a real REQ socket and by real requests (specification 8.3). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Dealer, Request } from 'zeromq';
import { encodeTnetstring, type TnetInput } from '../../src/protocol/tnetstring.js';
import { Asker } from '../support/asker.js';
import { clientPort, Opened } from '../support/closing.js';
import { within } from '../support/deadline.js';
import { GRIP, subscribe } from '../support/events-origin.js';
import { control } from '../support/recovery-stage.js';
import { StatsListener } from '../support/stats-listener.js';
import { Stage } from '../support/websocket-stage.js';

const ANYWHERE = 'tcp://127.0.0.1:*';
const NOBODY = '00000000-0000-0000-0000-000000000000';

describe('commands', () => {
  const opened = new Opened();

  /** A WebSocket over HTTP on the channel `room`, whose origin answers everything else with nothing. */
  async function held(...more: readonly string[]) {
    const stage = await Stage.set(
      opened,
      (request) => request.answer(request.events[0] === 'OPEN' ? ['OPEN', subscribe('room'), ...more] : [], GRIP),
      { settings: { zeromq: { rep: [ANYWHERE] } } },
    );
    const client = await stage.open();
    const id = (await stage.origin.request(0)).header('Connection-Id') ?? '';
    const { rep, control } = stage.holdfast.addresses;
    const post = async (path: string, body: unknown, accept = 'text/plain') => {
      const answer = await fetch(`http://127.0.0.1:${control?.port}${path}`, {
        method: 'POST',
        headers: { Accept: accept },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      return [answer.status, await answer.text()];
    };
    return { stage, client, id, post, asker: Asker.to(opened, rep[0] ?? '') };
  }

  it('tell which connections are there', async () => {
    const { stage, client, id, asker, post } = await held();
    expect(await asker.ask('conncheck', { ids: [NOBODY, id] })).toEqual({ id: '7', success: true, value: [id] });
    expect(await post('/conncheck', { ids: [NOBODY, id] })).toEqual([200, `${id}\n`]);
    expect(await post('/conncheck/', { ids: [id] }, 'application/json')).toEqual([200, `{"ids":["${id}"]}\n`]);
    client.socket.terminate();
    await stage.abandoned();
    expect(await asker.ask('conncheck', { ids: [id] })).toEqual({ id: '7', success: true, value: [] });
    expect(await post('/conncheck', { ids: [id] })).toEqual([200, '']);
  });

  it('have a connection ask its origin now', async () => {
    const { stage, id, asker, post } = await held();
    expect(await asker.ask('refresh', { cid: id })).toEqual({ id: '7', success: true, value: null });
    expect((await stage.origin.request(1)).events).toEqual([]);
    expect(await post('/refresh', { cid: id })).toEqual([200, 'Refreshed\n']);
    expect((await stage.origin.request(2)).header('Connection-Id')).toBe(id);
    expect(await asker.ask('refresh', { cid: NOBODY })).toEqual({
      id: '7',
      success: false,
      condition: 'item-not-found',
    });
    expect(await post('/refresh', { cid: NOBODY })).toEqual([404, 'No such connection.\n']);
  });

  it('find no WebSocket to refresh where a connection is a stream', async () => {
    const holdfast = await opened.holdfast({
      routes: ['* test'],
      settings: { zeromq: { rep: [ANYWHERE], stats: [ANYWHERE] }, stats: { format: 'json' } },
    });
    const { rep, stats, control } = holdfast.addresses;
    const port = clientPort(holdfast);
    const listener = StatsListener.to(opened, stats[0] ?? '', 'conn ');
    await listener.untilHeard(async () => (await fetch(`http://127.0.0.1:${port}/`)).text());
    await listener.next('conn', { unavailable: true });
    listener.forget();
    const client = await opened.get(port, '/stream?channel=room');
    await client.readUntil('[stream opened]\n\r\n');
    const cid = String((await listener.next('conn')).fields.id);
    const asker = Asker.to(opened, rep[0] ?? '');
    expect(await asker.ask('conncheck', { ids: [cid] })).toMatchObject({ value: [cid] });
    expect(await asker.ask('refresh', { cid })).toMatchObject({ success: false, condition: 'item-not-found' });
    const answer = await fetch(`http://127.0.0.1:${control?.port}/refresh`, {
      method: 'POST',
      body: JSON.stringify({ cid }),
    });
    expect([answer.status, await answer.text()]).toEqual([404, 'No such connection.\n']);
  });

  it('have everybody on a channel ask their origin now', async () => {
    const { stage, asker, post } = await held();
    expect(await asker.ask('refresh', { channel: 'room' })).toEqual({ id: '7', success: true, value: null });
    await stage.origin.request(1);
    expect(await post('/refresh', { channel: 'room' }, 'application/json')).toEqual([200, '{"message":"Refreshed"}\n']);
    await stage.origin.request(2);
    expect(await post('/refresh', { channel: 'nobody' })).toEqual([200, 'Refreshed\n']);
    expect(stage.origin.requests).toHaveLength(3);
  });

  it('publish', async () => {
    const { client, asker } = await held();
    const item = new Map<string, TnetInput>([
      ['channel', 'room'],
      ['ws-message', new Map([['content', 'hello']])],
    ]);
    expect(await asker.ask('publish', { items: [item] })).toEqual({ id: '7', success: true, value: null });
    expect(await client.sees(1)).toBe('text hello');
    expect(await asker.ask('publish', { items: [new Map()] })).toEqual({
      id: '7',
      success: false,
      condition: 'bad-request',
      value: "Invalid format: publish item object does not contain 'channel'",
    });
  });

  it('tell where publishers find us', async () => {
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'commands-')), (path) => rmSync(path, { recursive: true }));
    const command = `ipc://${folder}/command`;
    const holdfast = await opened.holdfast({
      settings: { zeromq: { rep: [command], pull: [ANYWHERE], sub: [ANYWHERE] } },
    });
    const { pull, sub } = holdfast.addresses;
    const { value } = await Asker.to(opened, command).ask('get-zmq-uris');
    expect(value).toEqual({ command, 'publish-pull': pull[0], 'publish-sub': sub[0] });
  });

  it('recover', async () => {
    const { asker } = await held();
    expect((await asker.raw(Buffer.from('28:2:id,1:1,6:method,7:recover,}'))).toString()).toBe(
      '37:2:id,1:1,7:success,4:true!5:value,0:~}',
    );
  });

  it('that are unknown are told so', async () => {
    const { asker } = await held();
    expect(await asker.ask('dance')).toEqual({ id: '7', success: false, condition: 'method-not-found' });
  });

  it.each([
    ['/conncheck', '{"ids":', 'Body is not a JSON object.\n'],
    ['/conncheck', '[]', 'Body is not a JSON object.\n'],
    ['/conncheck', '{}', "Invalid format: object does not contain 'ids'\n"],
    ['/conncheck', '{"ids":[1]}', "Invalid format: object contains 'ids' with wrong type\n"],
    ['/refresh', '{}', "Invalid format: object contains neither 'cid' nor 'channel'\n"],
    ['/refresh', '{"cid":1}', "Invalid format: object contains 'cid' with wrong type\n"],
    ['/refresh', '{"channel":null}', "Invalid format: object contains 'channel' with wrong type\n"],
  ])('%s refuses %s', async (path, body, text) => {
    const { post } = await held();
    expect(await post(path, body)).toEqual([400, text]);
  });

  it.each(['/conncheck', '/refresh'])('%s has to be posted', async (path) => {
    const holdfast = await opened.holdfast({});
    const answer = await fetch(`http://127.0.0.1:${holdfast.addresses.control?.port}${path}`);
    expect([answer.status, answer.headers.get('Allow'), await answer.text()]).toEqual([
      405,
      'POST',
      'Method not allowed: GET.\n',
    ]);
  });

  it('that are no requests are not answered, and harm nobody', async () => {
    const { stage, asker } = await held();
    const [endpoint = ''] = stage.holdfast.addresses.rep;
    const raw = opened.add(new Dealer({ linger: 0 }), (socket) => socket.close());
    raw.connect(endpoint);
    const good = encodeTnetstring(new Map([['method', 'recover']]));
    for (const frames of [[''], ['', ''], ['', 'junk'], [good], ['', good, 'more'], ['a', '', 'b']])
      await raw.send(frames);
    await raw.send(['', good]);
    const [, reply] = await within('the one reply', raw.receive());
    expect(String(reply)).toBe('28:7:success,4:true!5:value,0:~}');
    expect(await asker.ask('recover')).toMatchObject({ success: true });
  });

  it('are answered for others while somebody never reads', async () => {
    const { stage, asker, id } = await held();
    const [endpoint = ''] = stage.holdfast.addresses.rep;
    const deaf = opened.add(new Dealer({ linger: 0, receiveHighWaterMark: 1 }), (socket) => socket.close());
    deaf.connect(endpoint);
    // Sent back with each reply: far more than the kernel and two high-water marks hold.
    const ask = encodeTnetstring(
      new Map<string, TnetInput>([
        ['id', 'x'.repeat(200_000)],
        ['method', 'recover'],
      ]),
    );
    for (let time = 0; time < 400; time += 1) await deaf.send(['', ask]);
    expect(await asker.ask('conncheck', { ids: [id] })).toMatchObject({ value: [id] });
  });

  it('know a connection that its origin has left', async () => {
    const { stage, id, asker } = await held(control({ type: 'detach' }));
    expect((await stage.origin.request(1)).events).toEqual(['CLOSE 1000']);
    expect(await asker.ask('conncheck', { ids: [id] })).toMatchObject({ value: [id] });
    expect(await asker.ask('refresh', { cid: id })).toMatchObject({ success: true });
    expect(stage.origin.requests).toHaveLength(2);
  });

  it('end with Holdfast', async () => {
    const { stage } = await held();
    const [endpoint = ''] = stage.holdfast.addresses.rep;
    await stage.holdfast.close();
    const late = opened.add(new Request({ linger: 0, sendTimeout: 0 }), (socket) => socket.close());
    const refused = new Promise((resolve) => late.events.on('connect:retry', resolve));
    late.connect(endpoint);
    await within('a connection that is refused', refused);
  });
});
