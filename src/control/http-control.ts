/**
 * The private HTTP port for publishers (specification 7): `POST /publish`, and commands. Answers and error texts are the
 * original's, where it has them. Unlike it the connection stays open for a client that wants to go on.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { Logger } from '../observe/logger.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import { publishesAreFollowed } from '../observe/steps.js';
import type { HeaderList } from '../protocol/headers.js';
import { type PublishRequest, parsePublishBody } from '../protocol/item-json.js';
import { traceparentOf } from '../protocol/trace-context.js';
import { listenOn } from '../sockets/open-sockets.js';
import { giveOwner, listenTo, ownerOf } from '../sockets/socket-events.js';
import { Sweep } from '../sockets/sweep.js';
import { parseCommandBody } from './command-bodies.js';
import type { Command, CommandOutcome, Commands } from './commands.js';
import {
  type Answer,
  type AnswerType,
  ControlConnection,
  type ControlRequest,
  type ControlTerms,
  type LaterAnswer,
  text,
} from './control-connection.js';
import { ControlConnections } from './control-connections.js';
import type { PublishDoor } from './publish-door.js';

export interface HttpControlOptions {
  readonly maxHeadBytes: number;
  readonly maxBodyBytes: number;
  readonly maxConnections: number;
  /** Seconds a publisher waits for a report at most. */
  readonly reportTimeout: number;
  readonly setting: string;
  readonly warnings: ReadableRate;
}

/** Seconds that a request may take to come in, and that a connection may stay unused: those of `node:http`. */
const LIMITS = { headTimeout: 60, idleTimeout: 5 };

/** Asks for what became of the items; it may follow the path of a publish. */
const REPORT_QUERY = '?report=1';

export class HttpControl {
  private readonly server: Server;
  private readonly connections: ControlConnections;
  private readonly sweep = new Sweep(LIMITS);

  constructor(
    private readonly options: HttpControlOptions,
    private readonly door: PublishDoor,
    private readonly commands: Commands,
    private readonly log: Logger,
  ) {
    this.connections = new ControlConnections(options.maxConnections);
    const terms: ControlTerms = {
      maxHeadBytes: options.maxHeadBytes,
      maxBodyBytes: options.maxBodyBytes,
      sweep: this.sweep,
      answer: (request) => this.handle(request),
      busy: (socket) => this.connections.begin(socket),
      idle: (socket) => this.connections.finish(socket),
      answered: (method, target, answer) => {
        if (log.enabled('debug')) log.debug(`control: ${method} ${target} code=${answer.code} ${answer.body.length}`);
      },
    };
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.admit(socket, terms));
  }

  async listen(host: string, port: number): Promise<{ host: string; port: number }> {
    const address = await listenOn(this.server, { host, port }, this.options);
    this.sweep.start(() => {
      for (const socket of this.connections) ownerOf(socket)?.look();
    });
    return address;
  }

  async close(): Promise<void> {
    this.sweep.stop();
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.connections.destroyAll();
    await closed;
  }

  private admit(socket: Socket, terms: ControlTerms): void {
    if (!this.connections.admit(socket)) {
      this.log.debug('control: too many connections, and all of them busy');
      socket.destroy();
      return;
    }
    const connection = new ControlConnection(terms, socket);
    giveOwner(socket, connection);
    listenTo(socket, connection);
  }

  private handle({ method, target: url, accept, headers, body }: ControlRequest): Answer | LaterAnswer {
    const type = acceptedType(accept);
    if (type === undefined) {
      return text(406, 'Not Acceptable. Supported formats are text/plain and application/json.\n');
    }
    const reported = url.endsWith(REPORT_QUERY);
    const target = reported ? url.slice(0, -REPORT_QUERY.length) : url;
    const path = target.length > 1 && target.endsWith('/') ? target.slice(0, -1) : target;
    if (path === '/publish') {
      return method === 'POST' ? this.publish(headers, body, type, reported) : notAllowed(method);
    }
    if (reported) return text(404, 'Not Found\n');
    switch (path) {
      case '/recover':
        return method === 'POST' ? this.command({ kind: 'recover' }, type) : notAllowed(method);
      case '/conncheck':
      case '/refresh': {
        if (method !== 'POST') return notAllowed(method);
        const read = parseCommandBody(path, body);
        return read.kind === 'invalid' ? text(400, `${read.text}\n`) : this.command(read.command, type);
      }
      default:
        return path === '/' ? text(200, 'Holdfast API\n') : text(404, 'Not Found\n');
    }
  }

  private publish(headers: HeaderList, body: Buffer, type: AnswerType, reported: boolean): Answer | LaterAnswer {
    let request: PublishRequest;
    try {
      request = parsePublishBody(body);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.door.refused('control-invalid', `control: refused a publish: ${error.message}`);
      return text(400, `${error.message}\n`);
    }
    const { items, report } = request;
    const traceparent = publishesAreFollowed() ? traceparentOf(headers) : undefined;
    if (reported || (report && type === 'application/json')) {
      return (done) =>
        this.door.publishReported(items, this.options.reportTimeout * 1_000, traceparent, (reports) => {
          const answer = { message: 'Published', items: reports };
          done({ code: 200, type: 'application/json', body: `${JSON.stringify(answer)}\n` });
        });
    }
    for (const item of items) this.door.publish(item, 'http', traceparent);
    const answer = success('Published', type);
    // A publisher that waits for its answer does not publish more than can be taken.
    return this.door.congested ? (done) => this.door.whenClear(() => done(answer)) : answer;
  }

  private command(command: Command, type: AnswerType): LaterAnswer {
    return (done) => this.commands.run(command, (outcome) => done(answerTo(command, outcome, type)));
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

function answerTo(command: Command, outcome: CommandOutcome, type: AnswerType): Answer {
  switch (outcome.kind) {
    case 'connections': {
      const { ids } = outcome;
      const body = type === 'text/plain' ? ids.map((id) => `${id}\n`).join('') : `${JSON.stringify({ ids })}\n`;
      return { code: 200, type, body };
    }
    case 'failed':
      return outcome.condition === 'item-not-found'
        ? text(404, 'No such connection.\n')
        : text(504, 'A worker did not answer in time.\n');
    default:
      return success(command.kind === 'recover' ? 'Updated' : 'Refreshed', type);
  }
}

function notAllowed(method: string): Answer {
  return { code: 405, type: 'text/plain', body: `Method not allowed: ${method}.\n`, allow: 'POST' };
}
