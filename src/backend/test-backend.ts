/** The built-in `test` target: a backend to try Holdfast with when there is none yet (specification 16). */

import type { WebSocketClient, WebSocketOrigin } from '../hold/websocket-origin.js';
import { encodeHeaderText, type HeaderList } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { reasonOf } from '../protocol/status-reasons.js';
import type { WebSocketVerdict } from './websocket-verdict.js';

/** What the test backend wants to know of a request. */
export interface TestRequest {
  /** After rewriting, without the query. */
  readonly path: string;
  /** Without the question mark; empty for none. */
  readonly query: string;
  /** `path_beg` of the route, which is cut off. */
  readonly pathBeg: string;
}

/** Answers as an origin would, GRIP headers included. */
export function testResponse(request: TestRequest): CompleteResponse {
  const channels = channelsOf(request.query).map(encodeHeaderText).join(', ');
  switch (resourceOf(request)) {
    case '/':
      return plain(200, [], 'Hello from the Holdfast test handler!\n');
    case '/response':
      return plain(
        200,
        [
          ['Grip-Hold', 'response'],
          ['Grip-Channel', channels],
        ],
        'nothing for now\n',
      );
    case '/stream':
      return plain(
        200,
        [
          ['Grip-Hold', 'stream'],
          ['Grip-Channel', channels],
        ],
        '[stream opened]\n',
      );
    default:
      return plain(404, [], 'no such test resource\n');
  }
}

/** Accepts `/ws`, subscribes it to the channels and echoes what it sends. */
export function testWebSocket(request: TestRequest, grip: boolean): WebSocketVerdict {
  if (resourceOf(request) !== '/ws') return { kind: 'reject', response: plain(404, [], 'no such test resource\n') };
  const channels = grip ? channelsOf(request.query) : [];
  return {
    kind: 'accept',
    reason: reasonOf(101),
    headers: [],
    grip: grip ? { prefix: 'm:' } : undefined,
    origin: new Echo(channels, grip ? 'm:' : ''),
    channels: () => channels,
  };
}

/** The origin's side of an echo socket. */
class Echo implements WebSocketOrigin {
  private client: WebSocketClient | undefined = undefined;

  constructor(
    private readonly channels: readonly string[],
    private readonly prefix: string,
  ) {}

  attached(client: WebSocketClient): void {
    this.client = client;
    for (const channel of this.channels) {
      client.fromOrigin('text', Buffer.from(`c:${JSON.stringify({ type: 'subscribe', channel })}`));
    }
  }

  message(type: 'text' | 'binary', content: Buffer): void {
    this.client?.fromOrigin(type, Buffer.concat([Buffer.from(this.prefix), content]));
  }

  ping(content: Buffer): void {
    this.client?.fromOrigin('ping', content);
  }

  pong(content: Buffer): void {
    this.client?.fromOrigin('pong', content);
  }

  closed(code: number | undefined, reason: string): void {
    this.client?.close(code, reason);
  }

  gone(): void {
    this.client = undefined;
  }

  closedByPublish(): void {}

  refresh(): void {}
}

function resourceOf({ path, pathBeg }: TestRequest): string {
  let rest = path;
  if (pathBeg !== '' && rest.startsWith(pathBeg)) {
    rest = rest.slice(pathBeg.endsWith('/') ? pathBeg.length - 1 : pathBeg.length);
    // The whole path was the route's: that is its root.
    if (rest === '') return '/';
  }
  return rest.length >= 2 && rest.endsWith('/') ? rest.slice(0, -1) : rest;
}

/** `channel` items of the query, each once; `test` when there is none. */
function channelsOf(query: string): string[] {
  const channels = [...new Set(new URLSearchParams(query).getAll('channel'))];
  return channels.length === 0 ? ['test'] : channels;
}

function plain(code: number, grip: HeaderList, text: string): CompleteResponse {
  return { code, reason: reasonOf(code), headers: [['Content-Type', 'text/plain'], ...grip], body: Buffer.from(text) };
}
