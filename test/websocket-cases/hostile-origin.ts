/** An origin that speaks WebSocket on a bare socket: it answers handshakes as it is told, and says what a case has it say. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { Watch } from '../support/deadline.js';
import { Wire } from './wire.js';

/** Of RFC 6455 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A good answer; `ACCEPT` stands for the proof that belongs to the key. */
export const GOOD_ANSWER = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Accept: ACCEPT',
];

export class HostileOrigin {
  private readonly wires: Wire[] = [];
  private taken = 0;
  private readonly watch = new Watch();

  private constructor(
    private readonly server: Server,
    private readonly port: number,
  ) {
    server.on('connection', (socket) => {
      this.wires.push(new Wire(socket, 'client'));
      this.watch.changed();
    });
  }

  static async start(): Promise<HostileOrigin> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the origin listens nowhere');
    return new HostileOrigin(server, address.port);
  }

  get target(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Resolves with the next connection of the proxy. */
  async next(): Promise<Wire> {
    await this.watch.until('a connection at the origin', () => this.wires.length > this.taken);
    const wire = this.wires[this.taken];
    this.taken += 1;
    if (wire === undefined) throw new Error('unreachable');
    return wire;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const wire of this.wires) wire.destroy();
    await closed;
  }
}

/** Reads the handshake from a wire and answers it. @returns the handshake */
export async function answerHandshake(wire: Wire, lines: readonly string[] = GOOD_ANSWER): Promise<string> {
  const head = await wire.head();
  const key = /^sec-websocket-key: (.*)\r$/im.exec(head)?.[1] ?? '';
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  wire.socket.write([...lines, '', ''].join('\r\n').replace('ACCEPT', accept));
  return head;
}
