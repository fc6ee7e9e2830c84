/**
 * The private HTTP port for publishers (specification 7): `POST /publish` and little else. `node:http` parses; answers
 * and error texts are the original's. Unlike it the connection stays open for a client that wants to go on.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { Logger } from '../observe/logger.js';
import { type PublishRequest, parsePublishBody } from '../protocol/item-json.js';
import { reasonOf } from '../protocol/status-reasons.js';
import { ControlConnections } from './control-connections.js';
import type { PublishDoor } from './publish-door.js';

export interface HttpControlOptions {
  readonly maxHeadBytes: number;
  readonly maxBodyBytes: number;
  readonly maxConnections: number;
  /** Seconds a publisher waits for a report at most. */
  readonly reportTimeout: number;
  readonly setting: string;
}

type AnswerType = 'text/plain' | 'application/json';

interface Answer {
  readonly code: number;
  readonly type: AnswerType;
  readonly body: string;
  readonly allow?: string;
}

/** An answer that has to be waited for; `done` is called once, possibly at once. */
type LaterAnswer = (done: (answer: Answer) => void) => void;

/** Milliseconds a client may go on sending after the last answer on its connection. */
const LINGER = 2_000;

/** Asks for what became of the items; it may follow the path of a publish. */
const REPORT_QUERY = '?report=1';

/** Methods that may come without a Content-Length. */
const BODILESS = new Set(['HEAD', 'GET', 'DELETE', 'OPTIONS']);

export class HttpControl {
  private readonly server: Server;
  private readonly connections: ControlConnections;
  /** Connections on which no further request is looked at. */
  private readonly ending = new WeakSet<Socket>();
  /** Connections with answers that take their time, and the last answers that come behind them. */
  private readonly answering = new WeakMap<Socket, { open: number; readonly later: (() => void)[] }>();

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
    this.connections = new ControlConnections(options.maxConnections);
    server.on('connection', (socket: Socket) => {
      if (this.connections.admit(socket)) return;
      log.debug('control: too many connections, and all of them busy');
      socket.destroy();
    });
    const serve = (incoming: IncomingMessage, outgoing: ServerResponse): void => this.serve(incoming, outgoing);
    server.on('request', serve);
    server.on('checkExpectation', serve);
    server.on('clientError', (error: Error & { code?: string }, duplex: Duplex) => {
      // Bytes behind a request that ends the connection: it is still answered, and nothing else is.
      if (error.code === 'HPE_CLOSED_CONNECTION') return;
      const socket = duplex as Socket;
      const message = parseErrorText(error.code);
      if (message === undefined) {
        socket.destroy();
        return;
      }
      this.ending.add(socket);
      this.afterAnswers(socket, () => answerLast(socket, '1.1', text(400, `${message}\n`), true));
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
    this.connections.destroyAll();
    await closed;
  }

  private serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { headers, method = '', httpVersion, socket } = incoming;
    if (this.ending.has(socket)) return;
    this.connections.begin(socket);
    const announced = headers['content-length'];
    const length = Number(announced ?? 0);
    const needsLength = headers['transfer-encoding'] !== undefined || !BODILESS.has(method);
    const refusal =
      httpVersion === '0.9' // a request line without a version, too
        ? text(400, 'Failed to parse request header.\n')
        : announced === undefined && needsLength
          ? text(411, 'Request requires Content-Length.\n')
          : length > this.options.maxBodyBytes
            ? text(400, 'Request body too large.\n')
            : undefined;
    const last = refusal !== undefined || httpVersion !== '1.1' || !outgoing.shouldKeepAlive;
    if (last) this.ending.add(socket);
    if (refusal !== undefined) {
      incoming.resume();
      this.answer(incoming, outgoing, refusal, last);
      return;
    }
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const result = this.handle(incoming, Buffer.concat(chunks));
      const finish = (answer: Answer): void => {
        this.answer(incoming, outgoing, answer, last);
        if (!last) this.connections.finish(socket);
      };
      if (typeof result !== 'function') finish(result);
      else if (last) result(finish);
      else this.answerLater(socket, result, finish);
    });
  }

  private handle(incoming: IncomingMessage, body: Buffer): Answer | LaterAnswer {
    const type = acceptedType(incoming.headers.accept);
    if (type === undefined) {
      return text(406, 'Not Acceptable. Supported formats are text/plain and application/json.\n');
    }
    const { method = '', url = '/' } = incoming;
    const reported = url.endsWith(REPORT_QUERY);
    const target = reported ? url.slice(0, -REPORT_QUERY.length) : url;
    const path = target.length > 1 && target.endsWith('/') ? target.slice(0, -1) : target;
    if (path === '/publish') {
      return method === 'POST' ? this.publish(body, type, reported) : notAllowed(method);
    }
    if (path === '/recover' && !reported) return method === 'POST' ? this.recover(type) : notAllowed(method);
    return path === '/' && !reported ? text(200, 'Holdfast API\n') : text(404, 'Not Found\n');
  }

  /** An answer that takes its time: a last one, which is not written by `node:http`, has to wait for it. */
  private answerLater(socket: Socket, later: LaterAnswer, finish: (answer: Answer) => void): void {
    const answers = this.answering.get(socket) ?? { open: 0, later: [] };
    answers.open += 1;
    this.answering.set(socket, answers);
    later((answer) => {
      finish(answer);
      answers.open -= 1;
      if (answers.open === 0) for (const run of answers.later.splice(0)) run();
    });
  }

  private afterAnswers(socket: Socket, run: () => void): void {
    const answers = this.answering.get(socket);
    if (answers === undefined || answers.open === 0) run();
    else answers.later.push(run);
  }

  private publish(body: Buffer, type: AnswerType, reported: boolean): Answer | LaterAnswer {
    let request: PublishRequest;
    try {
      request = parsePublishBody(body);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.door.refused('control-invalid', `control: refused a publish: ${error.message}`);
      return text(400, `${error.message}\n`);
    }
    const { items, report } = request;
    if (reported || (report && type === 'application/json')) {
      return (done) =>
        this.door.publishReported(items, this.options.reportTimeout * 1_000, (reports) => {
          const answer = { message: 'Published', items: reports };
          done({ code: 200, type: 'application/json', body: `${JSON.stringify(answer)}\n` });
        });
    }
    for (const item of items) this.door.publish(item);
    const answer = success('Published', type);
    // A publisher that waits for its answer does not publish more than can be taken.
    return this.door.congested ? (done) => this.door.whenClear(() => done(answer)) : answer;
  }

  private recover(type: AnswerType): Answer {
    this.door.recover();
    return success('Updated', type);
  }

  private answer(incoming: IncomingMessage, outgoing: ServerResponse, answer: Answer, last: boolean): void {
    const { method, url, httpVersion, socket } = incoming;
    if (last) {
      const version = httpVersion === '1.0' ? '1.0' : '1.1';
      this.afterAnswers(socket, () => answerLast(socket, version, answer, method !== 'HEAD'));
    } else {
      outgoing.sendDate = false;
      // Without it node:http would add headers of its own about a connection that simply stays open.
      outgoing.removeHeader('Connection');
      outgoing.writeHead(answer.code, reasonOf(answer.code), headersOf(answer, false).flat());
      outgoing.end(answer.body);
    }
    if (this.log.enabled('debug'))
      this.log.debug(`control: ${method} ${url} code=${answer.code} ${answer.body.length}`);
  }
}

/** In the original's order. */
function headersOf({ allow, type, body }: Answer, close: boolean): [string, string][] {
  const headers: [string, string][] = [];
  if (allow !== undefined) headers.push(['Allow', allow]);
  headers.push(['Content-Type', type]);
  if (close) headers.push(['Connection', 'close']);
  headers.push(['Content-Length', String(Buffer.byteLength(body))]);
  return headers;
}

/**
 * Gives the last answer on a connection and ends it. What the client still sends is read away for a moment: closing at
 * once would reset the connection, and the client would lose the answer.
 */
function answerLast(socket: Socket, version: '1.0' | '1.1', answer: Answer, withBody: boolean): void {
  let head = `HTTP/${version} ${answer.code} ${reasonOf(answer.code)}\r\n`;
  for (const [name, value] of headersOf(answer, true)) head += `${name}: ${value}\r\n`;
  const bytes = `${head}\r\n${withBody ? answer.body : ''}`;
  // Answers to whole requests that came in the same packet are given by the end of this turn; this one comes behind them.
  setImmediate(() => {
    if (!socket.writable) return;
    socket.end(bytes, () => {
      if (socket.destroyed) return;
      const timer = setTimeout(() => socket.destroy(), LINGER);
      socket.once('close', () => clearTimeout(timer));
    });
    socket.resume();
  });
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

/** Undefined for errors that are not about what was parsed. */
function parseErrorText(code: string | undefined): string | undefined {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'Request header too large.';
    case 'HPE_INVALID_CONTENT_LENGTH':
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
      return 'Bad Content-Length.';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'Failed to parse request header.';
    default:
      return code?.startsWith('HPE_') === true ? 'Failed to parse request header.' : undefined;
  }
}
