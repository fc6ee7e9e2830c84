/**
 * A backend on a raw socket: it keeps the exact bytes of every request and answers with the bytes a case gives. Requests
 * belong to the case whose key is the first segment of their path, so a late request of one case (a retry, a DISCONNECT)
 * never lands in another. Behind an answer of 101 its connection is a WebSocket.
 */
import { createServer, type Socket } from 'node:net';
import { type HttpMessage, readRequest } from './http-bytes.js';
import { OriginSocket } from './origin-socket.js';
import { within } from './script.js';

export interface RecordedRequest {
  /** Of the case it belongs to. */
  readonly key: string;
  readonly raw: Buffer;
  readonly message: HttpMessage;
  /** Unix seconds. */
  readonly receivedAt: number;
}

/** What the origin writes, and what it does with the connection afterwards. */
export type Answer = string | Buffer | { readonly bytes: string | Buffer; readonly after: 'close' };

/** @param index - 0 for the first request of the case */
export type AnswerScript = (request: RecordedRequest, index: number) => Answer;

export interface RecordingOrigin {
  readonly port: number;
  /** From now on requests below `/KEY` are recorded for this case and answered by `answer`; older records of the key go. */
  serve(key: string, answer: AnswerScript): void;
  requests(key: string): readonly RecordedRequest[];
  /** The WebSockets of the case, in the order of their handshakes. */
  webSockets(key: string): readonly OriginSocket[];
  /** Writes to the connection that carried the last request of the case: an answer that was kept back. */
  write(key: string, answer: Answer): void;
  /** Closes every connection that has carried a request of the case. */
  hangUp(key: string): void;
  /** Resolves when the case has `count` requests. Fails after `seconds`. */
  until(key: string, count: number, seconds: number): Promise<void>;
  /** The case's first WebSocket, as soon as it is there. Fails after `seconds`. */
  firstWebSocket(key: string, seconds: number): Promise<OriginSocket>;
  stop(): Promise<void>;
}

interface Stage {
  readonly answer: AnswerScript;
  readonly requests: RecordedRequest[];
  readonly sockets: Set<Socket>;
  readonly webSockets: OriginSocket[];
  /** Called after each recorded request and each new WebSocket. */
  readonly watchers: Set<() => void>;
}

const UNKNOWN: Answer = 'HTTP/1.1 404 Not Found\r\nContent-Length: 8\r\n\r\nno case\n';

/** Starts an origin on a free port of the loopback address. */
export async function startOrigin(): Promise<RecordingOrigin> {
  const stages = new Map<string, Stage>();
  const sockets = new Set<Socket>();

  const server = createServer((socket) => {
    sockets.add(socket);
    let pending = Buffer.alloc(0);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', function onData(bytes) {
      pending = Buffer.concat([pending, bytes]);
      for (;;) {
        const message = readRequest(pending);
        if (!message?.complete) break;
        const raw = pending.subarray(0, message.size);
        pending = pending.subarray(message.size);
        const answer = record(stages, socket, raw, message);
        reply(socket, answer);
        if (!accepts(answer)) continue;
        socket.off('data', onData);
        open(stages, message, new OriginSocket(socket, pending));
        break;
      }
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the origin has no TCP address');

  return {
    port: address.port,
    serve: (key, answer) => {
      stages.set(key, { answer, requests: [], sockets: new Set(), webSockets: [], watchers: new Set() });
    },
    requests: (key) => [...(stages.get(key)?.requests ?? [])],
    webSockets: (key) => [...(stages.get(key)?.webSockets ?? [])],
    write: (key, answer) => {
      const socket = [...(stages.get(key)?.sockets ?? [])].at(-1);
      if (!socket) throw new Error(`no request of ${key} waits for an answer`);
      reply(socket, answer);
    },
    hangUp: (key) => {
      for (const socket of stages.get(key)?.sockets ?? []) socket.end();
    },
    until: (key, count, seconds) => {
      const stage = stages.get(key);
      if (!stage) throw new Error(`no case ${key} is served`);
      const met = () => stage.requests.length >= count;
      return within(seconds, stage.watchers, met, () => `${stage.requests.length} of ${count} requests at the origin`);
    },
    firstWebSocket: async (key, seconds) => {
      const stage = stages.get(key);
      const complaint = 'no WebSocket at the origin';
      if (stage)
        await within(
          seconds,
          stage.watchers,
          () => stage.webSockets.length > 0,
          () => complaint,
        );
      const [first] = stage?.webSockets ?? [];
      if (!first) throw new Error(complaint);
      return first;
    },
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function record(stages: ReadonlyMap<string, Stage>, socket: Socket, raw: Buffer, message: HttpMessage): Answer {
  const key = keyOf(message);
  const request = { key, raw, message, receivedAt: Date.now() / 1000 };
  const stage = stages.get(key);
  if (!stage) return UNKNOWN;
  const index = stage.requests.push(request) - 1;
  // The last request's connection is the last of the set.
  stage.sockets.delete(socket);
  stage.sockets.add(socket);
  for (const watcher of [...stage.watchers]) watcher();
  return stage.answer(request, index);
}

/** Sessions of SockJS all have one path: what tells them apart is in the query. */
function keyOf({ startLine }: HttpMessage): string {
  return /^\S+ \/(?:sockjs[^? ]*\?)?([^/?& ]*)/.exec(startLine)?.[1] ?? '';
}

/** Whether what follows an answer on its connection are frames. */
function accepts(answer: Answer): boolean {
  const bytes = typeof answer === 'string' || Buffer.isBuffer(answer) ? answer : answer.bytes;
  return bytes.toString('latin1').startsWith('HTTP/1.1 101 ');
}

function open(stages: ReadonlyMap<string, Stage>, message: HttpMessage, socket: OriginSocket): void {
  const stage = stages.get(keyOf(message));
  if (!stage) return;
  stage.webSockets.push(socket);
  for (const watcher of [...stage.watchers]) watcher();
}

function reply(socket: Socket, answer: Answer): void {
  if (typeof answer === 'string' || Buffer.isBuffer(answer)) {
    socket.write(answer, 'latin1');
    return;
  }
  socket.end(answer.bytes, 'latin1');
}
