import type { Socket } from 'node:net';
import { isClosed } from './origin-failure.js';

/**
 * Leaves it to the reading side to find out that a connection is lost. An origin that answers early and hangs up has its
 * answer wait in the system's buffer, and a socket whose writing failed is never read again.
 */
export function hearOut(socket: Socket): void {
  const write = socket._write;
  const writeAll = socket._writev;
  socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, unlessClosed(done));
  if (writeAll !== undefined) socket._writev = (chunks, done) => writeAll.call(socket, chunks, unlessClosed(done));
}

function unlessClosed(done: (error?: Error | null) => void): (error?: Error | null) => void {
  return (error) => done(error !== undefined && error !== null && isClosed(error) ? null : error);
}
