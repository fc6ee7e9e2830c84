/** The page that SockJS clients load into a frame to get around the rules for other origins (specification 13). */
import { createHash } from 'node:crypto';

export interface IframePage {
  readonly body: Buffer;
  /** In its quotes. */
  readonly etag: string;
}

/** @param scriptUrl - where the page loads the client's script from */
export function iframePage(scriptUrl: string): IframePage {
  const lines = [
    '<!DOCTYPE html>',
    '<html>',
    '<head>',
    '  <meta http-equiv="X-UA-Compatible" content="IE=edge" />',
    '  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />',
    `  <script src="${scriptUrl}"></script>`,
    '  <script>',
    '    document.domain = document.domain;',
    '    SockJS.bootstrap_iframe();',
    '  </script>',
    '</head>',
    '<body>',
    "  <h2>Don't panic!</h2>",
    "  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>",
    '</body>',
    '</html>',
  ];
  const body = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  return { body, etag: `"${createHash('md5').update(body).digest('hex')}"` };
}
