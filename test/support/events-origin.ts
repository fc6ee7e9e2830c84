/**
 * An origin of WebSocket-over-HTTP that does what its test tells it: each request waits until the test, or a script,
 * answers it, refuses it or breaks it off.
 *
 * Events are written as text: `OPEN`, `TEXT hello`, `PING`, `CLOSE 4002 bye`; content is latin1 on the way in.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Watch } from './deadline.js';

const EVENTS_TYPE = 'application/websocket-events';
export const GRIP = { 'Sec-WebSocket-Extensions': 'grip' };

/** One request, read whole. */
export class EventsRequest {
  /** As text, in order. */
  readonly events: readonly string[];

  constructor(
    readonly method: string,
    readonly url: string,
    readonly headers: IncomingMessage['headers'],
    /** Names and values in turn, as they were sent. */
    readonly rawHeaders: readonly string[],
    readonly body: Buffer,
    private readonly response: ServerResponse,
  ) {
    this.events = decode(body);
  }

  /** The value of a header; the empty text when it is not there. */
  header(name: string): string {
    return String(this.headers[name.toLowerCase()] ?? '');
  }

  /** Answers with events; a Buffer stands for bytes as they are. */
  answer(events: readonly (string | Buffer)[] = [], headers: Readonly<Record<string, string>> = {}): void {
    this.reply(200, { 'Content-Type': EVENTS_TYPE, ...headers }, Buffer.concat(events.map(encode)));
  }

  /** Answers with anything else. */
  reply(status: number, headers: Readonly<Record<string, string>>, body: string | Buffer = ''): void {
    this.response.writeHead(status, headers);
    this.response.end(body);
  }

  /** Begins an answer and breaks the connection off. */
  half(headers: Readonly<Record<string, string>>, body: string): void {
    this.response.writeHead(200, { 'Content-Type': EVENTS_TYPE, 'Content-Length': '1000', ...headers });
    this.response.write(body, () => this.reset());
  }

  /** Resolves when the other side has hung up. */
  hungUp(): Promise<void> {
    return new Promise((resolve) => this.response.once('close', () => resolve()));
  }

  /** Breaks the connection off without an answer. */
  reset(): void {
    this.response.socket?.resetAndDestroy();
  }
}

/** Answers a request when it comes; what it leaves alone waits for the test. */
export type EventsScript = (request: EventsRequest, index: number) => void;

export class EventsOrigin {
  readonly requests: EventsRequest[] = [];
  private readonly watch = new Watch();
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined = undefined;
  private bound = 0;

  private constructor(public script: EventsScript) {}

  static async start(script: EventsScript = () => {}): Promise<EventsOrigin> {
    const origin = new EventsOrigin(script);
    await origin.listen();
    return origin;
  }

  get target(): string {
    return `127.0.0.1:${this.bound}`;
  }

  /** Listens, on the same port as before. */
  async listen(): Promise<void> {
    const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
      response.sendDate = false;
      readAll(incoming).then(
        (body) => this.take(incoming, body, response),
        () => response.destroy(),
      );
    });
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.bound, '127.0.0.1', resolve);
    });
    this.bound = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** Refuses connections from now on; those there are end, and what is answered is sent before. */
  async stop(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /** The `index`-th request, counted from 0, once it has come. */
  async request(index: number): Promise<EventsRequest> {
    const seen = (): string => `; there are ${JSON.stringify(this.requests.map(({ events }) => events))}`;
    await this.watch.until(`request ${index} at the origin`, () => this.requests.length > index, seen);
    const request = this.requests[index];
    if (request === undefined) throw new Error('unreachable');
    return request;
  }

  /** Every request's events behind its number, for one look at the whole. */
  get story(): readonly (readonly string[])[] {
    return this.requests.map(({ events }) => events);
  }

  /** How often the origin was told that a client has gone. */
  get farewells(): number {
    return this.story.flat().filter((event) => event === 'DISCONNECT' || event.startsWith('CLOSE')).length;
  }

  private take(incoming: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const { method = '', url = '', headers, rawHeaders } = incoming;
    const request = new EventsRequest(method, url, headers, rawHeaders, body, response);
    const index = this.requests.push(request) - 1;
    this.script(request, index);
    this.watch.changed();
  }
}

/** Opens with these events and answers everything later with none, a CLOSE with the same. */
export function opening(
  events: readonly (string | Buffer)[] = [],
  headers: Readonly<Record<string, string>> = {},
): EventsScript {
  return (request) => {
    if (request.events[0] === 'OPEN') request.answer(['OPEN', ...events], headers);
    else request.answer(request.events.filter((event) => event.startsWith('CLOSE')));
  };
}

/** Opens at once; everything later waits for the test. */
export const opensOnly: EventsScript = (request) => {
  if (request.events[0] === 'OPEN') request.answer(['OPEN']);
};

/** A control message that asks for a channel. */
export function subscribe(channel: string): string {
  return `TEXT c:${JSON.stringify({ type: 'subscribe', channel })}`;
}

/** One event as bytes. */
export function encode(event: string | Buffer): Buffer {
  if (Buffer.isBuffer(event)) return event;
  const space = event.indexOf(' ');
  if (space < 0) return Buffer.from(`${event}\r\n`);
  const type = event.slice(0, space);
  const content = type === 'CLOSE' ? closeContent(event.slice(space + 1)) : Buffer.from(event.slice(space + 1));
  return Buffer.concat([Buffer.from(`${type} ${content.length.toString(16)}\r\n`), content, Buffer.from('\r\n')]);
}

function closeContent(text: string): Buffer {
  const code = Buffer.alloc(2);
  code.writeUInt16BE(Number.parseInt(text, 10));
  return Buffer.concat([code, Buffer.from(text.replace(/^\d+ ?/, ''))]);
}

function decode(body: Buffer): string[] {
  const events: string[] = [];
  for (let at = 0; at < body.length; ) {
    const end = body.indexOf('\r\n', at);
    if (end < 0) throw new Error(`an event without a line end: ${JSON.stringify(body.toString('latin1', at))}`);
    const [type = '', size] = body.toString('latin1', at, end).split(' ');
    at = end + 2;
    if (size === undefined) {
      events.push(type);
      continue;
    }
    const content = body.subarray(at, at + Number.parseInt(size, 16));
    at += content.length + 2;
    const text = type === 'CLOSE' ? `${content.readUInt16BE(0)} ${content.toString('utf8', 2)}`.trimEnd() : undefined;
    events.push(`${type} ${text ?? content.toString('latin1')}`);
  }
  return events;
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
