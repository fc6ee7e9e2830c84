/** Reads HTTP/1.1 requests as far as the origin of a benchmark needs: target and body. */

const HEAD_END = '\r\n\r\n';

export class RequestReader {
  private unread: Buffer = Buffer.alloc(0);

  constructor(private readonly request: (target: string, body: Buffer) => void) {}

  read(bytes: Buffer): void {
    this.unread = this.unread.length === 0 ? bytes : Buffer.concat([this.unread, bytes]);
    while (this.readOne());
  }

  private readOne(): boolean {
    const headEnd = this.unread.indexOf(HEAD_END);
    if (headEnd < 0) return false;
    const head = this.unread.toString('latin1', 0, headEnd);
    const start = headEnd + HEAD_END.length;
    const whole = /\r\ntransfer-encoding: *chunked/i.test(head)
      ? chunkedBody(this.unread, start)
      : lengthBody(this.unread, start, Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0));
    if (whole === undefined) return false;
    this.unread = this.unread.subarray(whole.end);
    const from = head.indexOf(' ') + 1;
    this.request(head.slice(from, head.indexOf(' ', from)), whole.body);
    return this.unread.length > 0;
  }
}

interface Whole {
  readonly body: Buffer;
  /** Where the next request begins. */
  readonly end: number;
}

function lengthBody(bytes: Buffer, start: number, length: number): Whole | undefined {
  const end = start + length;
  return end <= bytes.length ? { body: bytes.subarray(start, end), end } : undefined;
}

function chunkedBody(bytes: Buffer, start: number): Whole | undefined {
  const chunks: Buffer[] = [];
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (next > bytes.length) return undefined;
    if (size === 0) return { body: Buffer.concat(chunks), end: next };
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = next;
  }
}
