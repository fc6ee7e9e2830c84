/** A client's exchange whose answers are dressed for other origins: with CORS headers, or wrapped as JSON-P (specification 3.10, 3.11). */
import type { ClientExchange, ResponseHead } from '../hold/client-connection.js';
import type { HeaderList } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { withCorsHeaders } from './cors.js';
import { JsonpStream, type JsonpWrapping, wrapHeldResponse, wrapResponse } from './jsonp.js';
import { OuterExchange } from './outer-exchange.js';

/** Adds CORS headers to every answer. */
export class CorsExchange extends OuterExchange {
  /** @param request - headers of the client's request */
  constructor(
    inner: ClientExchange,
    private readonly request: HeaderList,
  ) {
    super(inner);
  }

  answer(response: CompleteResponse): void {
    this.inner.answer({ ...response, headers: withCorsHeaders(this.request, response.headers) });
  }

  begin(head: ResponseHead, length: number | undefined): void {
    this.inner.begin({ ...head, headers: withCorsHeaders(this.request, head.headers) }, length);
  }
}

/** Wraps every answer as a call of the client's function. */
export class JsonpExchange extends OuterExchange {
  private stream: JsonpStream | undefined = undefined;
  private held = false;
  /** Bytes of the body as they are written. */
  size = 0;

  /** @param forStreams - the same client, for streams that are held: these are not wrapped (as in the original) */
  constructor(
    inner: ClientExchange,
    readonly forStreams: ClientExchange,
    private readonly wrapping: JsonpWrapping,
  ) {
    super(inner);
  }

  answer(response: CompleteResponse): void {
    const wrapped = this.held ? wrapHeldResponse(this.wrapping, response) : wrapResponse(this.wrapping, response);
    this.size = wrapped.body.length;
    this.inner.answer(wrapped);
  }

  begin(head: ResponseHead): void {
    this.stream = new JsonpStream(this.wrapping, head);
    this.inner.begin(this.stream.head, undefined);
    this.pass(this.stream.start);
  }

  override write(bytes: Buffer): boolean {
    return this.pass(this.stream?.update(bytes) ?? bytes);
  }

  override end(): void {
    if (this.stream !== undefined) this.pass(this.stream.finish());
    this.inner.end();
  }

  /** The hold is over and the origin is asked again: its answer is one like the first. */
  startAnew(): void {
    this.held = false;
  }

  override release(): void {
    this.held = true;
    this.inner.release();
  }

  private pass(bytes: Buffer): boolean {
    this.size += bytes.length;
    return this.inner.write(bytes);
  }
}
