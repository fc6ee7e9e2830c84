/** A WebSocket at the origin: what a proxy says on it is kept, and a case says and ends on it what it likes. */
import type { Socket } from 'node:net';
import { PATIENCE, type Recording, within } from './script.js';
import { describeFrames } from './websocket-bytes.js';

export class OriginSocket {
  readonly #socket: Socket;
  #received: Buffer;
  /** Lines before this one were waited for. */
  #cursor = 0;
  #ended = false;
  #sawEnd = false;
  readonly #watchers = new Set<() => void>();

  /** @param first - what came right behind the handshake */
  constructor(socket: Socket, first: Buffer) {
    this.#socket = socket;
    this.#received = first;
    socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#notify();
    });
    const end = () => {
      this.#ended = true;
      this.#notify();
    };
    socket.on('end', end);
    socket.on('close', end);
  }

  send(...frames: readonly Buffer[]): void {
    this.#socket.write(Buffer.concat([...frames]));
  }

  /** Ends the connection in order, behind what was sent. */
  end(): void {
    this.#socket.end();
  }

  /** Breaks the connection off. */
  drop(): void {
    this.#socket.destroy();
  }

  /** Waits for a frame whose line has `text` in it, and moves behind that frame. */
  async until(text: string, seconds = PATIENCE): Promise<void> {
    const found = () => this.lines().findIndex((line, i) => i >= this.#cursor && line.includes(text));
    const missing = () => `${JSON.stringify(text)} did not come to the origin, but ${JSON.stringify(this.lines())}`;
    await within(seconds, this.#watchers, () => found() >= 0 || this.#ended, missing);
    const at = found();
    if (at < 0) throw new Error(`${missing()}, and the end`);
    this.#cursor = at + 1;
  }

  /** Waits until the proxy has closed; only then is the end part of the transcript. */
  async closed(seconds = PATIENCE): Promise<void> {
    await within(
      seconds,
      this.#watchers,
      () => this.#ended,
      () => 'the end did not come to the origin',
    );
    this.#sawEnd = true;
  }

  /** What the proxy said, a line for each frame. */
  lines(): string[] {
    return describeFrames(this.#received, 'client');
  }

  get howItEnded(): Recording['end'] {
    return this.#sawEnd ? 'closed by the proxy' : 'not waited for';
  }

  #notify(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
