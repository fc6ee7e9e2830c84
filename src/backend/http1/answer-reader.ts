/**
 * Reads the answers on one connection, one after the other, as their bytes come (RFC 9112). Interim answers are passed
 * over: they are the origin's talk with us (RFC 9110 15.2).
 *
 *     head ──interim──► head        head ──► body: none, by length, in chunks, until the connection ends ──► over
 */
import { ChunkedDecoder } from '../../protocol/http1/chunked-decoder.js';
import { HEAD_END, startOfHead } from '../../protocol/http1/head-bounds.js';
import { isHeadLine, type ResponseHead, readResponseHead } from '../../protocol/http1/response-head.js';

const LF = 0x0a;
const BEGIN = Buffer.from('HTTP/');

/** Takes what is read. */
export interface AnswerSink {
  /** The first byte of an answer has come. */
  answerBegins(): void;
  /** The head of the final answer. */
  answerHead(head: ResponseHead): void;
  /** Views of what is being read: of what is kept there has to be a copy. */
  answerData(piece: Buffer): void;
}

export class AnswerReader {
  /** Whether bytes came with the end of the answer that are not of it: nobody has asked for them. */
  excess = false;
  /** What is wrong with the answer; undefined as long as nothing is. */
  fault: string | undefined = undefined;
  private method = '';
  private head: ResponseHead | undefined = undefined;
  /** Of a head that has not come to its end. */
  private kept: Buffer | undefined = undefined;
  /** Where, in `kept`, the line begins that has not come to its end. */
  private line = 0;
  private heard = false;
  /** Bytes of a body with a length that have not come. */
  private left = 0;
  private chunks: ChunkedDecoder | undefined = undefined;

  /** @param maxHeadBytes - of one head, of all trailers, and of all extensions of a body's chunks */
  constructor(
    private readonly maxHeadBytes: number,
    private readonly sink: AnswerSink,
  ) {}

  /** A request with this method has been written. */
  expect(method: string): void {
    this.method = method;
    this.head = undefined;
    this.heard = false;
  }

  /**
   * Reads on; the sink is told before this returns, and nothing is kept of `bytes` itself.
   *
   * @returns whether the answer is over: it has ended, or there is a `fault`
   */
  read(bytes: Buffer): boolean {
    if (this.head !== undefined) return this.readBody(this.head, bytes, 0);
    const { kept } = this;
    const all = kept === undefined ? bytes : Buffer.concat([kept, bytes]);
    this.kept = undefined;
    const at = this.readHeads(all, kept?.length ?? 0);
    if (this.fault !== undefined) return true;
    return this.head !== undefined && this.readBody(this.head, all, at);
  }

  /** Whether the answer is whole when the connection ends now, in order. */
  get endsWithConnection(): boolean {
    return this.head?.framing === 'until-close';
  }

  /** @returns where the body begins, once there is a final head */
  private readHeads(bytes: Buffer, known: number): number {
    for (let at = 0; ; ) {
      // Empty lines here are left from bodies that were longer than announced.
      at = startOfHead(bytes, at);
      if (at === bytes.length) return at;
      if (!this.heard) {
        this.heard = true;
        this.sink.answerBegins();
      }
      const end = bytes.indexOf(HEAD_END, Math.max(at, known - HEAD_END.length));
      if ((end < 0 ? bytes.length : end + HEAD_END.length) - at > this.maxHeadBytes) {
        this.fault = 'the head of the answer is too large';
        return at;
      }
      if (end < 0) return this.keep(bytes.subarray(at));
      this.line = 0;
      const head = readResponseHead(bytes.toString('latin1', at, end + 2), this.method);
      if (typeof head === 'string') this.fault = `the head of the answer cannot be read: ${head}`;
      else if (head.code === 101) this.fault = 'the origin speaks another protocol';
      at = end + HEAD_END.length;
      if (typeof head === 'string' || this.fault !== undefined) return at;
      if (head.code >= 200) {
        this.begin(head);
        return at;
      }
    }
  }

  /** Keeps the beginning of a head. What can be none any more is not waited for: its end may never come. */
  private keep(bytes: Buffer): number {
    this.kept = Buffer.from(bytes);
    const begun = Math.min(bytes.length, BEGIN.length);
    let sound = bytes.compare(BEGIN, 0, begun, 0, begun) === 0;
    for (let end = bytes.indexOf(LF, this.line); sound && end >= 0; end = bytes.indexOf(LF, this.line)) {
      sound = isHeadLine(bytes.toString('latin1', this.line, end + 1), this.line === 0);
      this.line = end + 1;
    }
    if (!sound) this.fault = 'the head of the answer cannot be read';
    return bytes.length;
  }

  private begin(head: ResponseHead): void {
    this.head = head;
    this.left = head.length;
    if (head.framing === 'chunked') this.chunks = new ChunkedDecoder(this.maxHeadBytes);
    this.sink.answerHead(head);
  }

  private readBody({ framing }: ResponseHead, bytes: Buffer, from: number): boolean {
    switch (framing) {
      case 'length': {
        const end = Math.min(bytes.length, from + this.left);
        this.left -= end - from;
        this.give(bytes, from, end);
        return this.left === 0 && this.ends(bytes, end);
      }
      case 'chunked':
        return this.readChunks(bytes, from);
      case 'until-close':
        this.give(bytes, from, bytes.length);
        return false;
      case 'none':
        return this.ends(bytes, from);
    }
  }

  private give(bytes: Buffer, from: number, to: number): void {
    if (from === to) return;
    this.sink.answerData(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
  }

  private readChunks(bytes: Buffer, from: number): boolean {
    const { chunks } = this;
    if (chunks === undefined) return true;
    const result = chunks.read(bytes, from, this.take);
    if (result === 'more') return false;
    this.chunks = undefined;
    // Trailers are dropped, so that a coding among them has nobody to mislead.
    if (result !== 'end' && result !== 'coding') this.fault = `the chunks of the answer cannot be read: ${result}`;
    return this.ends(bytes, chunks.next);
  }

  private ends(bytes: Buffer, at: number): boolean {
    this.excess = at < bytes.length;
    // An unused connection needs to know nothing.
    this.head = undefined;
    return true;
  }

  private readonly take = (piece: Buffer): void => this.sink.answerData(piece);
}
