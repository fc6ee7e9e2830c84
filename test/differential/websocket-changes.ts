/** Changes that explained differences over WebSockets make; see `changes.ts`. */
import { type Apply, exchanging } from './changes.js';

/** The line of a 101 behind which the client's frames stand. */
export const ACCEPTED = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** The line where it stands first. */
export const onceExchanging = (line: string, instead?: string): Apply => {
  return (lines) => {
    const at = lines.indexOf(line);
    return lines.flatMap((each, i) => (i === at ? (instead ?? []) : each));
  };
};

/** What the client gets first after its handshake. */
export const hearing = (...frames: readonly string[]): Apply => exchanging([ACCEPTED, [ACCEPTED, ...frames]]);
