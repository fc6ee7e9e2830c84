/**
 * An origin on a bare TCP socket: it records every byte that comes, cuts it into requests without correcting anything,
 * and answers with exactly the bytes it was told, wherever they end.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { Watch } from './deadline.js';

export interface RawRequest {
  readonly method: string;
  readonly target: string;
  /** From the request line to the empty line. */
  readonly head: string;
  /** The body as it came, chunk framing and all. */
  readonly body: string;
  readonly connection: RawConnection;
}

/** Bytes to answer with, or a function that does what it likes with the connection. */
export type RawReply = string | Buffer | ((request: RawRequest) => void);

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** An answer that holds the client as a stream, with a first line. */
export function streamHold(channel: string, ...headers: readonly string[]): string {
  return [
    'HTTP/1.1 200 OK',
    'Grip-Hold: stream',
    `Grip-Channel: ${channel}`,
    ...headers,
    'Content-Length: 5',
    '',
    'open\n',
  ].join('\r\n');
}

/** An answer that holds the client until something is published. */
export function responseHold(channel: string, ...headers: readonly string[]): string {
  return [
    'HTTP/1.1 200 OK',
    'Grip-Hold: response',
    `Grip-Channel: ${channel}`,
    ...headers,
    'Content-Length: 4',
    '',
    'late',
  ].join('\r\n');
}

export class RawConnection {
  /** Everything that has come, as latin1. */
  received = '';
  /** True once the proxy has closed its side or broken the connection off. */
  closed = false;
  private unread = '';

  constructor(
    readonly socket: Socket,
    private readonly origin: RawOrigin,
  ) {
    socket.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      this.received += text;
      this.unread += text;
      this.cut();
      origin.changed();
    });
    const over = (): void => {
      this.closed = true;
      origin.changed();
    };
    socket.on('end', over);
    socket.on('error', over);
    socket.on('close', over);
  }

  write(bytes: string | Buffer): boolean {
    return typeof bytes === 'string' ? this.socket.write(bytes, 'latin1') : this.socket.write(bytes);
  }

  private cut(): void {
    for (;;) {
      const end = this.unread.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.unread.slice(0, end + 4);
      const length = bodyLength(head, this.unread.slice(end + 4));
      if (length === undefined || this.unread.length < head.length + length) return;
      const body = this.unread.slice(head.length, head.length + length);
      this.unread = this.unread.slice(head.length + length);
      const [method = '', target = ''] = head.split(' ', 2);
      this.origin.take({ method, target, head, body, connection: this });
    }
  }
}

/** Bytes of the body behind a head, as far as they are known; undefined while its end has not come. */
function bodyLength(head: string, rest: string): number | undefined {
  if (/^transfer-encoding: chunked\r$/im.test(head)) {
    const last = /(?:^|\r\n)0\r\n\r\n/.exec(rest);
    return last === null ? undefined : last.index + last[0].length;
  }
  return Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? 0);
}

export class RawOrigin {
  readonly requests: RawRequest[] = [];
  readonly connections: RawConnection[] = [];
  private readonly replies = new Map<string, RawReply>();
  private readonly watch = new Watch();
  private port = 0;

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.connections.push(new RawConnection(socket, this));
      this.changed();
    });
  }

  static async start(): Promise<RawOrigin> {
    const server = createServer({ noDelay: true, allowHalfOpen: true });
    const origin = new RawOrigin(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the origin listens nowhere');
    origin.port = address.port;
    return origin;
  }

  get target(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Every byte of every connection, as latin1. */
  get received(): string {
    return this.connections.map(({ received }) => received).join('');
  }

  /** What is answered to requests for `path`; everything else gets `OK`. */
  reply(path: string, reply: RawReply): void {
    this.replies.set(path, reply);
  }

  /** Resolves when `count` requests for `path` have come, with the last of them. */
  async request(path: string, count = 1): Promise<RawRequest> {
    const those = (): RawRequest[] => this.requests.filter(({ target }) => target.split('?')[0] === path);
    await this.until(`request ${count} for ${path} at the origin`, () => those().length >= count);
    const request = those()[count - 1];
    if (request === undefined) throw new Error('unreachable');
    return request;
  }

  async until(what: string, isTrue: () => boolean): Promise<void> {
    await this.watch.until(what, isTrue, () => `; received: ${JSON.stringify(this.received.slice(-500))}`);
  }

  take(request: RawRequest): void {
    this.requests.push(request);
    const reply = this.replies.get(request.target.split('?')[0] ?? '') ?? OK;
    if (typeof reply === 'function') reply(request);
    else request.connection.write(reply);
  }

  changed(): void {
    this.watch.changed();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const { socket } of this.connections) socket.destroy();
    await closed;
  }
}
