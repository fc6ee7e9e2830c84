/** Paths of ipc sockets before they are bound: libzmq would remove whatever file is there, and whoever listens on it. */
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAnswered } from '../sockets/unix-socket.js';
import { makeFolder } from './make-folder.js';

/** libzmq goes on listening for a moment after its socket was closed; milliseconds of one wait, and how many there are. */
const PAUSE = 20;
const PAUSES = 10;

/**
 * Makes the folder, and resolves when nobody is in the way: a socket that a process left behind is not.
 * @throws Error when somebody listens there, when the file is another one, or when the folder cannot be made
 */
export async function preparePath(path: string): Promise<void> {
  makeFolder(dirname(path));
  for (let waited = 0; waited <= PAUSES; waited += 1) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (!found.isSocket()) break;
    if (!(await isAnswered(path))) return;
    await pause(PAUSE);
  }
  throw Object.assign(new Error('Address already in use'), { code: 'EADDRINUSE' });
}
