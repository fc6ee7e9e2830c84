/**
 * The private HTTP port for publishers (specification 7): `POST /publish` and little else. `node:http` parses; answers
 * and error texts are the original's. Unlike it the connection stays open for a client that wants to go on.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { Logger } from '../observe/logger.js';
import type { Item } from '../protocol/item.js';
import { parsePublishBody } from '../protocol/item-json.js';
import { reasonOf } from '../protocol/status-reasons.js';
import type { PublishDoor } from './publish-door.js';

export interface HttpControlOptions {
  readonly maxHeadBytes: number;
  readonly maxBodyBytes: number;
  readonly maxConnections: number;
  readonly setting: string;
}

type AnswerType = 'text/plain' | 'application/json';

interface Answer {
  readonly code: number;
  readonly type: AnswerType;
  readonly body: string;
  readonly allow?: string;
}

/** Methods that may come without a Content-Length. */
const BODILESS = new Set(['HEAD', 'GET', 'DELETE', 'OPTIONS']);

export class HttpControl {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly options: HttpControlOptions,
    private readonly door: PublishDoor,
    private readonly log: Logger,
  ) {
    const server = createServer({
      maxHeaderSize: options.maxHeadBytes,
      insecureHTTPParser: false,
      requireHostHeader: false,
      noDelay: true,
    });
    server.maxConnections = options.maxConnections;
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    const serve = (incoming: IncomingMessage, outgoing: ServerResponse): void => this.serve(incoming, outgoing);
    server.on('request', serve);
    server.on('checkExpectation', serve);
    server.on('clientError', (error: Error & { code?: string }, socket: Duplex) => {
      if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
      else socket.end(rawError(parseErrorText(error.code)));
    });
    this.server = server;
  }

  async listen(host: string, port: number): Promise<{ host: string; port: number }> {
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => {
        const why = error.code === 'EADDRINUSE' ? 'the port is in use' : error.message;
        const text = `cannot listen on ${host}:${port} (setting ${this.options.setting}): ${why}`;
        reject(new HoldfastError('HOLDFAST_LISTEN_FAILED', text, { cause: error }));
      };
      this.server.once('error', onError);
      this.server.listen({ host, port }, () => {
        this.server.off('error', onError);
        resolve();
      });
    });
    const { address, port: bound } = this.server.address() as AddressInfo;
    return { host: address, port: bound };
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { headers, method = '' } = incoming;
    const chunked = headers['transfer-encoding'] !== undefined;
    const announced = headers['content-length'];
    if (announced === undefined && (chunked || !BODILESS.has(method))) {
      this.answer(incoming, outgoing, text(411, 'Request requires Content-Length.\n'), true);
      return;
    }
    const length = Number(announced ?? 0);
    if (length > this.options.maxBodyBytes) {
      this.answer(incoming, outgoing, text(400, 'Request body too large.\n'), true);
      return;
    }
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      this.answer(incoming, outgoing, this.handle(incoming, Buffer.concat(chunks)), false);
    });
  }

  private handle(incoming: IncomingMessage, body: Buffer): Answer {
    const type = acceptedType(incoming.headers.accept);
    if (type === undefined) {
      return text(406, 'Not Acceptable. Supported formats are text/plain and application/json.\n');
    }
    const { method = '', url = '/' } = incoming;
    const path = url.length > 1 && url.endsWith('/') ? url.slice(0, -1) : url;
    switch (path) {
      case '/':
        return text(200, 'Holdfast API\n');
      case '/publish':
        return method === 'POST' ? this.publish(body, type) : notAllowed(method);
      default:
        return text(404, 'Not Found\n');
    }
  }

  private publish(body: Buffer, type: AnswerType): Answer {
    let items: Item[];
    try {
      items = parsePublishBody(body);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.door.refused('control-invalid', `control: refused a publish: ${error.message}`);
      return text(400, `${error.message}\n`);
    }
    for (const item of items) this.door.publish(item);
    return success('Published', type);
  }

  private answer(incoming: IncomingMessage, outgoing: ServerResponse, answer: Answer, close: boolean): void {
    const headers: [string, string][] = [];
    if (answer.allow !== undefined) headers.push(['Allow', answer.allow]);
    headers.push(['Content-Type', answer.type]);
    const ends = close || !outgoing.shouldKeepAlive;
    if (ends) headers.push(['Connection', 'close']);
    headers.push(['Content-Length', String(Buffer.byteLength(answer.body))]);
    outgoing.sendDate = false;
    // Without it node:http would add headers of its own about a connection that simply stays open.
    if (!ends) outgoing.removeHeader('Connection');
    outgoing.writeHead(answer.code, reasonOf(answer.code), headers.flat());
    outgoing.end(answer.body);
    if (this.log.enabled('debug')) {
      const { method, url } = incoming;
      this.log.debug(`control: ${method} ${url} code=${answer.code} ${answer.body.length}`);
    }
  }
}

/** The last type of an Accept header that is known; text without one, undefined when none is known (7.2). */
function acceptedType(accept: string | undefined): AnswerType | undefined {
  if (accept === undefined) return 'text/plain';
  let type: AnswerType | undefined;
  for (const element of accept.split(',')) {
    const name = (element.split(';')[0] ?? '').trim();
    if (name === 'text/plain' || name === 'text/*' || name === '*/*' || name === '*') type = 'text/plain';
    else if (name === 'application/json' || name === 'application/*') type = 'application/json';
  }
  return type;
}

function success(message: string, type: AnswerType): Answer {
  return { code: 200, type, body: type === 'text/plain' ? `${message}\n` : `${JSON.stringify({ message })}\n` };
}

function notAllowed(method: string): Answer {
  return { code: 405, type: 'text/plain', body: `Method not allowed: ${method}.\n`, allow: 'POST' };
}

function text(code: number, body: string): Answer {
  return { code, type: 'text/plain', body };
}

function parseErrorText(code: string | undefined): string {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'Request header too large.';
    case 'HPE_INVALID_CONTENT_LENGTH':
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
      return 'Bad Content-Length.';
    default:
      return 'Failed to parse request header.';
  }
}

function rawError(message: string): string {
  const body = `${message}\n`;
  return `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
