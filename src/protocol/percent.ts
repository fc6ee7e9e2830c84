/** Percent-encoded text (RFC 3986 2.1), one character for each byte on either side. */

const ESCAPE = /%([0-9A-Fa-f]{2})/g;

/** Without escapes; a percent sign without two digits behind it stays. */
export function percentDecoded(text: string): string {
  return text.includes('%')
    ? text.replace(ESCAPE, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text;
}
