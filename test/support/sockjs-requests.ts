/** Requests of a SockJS client, sent by hand: each on a connection of its own, each answer as the bytes that came. */
import type { Opened } from './closing.js';
import type { RawClient } from './raw-client.js';

const COMMON = [
  'Cache-Control: no-store, no-cache, must-revalidate, max-age=0',
  'Access-Control-Allow-Origin: *',
  'Access-Control-Allow-Credentials: true',
  'Connection: close',
];

/** A whole answer as it comes to a client that asks to close the connection. */
export function whole(status: string, headers: readonly string[], body: string): string {
  const length =
    status.startsWith('204') || status.startsWith('304') ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const head = [`HTTP/1.1 ${status}`, ...headers, ...COMMON, ...length, '', ''].join('\r\n');
  return head + Buffer.from(body).toString('latin1');
}

/** An answer of plain text. */
export function text(body: string, status = '200 OK'): string {
  return whole(status, ['Content-Type: text/plain'], body);
}

/** A frame as a call of the function `cb`. */
export function jsonp(frame: string): string {
  return whole('200 OK', ['Content-Type: application/javascript'], `/**/cb(${JSON.stringify(frame)});\n`);
}

export class SockjsRequests {
  constructor(
    private readonly opened: Opened,
    private readonly port: number,
  ) {}

  get(target: string, ...headers: readonly string[]): Promise<string> {
    return this.whole('GET', target, headers, undefined);
  }

  post(target: string, body: string | Buffer = '', ...headers: readonly string[]): Promise<string> {
    return this.whole('POST', target, headers, body);
  }

  /** Sends a request and gives back its client: the answer may take long. */
  async begin(
    method: string,
    target: string,
    body?: string | Buffer,
    headers: readonly string[] = [],
  ): Promise<RawClient> {
    const client = await this.opened.client(this.port);
    const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
    const lines = [`${method} ${target} HTTP/1.1`, 'Host: example.com', 'Connection: close', ...headers, ...length];
    client.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body ?? '')]));
    return client;
  }

  async whole(method: string, target: string, headers: readonly string[], body?: string | Buffer): Promise<string> {
    return answerOf(await this.begin(method, target, body, headers));
  }
}

/** All that comes until the connection is closed. */
export async function answerOf(client: RawClient): Promise<string> {
  await client.untilClosed();
  return client.pending;
}
