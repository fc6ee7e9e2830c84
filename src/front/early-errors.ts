/** Answers to what is not a request that can be proxied, in the original's form and words (specification 15.4). */

/** The whole answer; the connection is closed after it. */
export function earlyError(status: string, text: string, version: '1.0' | '1.1' = '1.0'): string {
  const body = `${text}\n`;
  return `HTTP/${version} ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

export const TOO_MANY_HEADERS = 'Failed to parse request: too many headers';
export const UNSUPPORTED_TRANSFER_ENCODING = 'Failed to parse request: unsupported transfer encoding';
export const BAD_UPGRADE =
  'Request contained an Upgrade header with value "websocket" but the request was not a valid WebSocket request.';

/** Text for what `node:http`'s parser refused; `code` is the error's. */
export function parseErrorText(code: string | undefined, maxHeadBytes: number): string {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return `Request header size exceeded limit of ${maxHeadBytes} bytes.`;
    case 'HPE_INVALID_CONTENT_LENGTH':
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
      return 'Failed to parse request: invalid content length';
    case 'HPE_INVALID_TRANSFER_ENCODING':
      return UNSUPPORTED_TRANSFER_ENCODING;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'Request was not received in time.';
    default:
      return 'Failed to parse request: invalid token';
  }
}
