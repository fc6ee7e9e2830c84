/** A TCP client for tests: it writes the bytes it is given, keeps what comes, and lets a test await exact bytes. */
import { connect, type Socket } from 'node:net';
import { Watch } from './deadline.js';

export interface Answer {
  /** From the status line to the empty line. */
  readonly head: string;
  readonly status: number;
  /** The body without its framing. */
  readonly body: Buffer;
}

export class RawClient {
  private unread: Buffer = Buffer.alloc(0);
  private readonly watch = new Watch();
  /** Bytes that have come since the connection was made. */
  receivedBytes = 0;
  /** True once the other side has closed the connection or broken it off. */
  closed = false;

  private constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      this.receivedBytes += bytes.length;
      this.unread = this.unread.length === 0 ? bytes : Buffer.concat([this.unread, bytes]);
      this.watch.changed();
    });
    const over = (): void => {
      this.closed = true;
      this.watch.end('the connection was closed');
    };
    socket.on('end', over);
    socket.on('close', over);
    socket.on('error', over);
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ host: '127.0.0.1', port });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Connects and sends a GET with nothing but a Host. */
  static async get(port: number, target: string, ...headers: readonly string[]): Promise<RawClient> {
    const client = await RawClient.connect(port);
    client.write([`GET ${target} HTTP/1.1`, 'Host: example.com', ...headers, '', ''].join('\r\n'));
    return client;
  }

  write(bytes: string | Buffer): boolean {
    return this.socket.write(bytes);
  }

  /** What has come and was not read yet. */
  get pending(): string {
    return this.unread.toString('latin1');
  }

  /** Resolves with everything up to and including `end`, once it has come. */
  async readUntil(end: string): Promise<string> {
    let at = -1;
    const found = (): boolean => {
      at = this.unread.indexOf(end, 0, 'latin1');
      return at >= 0;
    };
    await this.watch.until(`${JSON.stringify(end)} at the client`, found, this.describe);
    return this.take(at + Buffer.byteLength(end, 'latin1')).toString('latin1');
  }

  /** Resolves with the next `count` bytes. */
  async read(count: number): Promise<Buffer> {
    await this.watch.until(`${count} bytes at the client`, () => this.unread.length >= count, this.describe);
    return this.take(count);
  }

  /** Awaits as many bytes as `text` has and returns them, so that `expect` shows what is different. */
  async readAsLongAs(text: string): Promise<string> {
    return (await this.read(text.length)).toString('latin1');
  }

  /** Reads one whole answer. @param bodiless - the request was a HEAD */
  async readAnswer(bodiless = false): Promise<Answer> {
    const head = await this.readUntil('\r\n\r\n');
    const status = Number(head.split(' ')[1]);
    if (bodiless || status === 204 || status === 304) return { head, status, body: Buffer.alloc(0) };
    if (/^transfer-encoding: chunked\r$/im.test(head)) return { head, status, body: await this.readChunks() };
    const length = /^content-length: (\d+)\r$/im.exec(head)?.[1];
    if (length !== undefined) return { head, status, body: await this.read(Number(length)) };
    await this.untilClosed();
    return { head, status, body: this.take(this.unread.length) };
  }

  /** Resolves when the other side has closed the connection. */
  untilClosed(): Promise<void> {
    return this.watch.until('the end of the connection', () => this.closed, this.describe);
  }

  /** Reads no more from the socket until `resume`. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    this.socket.destroy();
  }

  private async readChunks(): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt(await this.readUntil('\r\n'), 16);
      const chunk = await this.read(size + 2);
      if (size === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, size));
    }
  }

  private take(count: number): Buffer {
    const bytes = this.unread.subarray(0, count);
    this.unread = this.unread.subarray(count);
    return bytes;
  }

  private readonly describe = (): string => `; unread: ${JSON.stringify(this.pending.slice(-500))}`;
}
