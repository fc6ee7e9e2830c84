/** A SockJS path in front of an origin that does what its test tells it, and the client that polls there. */
import type { Opened } from './closing.js';
import { type EventsOrigin, type EventsScript, opening } from './events-origin.js';
import type { RawClient } from './raw-client.js';
import { SockjsRequests, text } from './sockjs-requests.js';
import { Stage, type StageOptions, type WatchedClock } from './websocket-stage.js';

export const XHR = '/echo/000/abc/xhr';
export const SEND = '/echo/000/abc/xhr_send';

export const OPENED = text('o\n');
export const OK = text('ok');
export const NOT_FOUND = text('Not Found\n', '404 Not Found');
export const GONE = text('Session terminated\n', '410 Gone');
export const STILL_OPEN = text('c[2010,"Another connection still open"]\n');
export const LEFT = text('c[3000,"Client already closed connection"]\n');

export class SockjsStage {
  readonly origin: EventsOrigin;
  readonly clock: WatchedClock;
  readonly sockjs: SockjsRequests;

  private constructor(
    readonly stage: Stage,
    opened: Opened,
  ) {
    this.origin = stage.origin;
    this.clock = stage.clock;
    this.sockjs = new SockjsRequests(opened, stage.port);
  }

  /** With a route whose SockJS path is `/echo`. */
  static async set(opened: Opened, script: EventsScript = opening(), options: StageOptions = {}): Promise<SockjsStage> {
    return new SockjsStage(await Stage.set(opened, script, { condition: '*,sockjs=/echo', ...options }), opened);
  }

  /** Opens the session. */
  async open(): Promise<void> {
    const answer = await this.sockjs.post(XHR);
    if (answer !== OPENED) throw new Error(`the session did not open: ${answer}`);
  }

  /** A poll that waits: another one is told so. */
  async poll(): Promise<RawClient> {
    const poll = await this.sockjs.begin('POST', XHR, '');
    for (let answer = ''; answer !== STILL_OPEN; ) {
      if (poll.closed) throw new Error(`the poll does not wait: ${poll.pending}`);
      answer = await this.sockjs.post(XHR);
    }
    return poll;
  }
}
