/** Paths of Unix sockets: whoever lives keeps its own, though it cannot take anybody at the moment. */
import { lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listenAt } from '../../src/sockets/unix-socket.js';
import { preparePath } from '../../src/zeromq/ipc-path.js';
import { Child } from '../support/child.js';
import { Opened } from '../support/closing.js';

/** Listens, and takes nobody: its queue is full with the second visitor. */
const BUSY = `
  const [path] = process.argv.slice(1);
  require('node:net').createServer().listen({ path, backlog: 1 }, () => {
    process.stdout.write('there\\n', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** The error of a visit; undefined for one that is let in, or queued. */
function visit(opened: Opened, path: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const socket = opened.add(connect(path), (one) => one.destroy());
    socket.once('connect', () => resolve(undefined));
    socket.on('error', resolve);
  });
}

// Elsewhere a full queue refuses, as nobody does.
describe.skipIf(process.platform !== 'linux')('a Unix socket', () => {
  const opened = new Opened();

  function pathOfOwn(): string {
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
    return join(folder, 'socket');
  }

  async function listenThere(path: string): Promise<void> {
    await listenAt(
      opened.add(createServer(), (server) => server.close()),
      path,
    );
  }

  it.each([
    ['listen', listenThere, 'listen EADDRINUSE'],
    ['bind with libzmq', preparePath, 'Address already in use'],
  ])('of a process that is too busy to answer stays: %s', async (_what, take, why) => {
    const path = pathOfOwn();
    const busy = opened.add(Child.node(['-e', BUSY, path]), (one) => one.stop());
    await busy.says(/there/);
    let error: NodeJS.ErrnoException | undefined;
    while (error === undefined) error = await visit(opened, path);
    expect(error.code).toBe('EAGAIN');
    await expect(take(path)).rejects.toThrow(why);
    expect(lstatSync(path).isSocket()).toBe(true);
  });

  it.each([
    ['listen', listenThere],
    ['bind with libzmq', preparePath],
  ])('of a process that has ended is in nobody’s way: %s', async (_what, take) => {
    const path = pathOfOwn();
    const dead = Child.node(['-e', BUSY, path]);
    await dead.says(/there/);
    await dead.stop();
    expect((await visit(opened, path))?.code).toBe('ECONNREFUSED');
    await take(path);
  });
});
