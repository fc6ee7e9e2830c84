/**
 * Backends that speak WebSocket-over-HTTP through the libraries people use, each with the same loop in it: accept, join a
 * channel, answer, and publish through the library to the control port.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { Publisher, WebSocketMessageFormat } from '@fanoutio/grip';
import { ServeGrip } from '@fanoutio/serve-grip';

/** What the proxy signs its requests with. */
export const LIBRARY_KEY = 'the key of the proxy';

/** What all the libraries' contexts have in common. */
interface Conversation {
  meta: { name?: string };
  closeCode: number | null;
  isOpening(): boolean;
  accept(): void;
  subscribe(channel: string): void;
  unsubscribe(channel: string): void;
  canRecv(): boolean;
  recv(): string | null;
  send(message: string): void;
  sendBinary(message: Buffer): void;
  close(code?: number): void;
}

/** The part of a backend that is its library's. */
interface Around {
  /** The request has a signature of our proxy. */
  readonly signed: boolean;
  /** Resolves when the control port has taken it. */
  publish(channel: string, message: string): Promise<void>;
  /** Notes that a client went without a word. */
  gone(): void;
}

/** One request: it looks as if it were the whole life of a connection, and handles what has come since the last one. */
async function converse(socket: Conversation, around: Around): Promise<void> {
  if (socket.isOpening()) {
    socket.accept();
    socket.subscribe('all');
    socket.meta.name = 'ann';
  }
  while (socket.canRecv()) {
    let message: string | null;
    try {
      message = socket.recv();
    } catch {
      // This is how the libraries tell of a DISCONNECT.
      around.gone();
      break;
    }
    if (message === null) {
      socket.close(socket.closeCode ?? undefined);
      break;
    }
    const [command, text = ''] = message.split(':', 2);
    if (command === 'all') await around.publish('all', text);
    else if (command === 'name') socket.meta.name = text;
    else if (command === 'who') socket.send(String(socket.meta.name));
    else if (command === 'signed') socket.send(String(around.signed));
    else if (command === 'bytes') socket.sendBinary(Buffer.from(text, 'hex'));
    else if (command === 'leave') socket.unsubscribe('all');
    else if (command === 'bye') socket.close(4_002);
    else socket.send(`echo ${message}`);
  }
}

/** A backend that listens; `gone` counts the clients that went without a word. */
export interface Backend {
  readonly server: Server;
  readonly gone: () => number;
}

export type Make = (control: string) => Promise<Backend>;

/** The packages that have no types, as far as they are used here. */
type Handler = (request: IncomingMessage, response: ExpressResponse, next: () => void) => void;
interface ExpressResponse extends ServerResponse {
  send(body: string): void;
}
interface ExpressApp {
  use(handler: unknown): void;
  get(path: string, handler: Handler): void;
  post(path: string, handler: Handler): void;
  listen(port: number, host: string): Server;
}
interface ExpressGrip {
  readonly preHandlerGripMiddleware: unknown;
  readonly postHandlerGripMiddleware: unknown;
  configure(config: object): void;
  getWsContext(response: ServerResponse): Conversation;
  isGripProxied(response: ServerResponse): boolean;
  publish(channel: string, format: object, done: (success: boolean, message: string) => void): void;
}
interface OldGrip {
  readonly WebSocketMessageFormat: new (content: string) => object;
  readonly GripPubControl: new (
    config: object,
  ) => { publish(channel: string, item: object, done: (success: boolean, message: string) => void): void };
  readonly WebSocketEvent: new (type: string, content?: Buffer) => object;
  readonly WebSocketContext: new (id: string, meta: object, events: readonly object[]) => OldContext;
  decodeWebSocketEvents(body: Buffer): readonly object[];
  encodeWebSocketEvents(events: readonly object[]): Buffer;
  validateSig(token: string, key: string): boolean;
}
interface OldContext extends Conversation {
  readonly outEvents: readonly object[];
  readonly accepted: boolean;
  readonly closed: boolean;
  readonly outCloseCode: number;
}

const require = createRequire(import.meta.url);
const express = require('express') as () => ExpressApp;
const expressGrip = require('express-grip') as ExpressGrip;
const grip = require('grip') as OldGrip;
/** What `grip` publishes with; it has no name for items itself. */
const { Item } = createRequire(require.resolve('grip'))('pubcontrol') as { Item: new (format: object) => object };

/** A callback of the older libraries as a promise. */
function settled(start: (done: (success: boolean, message: string) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((success, message) => {
      if (success) resolve();
      else reject(new Error(message));
    });
  });
}

function wentAway(): { gone: () => void; count: () => number } {
  let count = 0;
  return {
    gone: () => {
      count += 1;
    },
    count: () => count,
  };
}

const withExpressGrip: Make = async (control) => {
  const { gone, count } = wentAway();
  expressGrip.configure({ gripProxies: [{ control_uri: control, key: LIBRARY_KEY }] });
  const app = express();
  app.use(expressGrip.preHandlerGripMiddleware);
  app.get('/hello', (_request, response, next) => {
    response.send('hello');
    next();
  });
  app.post('/socket', (_request, response, next) => {
    const publish = (channel: string, text: string): Promise<void> =>
      settled((done) => expressGrip.publish(channel, new grip.WebSocketMessageFormat(text), done));
    const around = { signed: expressGrip.isGripProxied(response), publish, gone };
    void converse(expressGrip.getWsContext(response), around).then(next);
  });
  app.use(expressGrip.postHandlerGripMiddleware);
  return { server: app.listen(0, '127.0.0.1'), gone: count };
};

/** The middleware of `@fanoutio/serve-grip`, and what is the same with Express and without. */
function serveGripFor(control: string) {
  const publisher = new Publisher({ control_uri: control, verify_key: new TextEncoder().encode(LIBRARY_KEY) });
  const serveGrip = new ServeGrip({ grip: publisher });
  const { gone, count } = wentAway();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const context = request.grip?.wsContext;
    if (context === null || context === undefined) {
      response.end('hello');
      return;
    }
    const { isSigned } = await publisher.validateGripSig(String(request.headers['grip-sig']));
    const publish = (channel: string, text: string): Promise<void> =>
      serveGrip.getPublisher().publishFormats(channel, new WebSocketMessageFormat(text));
    await converse(context as Conversation, { signed: isSigned, publish, gone });
    response.end();
  };
  return { serveGrip, answer, count };
}

const withServeGripAndExpress: Make = async (control) => {
  const { serveGrip, answer, count } = serveGripFor(control);
  const app = express();
  app.use(serveGrip);
  const handler: Handler = (request, response) => void answer(request, response);
  app.get('/hello', handler);
  app.post('/socket', handler);
  return { server: app.listen(0, '127.0.0.1'), gone: count };
};

const withServeGripAlone: Make = async (control) => {
  const { serveGrip, answer, count } = serveGripFor(control);
  const server = createServer((request, response) => {
    void serveGrip.run(request, response).then((goesOn) => (goesOn ? answer(request, response) : undefined));
  });
  return { server: server.listen(0, '127.0.0.1'), gone: count };
};

/** No middleware: events are decoded, looked at in a loop and encoded, as a script in any language does it. */
const withBareLoop: Make = async (control) => {
  const { gone, count } = wentAway();
  const pubControl = new grip.GripPubControl({ control_uri: control });
  const publish = (channel: string, text: string): Promise<void> =>
    settled((done) => pubControl.publish(channel, new Item(new grip.WebSocketMessageFormat(text)), done));
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'POST') {
      response.end('hello');
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const before = String(request.headers['meta-name'] ?? '');
    const events = grip.decodeWebSocketEvents(Buffer.concat(chunks));
    const id = String(request.headers['connection-id']);
    const context = new grip.WebSocketContext(id, { name: before }, events);
    await converse(context, {
      signed: grip.validateSig(String(request.headers['grip-sig']), LIBRARY_KEY),
      publish,
      gone,
    });
    const out = context.accepted ? [new grip.WebSocketEvent('OPEN'), ...context.outEvents] : [...context.outEvents];
    if (context.closed) {
      const code = context.outCloseCode;
      out.push(new grip.WebSocketEvent('CLOSE', Buffer.from([code >> 8, code & 0xff])));
    }
    response.setHeader('Content-Type', 'application/websocket-events');
    if (context.accepted) response.setHeader('Sec-WebSocket-Extensions', 'grip');
    if (context.meta.name !== before) response.setHeader('Set-Meta-Name', context.meta.name ?? '');
    response.end(grip.encodeWebSocketEvents(out));
  };
  const server = createServer((request, response) => void serve(request, response));
  return { server: server.listen(0, '127.0.0.1'), gone: count };
};

export const LIBRARIES: readonly (readonly [name: string, make: Make])[] = [
  ['express-grip and grip', withExpressGrip],
  ['@fanoutio/serve-grip in Express', withServeGripAndExpress],
  ['@fanoutio/serve-grip in node:http', withServeGripAlone],
  ['grip in a loop of its own', withBareLoop],
];
