/** A scriptable HTTP origin on a free loopback port: it records what it is asked and answers as the test says. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Watch } from './deadline.js';

export interface OriginRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[];
  /** Which of the origin's connections it came on, counted from 1. */
  readonly connection: number;
  /** The message itself, for scripts that read it in their own way. */
  readonly incoming: IncomingMessage;
  /** Reads the whole body. */
  body(): Promise<Buffer>;
}

/** Called as soon as the head of a request is there. */
export type Script = (request: OriginRequest, response: ServerResponse) => void | Promise<void>;

export class Origin {
  readonly requests: OriginRequest[] = [];
  /** Connections accepted so far. */
  connections = 0;
  /** Answers everything that comes from now on. */
  script: Script;
  private readonly sockets = new Map<Socket, number>();
  private readonly watch = new Watch();

  private constructor(
    private readonly server: Server,
    script: Script,
  ) {
    this.script = script;
    server.on('connection', (socket) => {
      this.connections += 1;
      this.sockets.set(socket, this.connections);
      socket.on('close', () => this.sockets.delete(socket));
    });
    const accept = (incoming: IncomingMessage, response: ServerResponse): void => {
      response.sendDate = false;
      const request: OriginRequest = {
        method: incoming.method ?? '',
        url: incoming.url ?? '',
        headers: incoming.headers,
        rawHeaders: incoming.rawHeaders,
        connection: this.sockets.get(incoming.socket) ?? 0,
        incoming,
        body: () => readAll(incoming),
      };
      this.requests.push(request);
      this.watch.changed();
      Promise.resolve(this.script(request, response)).catch(() => response.destroy());
    };
    server.on('request', accept);
  }

  static async start(script: Script = (_request, response) => void response.end()): Promise<Origin> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new Origin(server, script);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Host and port, as a route names them. */
  get target(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The `index`-th request, counted from 0, once it has come. */
  async request(index: number): Promise<OriginRequest> {
    await this.watch.until(`request ${index} at the origin`, () => this.requests.length > index);
    const request = this.requests[index];
    if (request === undefined) throw new Error('unreachable');
    return request;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets.keys()) socket.destroy();
    await closed;
  }
}

/** A script that answers with `headers` and `body`. */
export function answering(headers: Readonly<Record<string, string>>, body = ''): Script {
  return (_request, response) => {
    response.writeHead(200, headers);
    response.end(body);
  };
}

/** A script that holds every client on `channel`. */
export function holding(mode: 'stream' | 'response', channel: string, body = ''): Script {
  return answering({ 'Content-Type': 'text/plain', 'Grip-Hold': mode, 'Grip-Channel': channel }, body);
}

async function readAll(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A target that refuses every connection: port 1 is below all that a system hands out, and nothing listens on it. */
export const REFUSING_TARGET = '127.0.0.1:1';
