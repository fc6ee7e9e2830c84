/**
 * One connection to the control port: requests are read whole and answered one after the other, each answer in one
 * write. What comes behind a request that is being answered waits.
 *
 *     reading ──a whole request──► answering ──answered──► reading
 *        └──what cannot be read──────────┴──the last answer──► ending
 */
import type { Socket } from 'node:net';
import { getHeaders, type HeaderList, hasOption } from '../protocol/headers.js';
import { HEAD_END, startOfHead } from '../protocol/http1/head-bounds.js';
import { faultOfStart, type HeadFault, type RequestHead, readRequestHead } from '../protocol/http1/request-head.js';
import { joinedBytes } from '../protocol/joined-bytes.js';
import { reasonOf } from '../protocol/status-reasons.js';
import { closeLingering } from '../sockets/lingering-close.js';
import type { SocketListener, SocketOwner } from '../sockets/socket-events.js';
import type { Sweep } from '../sockets/sweep.js';

export type AnswerType = 'text/plain' | 'application/json';

export interface Answer {
  readonly code: number;
  readonly type: AnswerType;
  readonly body: string;
  readonly allow?: string;
}

/** An answer that has to be waited for; `done` is called once, possibly at once. */
export type LaterAnswer = (done: (answer: Answer) => void) => void;

export interface ControlRequest {
  readonly method: string;
  readonly target: string;
  readonly accept: string | undefined;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** What all connections of the port share. */
export interface ControlTerms {
  readonly maxHeadBytes: number;
  readonly maxBodyBytes: number;
  readonly sweep: Sweep;
  readonly answer: (request: ControlRequest) => Answer | LaterAnswer;
  /** A request has come; its answer is under way. */
  readonly busy: (socket: Socket) => void;
  /** It has been answered, and another may come. */
  readonly idle: (socket: Socket) => void;
  readonly answered: (method: string, target: string, answer: Answer) => void;
}

/** Methods that may come without a Content-Length. */
const BODILESS = new Set(['HEAD', 'GET', 'DELETE', 'OPTIONS']);
const EMPTY = Buffer.alloc(0);
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const MALFORMED = text(400, 'Failed to parse request header.\n');

type State = 'reading' | 'answering' | 'ending';

/** A request whose body has not come to its end. */
interface Open {
  readonly head: RequestHead;
  readonly chunks: Buffer[];
  missing: number;
}

export class ControlConnection implements SocketListener, SocketOwner {
  private state: State = 'reading';
  private pending: Buffer | undefined = undefined;
  private open: Open | undefined = undefined;
  /** Requests are being read: answers to them come from within. */
  private reading = false;
  /** The turn of what waits is coming. */
  private scheduled = false;
  private halfClosed = false;
  /** The beginning of a head has come, and not its end. */
  private headBegun = false;
  /** No request has come yet. */
  private fresh = true;
  /** The look of the sweep when a request began to come, the last answer was given, or the end began. */
  private since: number;

  constructor(
    private readonly terms: ControlTerms,
    private readonly socket: Socket,
  ) {
    this.since = terms.sweep.now;
  }

  read(bytes: Buffer): void {
    if (this.state === 'ending') return;
    if (this.state === 'answering') this.keep(bytes);
    else this.readOn(bytes);
  }

  /** A publisher that has said all still gets its answer; what it said of another request is none. */
  ended(): void {
    this.halfClosed = true;
    this.settle();
  }

  drained(): void {
    if (this.state === 'reading' && this.pending !== undefined) this.next();
    else this.settle();
  }

  /** The list of connections hears of it by itself. */
  removed(): void {}

  closed(): void {
    this.state = 'ending';
    this.pending = undefined;
    this.open = undefined;
  }

  /** Requests that do not come to their end, and connections that nobody uses, are ended. */
  look(): void {
    const { sweep } = this.terms;
    if (this.state === 'answering') return;
    const waited = sweep.now - this.since;
    if (this.state === 'ending' || this.socket.writableNeedDrain) {
      // Whoever does not take what it is given, or does not end, is not waited for.
      if (waited > sweep.headLooks) this.socket.destroy();
    } else if (this.begun) {
      if (waited > sweep.headLooks) this.answerLast(MALFORMED, '1.1', true);
    } else if (waited > (this.fresh ? sweep.headLooks : sweep.idleLooks)) {
      this.end();
    }
  }

  /** Something of a request has come, and not its end. */
  private get begun(): boolean {
    return this.open !== undefined || this.pending !== undefined;
  }

  private readOn(bytes: Buffer): void {
    let rest: Buffer | undefined = this.pending === undefined ? bytes : Buffer.concat([this.pending, bytes]);
    this.pending = undefined;
    // A publisher that asks without reading: its answers must not pile up. `drained` goes on.
    this.reading = true;
    while (rest !== undefined && rest.length > 0 && this.state === 'reading' && !this.socket.writableNeedDrain) {
      rest = this.open === undefined ? this.readHead(rest) : this.readBody(this.open, rest);
    }
    this.reading = false;
    if (rest !== undefined && rest.length > 0 && this.state !== 'ending') this.keep(rest);
    this.settle();
  }

  /** Looks what is left when nothing is under way. */
  private settle(): void {
    if (this.state !== 'reading' || this.reading || this.scheduled || this.socket.writableNeedDrain) return;
    const { begun } = this;
    if (!begun) this.terms.idle(this.socket);
    if (!this.halfClosed) return;
    if (begun) this.answerLast(MALFORMED, '1.1', true);
    else this.end();
  }

  private end(): void {
    this.state = 'ending';
    this.since = this.terms.sweep.now;
    this.socket.end();
  }

  /** @returns what is behind the head; undefined: more has to come */
  private readHead(bytes: Buffer): Buffer | undefined {
    const start = startOfHead(bytes);
    const end = bytes.indexOf(HEAD_END, start);
    const length = (end < 0 ? bytes.length : end + HEAD_END.length) - start;
    if (length > this.terms.maxHeadBytes) {
      this.answerLast(text(400, 'Request header too large.\n'), '1.1', true);
      return undefined;
    }
    if (end < 0) {
      this.awaitHead(bytes.subarray(start));
      return undefined;
    }
    const lines = bytes.toString('latin1', start, end + 2);
    const head = readRequestHead(lines);
    if (typeof head === 'string') this.refuse(head, lines);
    else this.begin(head);
    return bytes.subarray(end + HEAD_END.length);
  }

  /** What cannot become a request is not waited for. */
  private awaitHead(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const fault = faultOfStart(bytes.toString('latin1'));
    if (fault !== undefined) {
      this.refuse(fault, '');
      return;
    }
    if (!this.headBegun) this.since = this.terms.sweep.now;
    this.headBegun = true;
    this.pending = bytes;
  }

  private begin(head: RequestHead): void {
    const { method, contentLength, protocol, expect } = head;
    this.terms.busy(this.socket);
    this.fresh = false;
    this.headBegun = false;
    this.since = this.terms.sweep.now;
    if (method === 'CONNECT') {
      this.state = 'ending';
      this.socket.destroy();
      return;
    }
    const refusal = refusalOf(head, this.terms.maxBodyBytes);
    if (refusal !== undefined) {
      this.answerLast(refusal, versionFor(protocol), method !== 'HEAD');
      return;
    }
    const missing = contentLength ?? 0;
    this.open = { head, chunks: [], missing };
    if (missing > 0 && protocol === '1.1' && expect?.toLowerCase() === '100-continue') this.socket.write(CONTINUE);
    if (missing === 0) this.serve(head, EMPTY);
  }

  private readBody(open: Open, bytes: Buffer): Buffer | undefined {
    const used = Math.min(open.missing, bytes.length);
    open.missing -= used;
    open.chunks.push(used === bytes.length ? bytes : bytes.subarray(0, used));
    if (open.missing > 0) return undefined;
    this.serve(open.head, joinedBytes(open.chunks));
    return used < bytes.length ? bytes.subarray(used) : undefined;
  }

  private serve(head: RequestHead, body: Buffer): void {
    const { method, target, headers } = head;
    this.open = undefined;
    this.state = 'answering';
    const accept = getHeaders(headers, 'accept');
    const result = this.terms.answer({
      method,
      target,
      accept: accept.length === 0 ? undefined : accept.join(', '),
      headers,
      body,
    });
    if (typeof result === 'function') result((answer) => this.answer(head, answer));
    else this.answer(head, result);
  }

  private answer(head: RequestHead, answer: Answer): void {
    if (this.state !== 'answering') return;
    const { method, target, protocol, connection } = head;
    const withBody = method !== 'HEAD';
    this.terms.answered(method, target, answer);
    if (protocol !== '1.1' || (connection !== undefined && hasOption(connection, 'close'))) {
      this.answerLast(answer, versionFor(protocol), withBody);
      return;
    }
    this.state = 'reading';
    this.since = this.terms.sweep.now;
    const bytes = bytesOf(answer, '1.1', false, withBody);
    this.socket.write(bytes, isAscii(answer.body) ? 'latin1' : 'utf8');
    if (this.reading) return;
    if (this.pending === undefined) {
      this.settle();
    } else if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(goOn, this);
    }
  }

  /** The turn of what waits has come. */
  next(): void {
    const { pending } = this;
    this.scheduled = false;
    if (this.state !== 'reading' || pending === undefined) {
      this.settle();
      return;
    }
    this.pending = undefined;
    this.socket.resume();
    this.readOn(pending);
  }

  private keep(bytes: Buffer): void {
    this.pending = this.pending === undefined ? bytes : Buffer.concat([this.pending, bytes]);
    // More than one request may be as large as: what is behind it can wait in the system.
    if (this.pending.length >= this.terms.maxHeadBytes) this.socket.pause();
  }

  private refuse(fault: HeadFault, lines: string): void {
    this.terms.busy(this.socket);
    this.answerLast(text(400, faultText(fault, lines)), '1.1', true);
  }

  private answerLast(answer: Answer, version: '1.0' | '1.1', withBody: boolean): void {
    this.state = 'ending';
    this.since = this.terms.sweep.now;
    this.pending = undefined;
    this.open = undefined;
    const bytes = bytesOf(answer, version, true, withBody);
    closeLingering(this.socket, isAscii(answer.body) ? bytes : Buffer.from(bytes).toString('latin1'));
  }
}

function goOn(connection: ControlConnection): void {
  connection.next();
}

export function text(code: number, body: string): Answer {
  return { code, type: 'text/plain', body };
}

/** What is answered to a head alone, because its body is not to be read; undefined when it is. */
function refusalOf(
  { method, protocol, contentLength, transferEncoding }: RequestHead,
  maxBodyBytes: number,
): Answer | undefined {
  if (protocol === '0.9' || protocol === '2.0') return MALFORMED;
  const known = contentLength !== undefined || BODILESS.has(method);
  if (transferEncoding !== undefined || !known) return text(411, 'Request requires Content-Length.\n');
  return (contentLength ?? 0) > maxBodyBytes ? text(400, 'Request body too large.\n') : undefined;
}

/** One length beyond what can be counted is a large body; all else is a bad one. */
function faultText(fault: HeadFault, lines: string): string {
  if (fault !== 'length') return MALFORMED.body;
  const lengths = lines.match(/^(?:content-length|transfer-encoding):.*$/gim) ?? [];
  const [only = ''] = lengths;
  const countable = lengths.length !== 1 || !/:[\t ]*\d{16,19}[\t ]*$/.test(only);
  return countable ? 'Bad Content-Length.\n' : 'Request body too large.\n';
}

/** The version of an answer: 1.1 to all that do not say 1.0. */
function versionFor(protocol: string): '1.0' | '1.1' {
  return protocol === '1.0' ? '1.0' : '1.1';
}

/** Most answers are, and are written for less as what they are. */
function isAscii(body: string): boolean {
  return Buffer.byteLength(body) === body.length;
}

/** In the original's order of headers. */
function bytesOf({ code, type, body, allow }: Answer, version: string, close: boolean, withBody: boolean): string {
  let head = `HTTP/${version} ${code} ${reasonOf(code)}\r\n`;
  if (allow !== undefined) head += `Allow: ${allow}\r\n`;
  head += `Content-Type: ${type}\r\n`;
  if (close) head += 'Connection: close\r\n';
  return `${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${withBody ? body : ''}`;
}
