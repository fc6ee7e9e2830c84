/** A Pinghub for tests: sockets on paths, posts, and what everybody has heard. */
import { WebSocket } from 'ws';
import type { Holdfast } from '../../src/index.js';
import { clientPort, type Opened } from './closing.js';
import { Watch } from './deadline.js';
import type { Answer } from './raw-client.js';

export class Listener {
  readonly texts: string[] = [];
  closeCode: number | undefined = undefined;
  private readonly watch = new Watch();

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (content, isBinary) => {
      this.texts.push(isBinary ? `binary:${content}` : String(content));
      this.watch.changed();
    });
    socket.on('close', (code) => {
      this.closeCode = code;
      this.watch.changed();
    });
    socket.on('error', () => {});
  }

  /** Resolves when it is open. */
  static async on(opened: Opened, url: string, headers: Record<string, string> = {}): Promise<Listener> {
    const socket = new WebSocket(url, { headers, perMessageDeflate: false });
    const listener = new Listener(opened.add(socket, (one) => one.terminate()));
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return listener;
  }

  /** Resolves when so many messages are here. */
  async hears(count: number): Promise<string[]> {
    await this.watch.until(
      `${count} messages`,
      () => this.texts.length >= count,
      () => `; there are ${this.texts.length}`,
    );
    return this.texts;
  }

  /** Resolves with the close code. */
  async closes(): Promise<number> {
    await this.watch.until('the close', () => this.closeCode !== undefined);
    return this.closeCode ?? 0;
  }
}

export class PinghubStage {
  private constructor(
    private readonly opened: Opened,
    readonly holdfast: Holdfast,
  ) {}

  /** @param options - of the target, as in a routes line */
  static async set(opened: Opened, options = '', condition = '*'): Promise<PinghubStage> {
    const routes = [`${condition} pinghub${options === '' ? '' : `,${options}`}`];
    return new PinghubStage(opened, await opened.holdfast({ routes }));
  }

  get port(): number {
    return clientPort(this.holdfast);
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  listen(path: string, headers?: Record<string, string>): Promise<Listener> {
    return Listener.on(this.opened, `ws://${this.host}${path}`, headers);
  }

  /** Status and body of the answer. */
  async post(path: string, body: string | Uint8Array): Promise<[number, string]> {
    const answer = await fetch(`http://${this.host}${path}`, {
      method: 'POST',
      body: Buffer.from(body),
      redirect: 'manual',
    });
    return [answer.status, await answer.text()];
  }

  async get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`http://${this.host}${path}`, { redirect: 'manual', ...init });
  }

  /** The whole answer to raw bytes. */
  async raw(request: string, bodiless = false): Promise<Answer> {
    const client = await this.opened.client(this.port);
    client.write(request);
    return client.readAnswer(bodiless);
  }

  /** Status that a handshake is refused with. */
  async refused(path: string, headers: Record<string, string>): Promise<number> {
    const socket = new WebSocket(`ws://${this.host}${path}`, { headers });
    return new Promise((resolve, reject) => {
      socket.on('unexpected-response', (_request, answer) => {
        resolve(answer.statusCode ?? 0);
        socket.terminate();
      });
      socket.on('open', () => reject(new Error('it was taken')));
      socket.on('error', () => {});
    });
  }
}
