/** Requests in a closed loop: each connection asks again as soon as it has its answer. */
import { bodyOf } from '../bodies.js';
import { micros } from '../clock.js';
import { type Load, Tally } from './load.js';
import type { RequestsSpec, ServerPorts } from './messages.js';
import { getRequest, Requester } from './requester.js';
import type { Sockets } from './socket.js';

/** Milliseconds before a connection whose request failed tries again: a server that is down is not flooded. */
const PAUSE_AFTER_FAILURE = 50;

export class RequestsLoad implements Load {
  readonly tally = new Tally();
  private readonly requesters: Requester[];
  private readonly request: string;
  private readonly expected: Buffer;
  private over = false;

  constructor(spec: RequestsSpec, ports: ServerPorts, sockets: Sockets) {
    this.request = getRequest(spec.path);
    this.expected = bodyOf(spec.bodyBytes);
    this.requesters = Array.from({ length: spec.connections }, () => new Requester(sockets, ports.http));
  }

  async start(): Promise<void> {
    for (const requester of this.requesters) this.ask(requester);
  }

  async stop(): Promise<void> {
    this.over = true;
    for (const requester of this.requesters) requester.close();
  }

  private ask(requester: Requester): void {
    const { tally, expected } = this;
    const start = micros();
    let received = 0;
    let same = true;
    requester.send(this.request, {
      body: (bytes, from, to) => {
        const start = received;
        received += to - from;
        if (received > expected.length || bytes.compare(expected, start, received, from, to) !== 0) same = false;
      },
      done: (status) => {
        if (this.over) return;
        if (status !== 200) {
          tally.add('failed');
          setTimeout(() => this.over || this.ask(requester), PAUSE_AFTER_FAILURE);
          return;
        }
        if (!same || received !== expected.length) tally.add('wrong bytes');
        tally.add('requests');
        tally.time('request', micros() - start);
        this.ask(requester);
      },
    });
  }
}
