/** A real REQ socket that asks commands. */
import { Request } from 'zeromq';
import { decodeTnetstring, encodeTnetstring, type TnetInput, type TnetMap } from '../../src/protocol/tnetstring.js';
import type { Opened } from './closing.js';
import { within } from './deadline.js';

export class Asker {
  private constructor(private readonly socket: Request) {}

  static to(opened: Opened, endpoint: string): Asker {
    const socket = opened.add(new Request({ linger: 0 }), (one) => one.close());
    socket.connect(endpoint);
    return new Asker(socket);
  }

  /** Asks, and resolves with the members of the reply; bytes are texts there. */
  async ask(method: string, args?: Record<string, TnetInput>, id = '7'): Promise<Record<string, unknown>> {
    const request = new Map<string, TnetInput>([
      ['id', id],
      ['method', method],
    ]);
    if (args !== undefined) request.set('args', new Map(Object.entries(args)));
    return membersOf(await this.raw(encodeTnetstring(request)));
  }

  /** Sends these bytes, and resolves with those of the reply. */
  async raw(bytes: Buffer): Promise<Buffer> {
    await this.socket.send(bytes);
    const [reply] = await within('a reply', this.socket.receive());
    return reply as Buffer;
  }
}

function membersOf(reply: Buffer): Record<string, unknown> {
  const map = decodeTnetstring(reply) as TnetMap;
  return Object.fromEntries([...map].map(([name, value]) => [name, plain(value)]));
}

function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString();
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, one]) => [name, plain(one)]));
  return value;
}
