/** `HOST` or `HOST:PORT` of a routes file, made fit for a Host header. */
import { domainToASCII } from 'node:url';

/** Characters of a host, an address in brackets and a port (RFC 3986 3.2.2). */
const ASCII = /^[\w.~%!$&'()*+,;=:[\]-]+$/;

/** In ASCII, as URLs write it: in lower case, a name of other letters by IDNA. Undefined when it cannot be one. */
export function asciiAuthority(text: string): string | undefined {
  if (ASCII.test(text)) return text.toLowerCase();
  const [, name = '', port = ''] = /^([\w.\-\u{80}-\u{10ffff}]+)(:\d*)?$/u.exec(text) ?? [];
  const host = domainToASCII(name);
  return host === '' ? undefined : host + port;
}
