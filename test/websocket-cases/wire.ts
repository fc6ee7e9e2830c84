/** One end of a WebSocket connection on a bare socket: writes scripts, reads frames as words, and sees the end. */
import { connect, type Socket } from 'node:net';
import { Watch } from '../support/deadline.js';
import { firstFrame, type Script, type Side } from './notation.js';

/** Turns of the event loop in which the proxy, which lives in this process, has read what was written. */
const TURNS = 4;

export class Wire {
  private unread: Buffer = Buffer.alloc(0);
  private readonly watch = new Watch();
  /** True once the other side has closed the connection or broken it off. */
  closed = false;

  /** @param from - who sends what is read here */
  constructor(
    readonly socket: Socket,
    private readonly from: Side,
  ) {
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      this.unread = Buffer.concat([this.unread, bytes]);
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

  /** The end of a client. */
  static async connect(port: number): Promise<Wire> {
    const socket = connect({ host: '127.0.0.1', port });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new Wire(socket, 'server');
  }

  async play({ writes, fin }: Script): Promise<void> {
    for (const [at, bytes] of writes.entries()) {
      this.socket.write(bytes);
      if (at < writes.length - 1) await turns();
    }
    if (fin) this.socket.end();
  }

  /** Resolves with everything up to the first empty line. */
  async head(): Promise<string> {
    const end = (): number => this.unread.indexOf('\r\n\r\n');
    await this.watch.until('a head', () => end() >= 0, this.describe);
    return this.take(end() + 4).toString('latin1');
  }

  /** Resolves with the next whole frame. */
  async frame(): Promise<string> {
    await this.watch.until('a frame', () => firstFrame(this.unread, this.from) !== undefined, this.describe);
    const frame = firstFrame(this.unread, this.from);
    this.take(frame?.size ?? 0);
    return frame?.word ?? '';
  }

  /** Frames until there are `count`, or no more can come. */
  async frames(count: number): Promise<string[]> {
    const words: string[] = [];
    while (words.length < count) {
      if (this.closed && firstFrame(this.unread, this.from) === undefined) break;
      words.push(await this.frame());
    }
    return words;
  }

  untilClosed(): Promise<void> {
    return this.watch.until('the end of the connection', () => this.closed, this.describe);
  }

  /** What has come and was not read, as hex. */
  get rest(): string {
    return this.unread.toString('hex');
  }

  destroy(): void {
    this.socket.destroy();
  }

  private take(count: number): Buffer {
    const bytes = this.unread.subarray(0, count);
    this.unread = this.unread.subarray(count);
    return bytes;
  }

  private readonly describe = (): string => `; unread: ${this.rest.slice(0, 200)}`;
}

/** Lets the event loop turn: what was written before has been read then. */
export async function turns(count = TURNS): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
