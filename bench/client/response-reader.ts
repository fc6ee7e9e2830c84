/**
 * Reads HTTP/1.1 answers as far as a load generator needs: status, framing, bytes of the body where they lie.
 *
 *     head ──► length ─────────────► (end) ──► head
 *          ├─► size ──► data ──► size ... trailer ──► (end)
 *          └─► rest (until the connection closes)
 */

export interface ResponseEvents {
  /** @param head - from the status line to the empty line */
  head(status: number, head: string): void;
  body(bytes: Buffer, start: number, end: number): void;
  end(): void;
}

type State = 'head' | 'length' | 'size' | 'data' | 'data-end' | 'trailer' | 'rest';

const CR = 13;
const LF = 10;

interface Head {
  readonly text: string;
  readonly status: number;
  readonly state: State;
  readonly length: number;
}

export class ResponseReader {
  private state: State = 'head';
  /** Bytes left of a body or a chunk. */
  private left = 0;
  /** A head, a chunk size or a trailer line that is not whole yet. */
  private partial = '';
  /** The last head: most answers of a connection have the same one. */
  private known: Head | undefined = undefined;

  constructor(private readonly events: ResponseEvents) {}

  /** @returns how many bytes were taken: fewer than `end` after the head of an answer that changes the protocol */
  read(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      switch (this.state) {
        case 'head': {
          const next = this.readHead(bytes, at, end);
          if (next < 0) return end;
          at = next;
          if (this.known?.status === 101) return at;
          break;
        }
        case 'length':
        case 'data': {
          const upTo = Math.min(end, at + this.left);
          this.left -= upTo - at;
          const ends = this.left === 0;
          if (ends) this.state = this.state === 'data' ? 'data-end' : 'head';
          this.events.body(bytes, at, upTo);
          if (ends && this.state === 'head') this.events.end();
          at = upTo;
          break;
        }
        case 'rest':
          this.events.body(bytes, at, end);
          return end;
        default:
          at = this.readLine(bytes, at, end);
      }
    }
    return at;
  }

  /** True when a connection that closes now ends an answer in order. */
  get endsWithConnection(): boolean {
    return this.state === 'rest';
  }

  /** @returns where the body begins; -1 when the head is not whole */
  private readHead(bytes: Buffer, start: number, end: number): number {
    let text: string;
    let next: number;
    const found = this.partial === '' ? bytes.indexOf('\r\n\r\n', start, 'latin1') : -1;
    if (found >= 0 && found + 4 <= end) {
      text = bytes.toString('latin1', start, found + 4);
      next = found + 4;
    } else {
      const before = this.partial.length;
      this.partial += bytes.toString('latin1', start, end);
      const at = this.partial.indexOf('\r\n\r\n');
      if (at < 0) return -1;
      text = this.partial.slice(0, at + 4);
      next = start + at + 4 - before;
      this.partial = '';
    }
    const head = this.known?.text === text ? this.known : parseHead(text);
    this.known = head;
    this.state = head.state;
    this.left = head.length;
    this.events.head(head.status, text);
    if (head.state === 'length' && head.length === 0) {
      this.state = 'head';
      if (head.status !== 101) this.events.end();
    }
    return next;
  }

  private readLine(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && bytes[at] !== LF) {
      if (bytes[at] !== CR) this.partial += String.fromCharCode(bytes[at] ?? 0);
      at += 1;
    }
    if (at === end) return end;
    const line = this.partial;
    this.partial = '';
    switch (this.state) {
      case 'size':
        this.left = Number.parseInt(line, 16);
        this.state = this.left > 0 ? 'data' : 'trailer';
        break;
      case 'data-end':
        this.state = 'size';
        break;
      default:
        if (line !== '') break;
        this.state = 'head';
        this.events.end();
    }
    return at + 1;
  }
}

function parseHead(text: string): Head {
  const status = Number(text.slice(9, 12));
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
  if (/\r\ntransfer-encoding: *chunked/i.test(text)) return { text, status, state: 'size', length: 0 };
  if (length !== undefined) return { text, status, state: 'length', length: Number(length) };
  const bodiless = status === 101 || status === 204 || status === 304;
  return { text, status, state: bodiless ? 'length' : 'rest', length: 0 };
}
