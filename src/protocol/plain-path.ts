/** What a percent-encoded path says (RFC 3986 2.1, 5.2.4), one character for each byte on either side. */

const ESCAPE = /%([0-9A-Fa-f]{2})/g;

/** Without escapes; a percent sign without two digits behind it stays. */
export function percentDecoded(text: string): string {
  return text.includes('%')
    ? text.replace(ESCAPE, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text;
}

/** Without empty, `.` and `..` segments; a slash at the end stays. @param path - without escapes */
export function cleanPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const clean = `/${kept.join('/')}`;
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean;
}
