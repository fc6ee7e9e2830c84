/** Publishes by `POST /publish/` on a few keep-alive connections; what finds none free waits in line. */
import { Requester } from './requester.js';
import type { Sockets } from './socket.js';

export type Format = 'http-stream' | 'ws-message' | 'http-response';

interface Waiting {
  readonly request: string;
  readonly done: (ok: boolean) => void;
}

export class HttpPublisher {
  private readonly all: Requester[];
  private readonly idle: Requester[];
  private readonly waiting: Waiting[] = [];

  constructor(sockets: Sockets, controlPort: number, connections: number) {
    this.all = Array.from({ length: connections }, () => new Requester(sockets, controlPort));
    this.idle = [...this.all];
  }

  /** @param done - told when the server has taken it in, or refused it */
  publish(channel: string, format: Format, content: string, done: (ok: boolean) => void): void {
    const body = JSON.stringify({
      items: [{ channel, formats: { [format]: format === 'http-response' ? { body: content } : { content } } }],
    });
    const request = `POST /publish/ HTTP/1.1\r\nHost: control\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const requester = this.idle.pop();
    if (requester === undefined) this.waiting.push({ request, done });
    else this.send(requester, { request, done });
  }

  close(): void {
    this.waiting.length = 0;
    for (const requester of this.all) requester.close();
  }

  private send(requester: Requester, { request, done }: Waiting): void {
    requester.send(request, {
      done: (status) => {
        const next = this.waiting.shift();
        if (next === undefined) this.idle.push(requester);
        else this.send(requester, next);
        done(status === 200);
      },
    });
  }
}
