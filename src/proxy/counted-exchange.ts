/** A client's exchange whose bytes are counted for the stats socket, as they were before anything framed them. */
import type { Prefetched, RequestBody } from '../front/client-request.js';
import type { ClientExchange, ResponseHead } from '../hold/client-connection.js';
import { responseHeadBytes, type Traffic } from '../observe/stats/traffic.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { OuterExchange } from './outer-exchange.js';

const CR = 0x0d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const LETTER_A = 0x61;
/** Bytes behind a size and behind its content. */
const LINE_ENDS = 4;

export class CountedExchange extends OuterExchange {
  constructor(
    inner: ClientExchange,
    private readonly traffic: Traffic,
  ) {
    super(inner);
  }

  answer(response: CompleteResponse): void {
    const { code, reason, headers, body } = response;
    this.traffic.clientHeaderSent += responseHeadBytes(code, reason, headers);
    if (this.framing !== 'none') this.traffic.clientContentSent += body.length;
    this.inner.answer(response);
  }

  begin(head: ResponseHead, length: number | undefined): void {
    this.traffic.clientHeaderSent += responseHeadBytes(head.code, head.reason, head.headers);
    this.inner.begin(head, length);
  }

  override write(bytes: Buffer): boolean {
    this.traffic.clientContentSent += bytes.length;
    return this.inner.write(bytes);
  }

  override writeFramed(bytes: Buffer): boolean {
    this.traffic.clientContentSent += this.framing === 'chunked' ? contentOfChunks(bytes) : bytes.length;
    return this.inner.writeFramed(bytes);
  }
}

/** A request's body whose bytes are counted as they are read. */
export class CountedBody implements RequestBody {
  constructor(
    private readonly inner: RequestBody,
    private readonly traffic: Traffic,
  ) {}

  get length(): number | undefined {
    return this.inner.length;
  }

  prefetch(limit: number, done: (prefetched: Prefetched) => void): void {
    this.inner.prefetch(limit, (prefetched) => {
      this.traffic.clientContentReceived += prefetched.bytes.length;
      done(prefetched);
    });
  }

  async *rest(): AsyncIterable<Buffer> {
    for await (const chunk of this.inner.rest()) {
      this.traffic.clientContentReceived += chunk.length;
      yield chunk;
    }
  }
}

/** Bytes of content in whole chunks, as our own encoder makes them. */
function contentOfChunks(bytes: Buffer): number {
  let content = 0;
  let at = 0;
  while (at < bytes.length) {
    let size = 0;
    // Digits in lower case, up to the CR.
    for (let digit = bytes[at] ?? CR; digit !== CR; digit = bytes[at] ?? CR) {
      size = size * 16 + digit - (digit > DIGIT_9 ? LETTER_A - 10 : DIGIT_0);
      at += 1;
    }
    content += size;
    at += LINE_ENDS + size;
  }
  return content;
}
