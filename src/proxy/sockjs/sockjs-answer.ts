/**
 * A client's request to a SockJS path, and the answers it may get (specification 13). Every answer may be read by scripts
 * of any origin, and none may be kept by a cache.
 */
import type { ClientExchange } from '../../hold/client-connection.js';
import { getHeader, type HeaderList } from '../../protocol/headers.js';
import type { CompleteResponse } from '../../protocol/instruct.js';
import { reasonOf } from '../../protocol/status-reasons.js';

const TEXT = 'text/plain';
const JAVASCRIPT = 'application/javascript';

export class SockjsAnswer {
  /**
   * @param request - headers of the client's request
   * @param callback - the script's function that frames are wrapped for; undefined: they go as they are
   */
  constructor(
    readonly exchange: ClientExchange,
    private readonly request: HeaderList,
    private readonly callback: Buffer | undefined,
  ) {}

  /** One frame of the connection. */
  frame(frame: Buffer | string): void {
    if (this.callback === undefined) this.text(200, `${frame}\n`);
    else this.call(this.callback, String(frame));
  }

  /** The client's messages were taken. */
  taken(): void {
    if (this.callback === undefined) this.text(200, 'ok');
    else this.call(this.callback, 'ok');
  }

  /** Plain text, whatever was asked for; a line end is not added. */
  text(code: number, text: string): void {
    this.whole(code, [['Content-Type', TEXT]], Buffer.from(text));
  }

  whole(code: number, headers: HeaderList, body: Buffer): void {
    this.respond({ code, reason: reasonOf(code), headers, body });
  }

  respond(response: CompleteResponse): void {
    this.exchange.answer({ ...response, headers: [...response.headers, ...this.commonHeaders()] });
  }

  private call(callback: Buffer, frame: string): void {
    // U+2028 and U+2029 end a line of a script in older engines, even within a text.
    const argument = JSON.stringify(frame).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
    const body = Buffer.concat([Buffer.from('/**/'), callback, Buffer.from(`(${argument});\n`)]);
    this.whole(200, [['Content-Type', JAVASCRIPT]], body);
  }

  private commonHeaders(): HeaderList {
    return [
      ['Cache-Control', 'no-store, no-cache, must-revalidate, max-age=0'],
      ['Access-Control-Allow-Origin', getHeader(this.request, 'origin') || '*'],
      ['Access-Control-Allow-Credentials', 'true'],
    ];
  }
}
