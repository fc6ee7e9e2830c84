/** Listening on a Unix socket whose file may have been left behind. */
import { lstatSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';

/** Bytes of a path; libuv would cut a longer one. */
export const MAX_PATH_BYTES = 107;

const IN_USE = ['EADDRINUSE'];
/** What a visit ends with when nobody listens. Any other error (a full queue, permissions) is somebody's. */
const NOBODY = ['ECONNREFUSED', 'ENOENT'];

/**
 * Resolves when `server` listens. The file of a process that has ended is replaced; that of one that lives, and any file
 * that is no socket, stays.
 *
 * @throws Error when the path cannot be had
 */
export async function listenAt(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new Error(`the path has more than ${MAX_PATH_BYTES} bytes`);
  try {
    await listen(server, path);
  } catch (error) {
    if (!hasCode(error, IN_USE) || !isSocket(path) || (await isAnswered(path))) throw error;
    unlinkSync(path);
    await listen(server, path);
  }
}

/**
 * Removes the file of a process that has ended, so that somebody can listen there: for addresses that several processes
 * are about to share.
 */
export async function clearPath(path: string): Promise<void> {
  if (isSocket(path) && !(await isAnswered(path))) unlinkSync(path);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      server.off('listening', listening);
      reject(error);
    };
    const listening = (): void => {
      server.off('error', failed);
      resolve();
    };
    server.once('error', failed);
    server.once('listening', listening);
    server.listen(path);
  });
}

/** Whether somebody listens there, even if it takes nobody at the moment, or not us. */
export function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(!hasCode(error, NOBODY)));
  });
}

function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code);
}
