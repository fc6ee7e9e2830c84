/**
 * A backend on a raw socket: it keeps the exact bytes of every request and answers with the bytes a case gives. Requests
 * belong to the case whose key is the first segment of their path, so a late request of one case (a retry, a DISCONNECT)
 * never lands in another.
 */
import { createServer, type Socket } from 'node:net';
import { type HttpMessage, readRequest } from './http-bytes.js';
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
  /** Closes every connection that has carried a request of the case. */
  hangUp(key: string): void;
  /** Resolves when the case has `count` requests. Fails after `seconds`. */
  until(key: string, count: number, seconds: number): Promise<void>;
  stop(): Promise<void>;
}

interface Stage {
  readonly answer: AnswerScript;
  readonly requests: RecordedRequest[];
  readonly sockets: Set<Socket>;
  /** Called after each recorded request. */
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
    socket.on('data', (bytes) => {
      pending = Buffer.concat([pending, bytes]);
      for (;;) {
        const message = readRequest(pending);
        if (!message?.complete) break;
        const raw = pending.subarray(0, message.size);
        pending = pending.subarray(message.size);
        reply(socket, record(stages, socket, raw, message));
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
      stages.set(key, { answer, requests: [], sockets: new Set(), watchers: new Set() });
    },
    requests: (key) => [...(stages.get(key)?.requests ?? [])],
    hangUp: (key) => {
      for (const socket of stages.get(key)?.sockets ?? []) socket.end();
    },
    until: (key, count, seconds) => {
      const stage = stages.get(key);
      if (!stage) throw new Error(`no case ${key} is served`);
      const met = () => stage.requests.length >= count;
      return within(seconds, stage.watchers, met, () => `${stage.requests.length} of ${count} requests at the origin`);
    },
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function record(stages: ReadonlyMap<string, Stage>, socket: Socket, raw: Buffer, message: HttpMessage): Answer {
  const key = /^\S+ \/([^/? ]*)/.exec(message.startLine)?.[1] ?? '';
  const request = { key, raw, message, receivedAt: Date.now() / 1000 };
  const stage = stages.get(key);
  if (!stage) return UNKNOWN;
  const index = stage.requests.push(request) - 1;
  stage.sockets.add(socket);
  for (const watcher of [...stage.watchers]) watcher();
  return stage.answer(request, index);
}

function reply(socket: Socket, answer: Answer): void {
  if (typeof answer === 'string' || Buffer.isBuffer(answer)) {
    socket.write(answer, 'latin1');
    return;
  }
  socket.end(answer.bytes, 'latin1');
}
