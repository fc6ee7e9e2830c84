/** What a case is: a name, an origin's answers, and the steps of its clients. The same case is played on both sides. */
import type { AnswerScript } from './recording-origin.js';
import type { Script } from './script.js';

/** Freedom that a case leaves to the proxies; each is a rule in `normalise.ts`. */
export type Freedom =
  /** A held request may reach the origin again a second after its channel got its first subscriber (4.12). */
  | 'repeated-poll'
  /** The answer's length was unknown to the proxy, so it may count or chunk (3.6). */
  | 'framing'
  /** A long message is cut where the proxy's buffers end (10.6). */
  | 'fragments';

export interface Case {
  /** Section of the specification and a sentence, e.g. `3.4 hop-by-hop headers are removed`. Unique. */
  readonly name: string;
  /** Absent when no request of the case may reach an origin; one that does is answered 500 and recorded. */
  readonly origin?: AnswerScript;
  readonly run: (script: Script) => Promise<void>;
  readonly freedoms?: readonly Freedom[];
}

/** An origin answer with Content-Length. Header lines are written as given. */
export function answer(status: string, headers: readonly string[], body: string | Buffer): Buffer {
  const content = Buffer.from(body);
  const head = [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${content.length}`, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), content]);
}

/** A request without a body. `target` as it stands in the request line. */
export function get(host: string, target: string, headers: readonly string[] = []): string {
  return [`GET ${target} HTTP/1.1`, `Host: ${host}`, ...headers, '', ''].join('\r\n');
}

/** A request with Content-Length. */
export function post(host: string, target: string, headers: readonly string[], body: string): Buffer {
  const content = Buffer.from(body);
  const head = [`POST ${target} HTTP/1.1`, `Host: ${host}`, ...headers, `Content-Length: ${content.length}`, '', ''];
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), content]);
}
