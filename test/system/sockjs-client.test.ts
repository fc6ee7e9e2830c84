/**
 * The real SockJS client against a SockJS path (spec 13). Under Node it has the transports `websocket` and `xhr-polling`;
 * `jsonp-polling` and the frame page need a browser, and are driven by hand in the other files.
 */
import SockJS from 'sockjs-client';
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { Watch } from '../support/deadline.js';
import { type EventsScript, GRIP, opening, subscribe } from '../support/events-origin.js';
import { SockjsStage } from '../support/sockjs-stage.js';

/** Answers every message with the same behind `echo `, `bye` with a close and `crash` with the end of the connection. */
const echoing: EventsScript = (request) => {
  if (request.events[0] === 'OPEN') {
    request.answer(['OPEN', subscribe('a')], GRIP);
    return;
  }
  request.answer(
    request.events.map((event) => {
      if (event === 'TEXT bye') return 'CLOSE 4001 so long';
      if (event === 'TEXT crash') return 'DISCONNECT';
      return event.startsWith('CLOSE') ? event : echo(event.slice('TEXT '.length));
    }),
  );
};

/** Content as the origin of these tests has it: one character for each byte. */
function echo(content: string): Buffer {
  const bytes = Buffer.from(`m:echo ${content}`, 'latin1');
  return Buffer.concat([Buffer.from(`TEXT ${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}

/** A client and what it has seen: `open xhr-polling`, `hello`, `heartbeat`, `close 1000 bye`. */
class SockjsClient {
  readonly seen: string[] = [];
  readonly socket: WebSocket;
  private readonly watch = new Watch();

  constructor(port: number, transport: string, path = '/echo') {
    const socket = new SockJS(`http://127.0.0.1:${port}${path}`, null, { transports: [transport] });
    const note = (text: string): void => {
      this.seen.push(text);
      this.watch.changed();
    };
    socket.onopen = () => note(`open ${(socket as unknown as { transport: string }).transport}`);
    socket.onmessage = ({ data }) => note(String(data));
    socket.onclose = ({ code, reason }) => note(`close ${code} ${reason}`.trimEnd());
    socket.addEventListener('heartbeat', () => note('heartbeat'));
    this.socket = socket;
  }

  /** Resolves with the `index`-th thing it sees; 0 is its opening. */
  async sees(index: number): Promise<string> {
    const seen = (): string => `; it saw ${JSON.stringify(this.seen)}`;
    await this.watch.until(`sight ${index} at the SockJS client`, () => this.seen.length > index, seen);
    return this.seen[index] ?? '';
  }
}

describe.each(['websocket', 'xhr-polling'])('sockjs-client over %s', (transport) => {
  const opened = new Opened();

  async function set(script: EventsScript = echoing) {
    const one = await SockjsStage.set(opened, script);
    const connect = async (path?: string): Promise<SockjsClient> => {
      const client = new SockjsClient(one.stage.port, transport, path);
      opened.add(client.socket, (socket) => socket.close());
      expect(await client.sees(0)).toBe(`open ${transport}`);
      return client;
    };
    return { ...one, holdfast: one.stage.holdfast, connect };
  }

  it('exchanges messages of all kinds, in order', async () => {
    const { connect } = await set();
    const client = await connect();
    const messages = [
      'hello',
      '',
      'a "quote" \\ \n',
      'gr\u00fc\u00df \ud83d\ude00 \u2028',
      '["nested"]',
      'x'.repeat(50_000),
    ];
    for (const message of messages) client.socket.send(message);
    await client.sees(messages.length);
    expect(client.seen.slice(1)).toEqual(messages.map((message) => `echo ${message}`));
  });

  it('exchanges a hundred messages each way in many rounds', async () => {
    const { connect, origin } = await set();
    const client = await connect();
    for (let round = 0; round < 10; round += 1) {
      for (let at = 0; at < 10; at += 1) client.socket.send(`${round}.${at}`);
      expect(await client.sees((round + 1) * 10)).toBe(`echo ${round}.9`);
    }
    expect(client.seen).toHaveLength(101);
    expect(origin.story.flat().filter((event) => event.startsWith('TEXT'))).toHaveLength(100);
  });

  it('gets what is published', async () => {
    const { connect, holdfast } = await set();
    const clients = await Promise.all([connect(), connect(), connect()]);
    const item = { channel: 'a', formats: { 'ws-message': { content: 'news' } } };
    expect(holdfast.publish(item)).toEqual({ kind: 'sent', receivers: 3 });
    for (const client of clients) expect(await client.sees(1)).toBe('news');
    expect(holdfast.publish({ ...item, formats: { 'ws-message': { content: 'more' } } }).kind).toBe('sent');
    for (const client of clients) expect(await client.sees(2)).toBe('more');
  });

  it('is closed by a publish', async () => {
    const { connect, holdfast } = await set();
    const client = await connect();
    holdfast.publish({ channel: 'a', formats: { 'ws-message': { action: 'close', code: 4009, reason: 'over' } } });
    expect(await client.sees(1)).toBe('close 4009 over');
  });

  it('hears the last words of an origin that closes, and why it does', async () => {
    const { connect, stage } = await set();
    const client = await connect();
    client.socket.send('last');
    client.socket.send('bye');
    await client.sees(2);
    expect(client.seen.slice(1)).toEqual(['echo last', 'close 4001 so long']);
    await stage.abandoned();
  });

  it('closes by itself, and the origin hears of it', async () => {
    const { connect, stage, origin } = await set();
    const client = await connect();
    client.socket.close(4002, 'enough');
    expect(await client.sees(1)).toBe('close 4002 enough');
    const events = (await origin.request(1)).events;
    // The client keeps the code to itself; a poll has no word for it but to stop waiting.
    expect(events).toEqual([transport === 'websocket' ? 'CLOSE 1000' : 'CLOSE']);
    await stage.abandoned();
  });

  it('notices when its origin breaks off', async () => {
    const { connect } = await set();
    const client = await connect();
    client.socket.send('crash');
    expect(await client.sees(1)).toMatch(/^close 1006/);
  });

  it('connects anew after that, with another session', async () => {
    const { connect, stage } = await set();
    const first = await connect();
    first.socket.send('crash');
    await first.sees(1);
    const second = await connect();
    second.socket.send('here again');
    expect(await second.sees(1)).toBe('echo here again');
    expect(stage.holdfast.counters.holds.ws).toBe(1);
  });

  it('hears the heartbeat every 25 seconds and stays open for it', async () => {
    const { connect, clock, stage } = await set();
    const client = await connect();
    for (const beat of [1, 2]) {
      // Its poll is there when nothing but the heartbeat is waited for.
      await stage.settled(() => transport === 'websocket' || stage.holdfast.counters.requests === 2 + beat);
      clock.advance(25_100);
      expect(await client.sees(beat)).toBe('heartbeat');
    }
    client.socket.send('still here');
    expect(await client.sees(3)).toBe('echo still here');
  });

  it('is closed when the process ends', async () => {
    const { connect, holdfast, stage } = await set();
    const client = await connect();
    await stage.settled(() => transport === 'websocket' || holdfast.counters.requests === 3);
    const closing = holdfast.close();
    expect(await client.sees(1)).toMatch(/^close 1001/);
    await closing;
  });

  it('cannot connect where no SockJS is spoken', async () => {
    const { stage } = await set(opening());
    const client = new SockjsClient(stage.port, transport, '/elsewhere');
    expect(await client.sees(0)).toMatch(/^close (1002|2000)/);
  });
});
