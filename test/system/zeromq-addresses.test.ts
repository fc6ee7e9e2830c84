/** Addresses of the ZeroMQ sockets that cannot be had: the start ends with one sentence, and nothing stays open. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createHoldfast, type HoldfastOptions } from '../../src/index.js';
import { Asker } from '../support/asker.js';
import { Child, PROJECT } from '../support/child.js';
import { Opened, pullEndpoint } from '../support/closing.js';
import { freePorts } from '../support/free-ports.js';
import { PULL_ENGINES } from '../support/pull-engines.js';

const ANYWHERE = 'tcp://127.0.0.1:*';

/** Each socket, with the settings that have it. */
const SOCKETS = [
  ...PULL_ENGINES.map((pullEngine) => ['pull', { pullEngine }] as const),
  ['sub', {}],
  ['rep', {}],
] as const;

describe.each(SOCKETS)('an address of zeromq.%s (%j)', (name, more) => {
  const opened = new Opened();

  function folder(): string {
    return opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
  }

  function at(spec: string): HoldfastOptions {
    return { settings: { zeromq: { ...more, [name]: [spec] } } };
  }

  async function fails(spec: string, why: string | RegExp): Promise<void> {
    const error: unknown = await createHoldfast(at(spec)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'HOLDFAST_LISTEN_FAILED' });
    const { message } = error as Error;
    const start = `unable to bind to ${spec} (setting zeromq.${name}): `;
    expect(message.slice(0, start.length)).toBe(start);
    if (typeof why === 'string') expect(message.slice(start.length)).toBe(why);
    else expect(message.slice(start.length)).toMatch(why);
  }

  it('that is taken is refused, and stays with who has it', async () => {
    const holdfast = await opened.holdfast({ settings: { zeromq: { pull: [ANYWHERE] } } });
    await fails(pullEndpoint(holdfast), 'Address already in use');
    const path = join(folder(), 'socket');
    let visitors = 0;
    const server = opened.add(
      createServer((socket) => {
        visitors += 1;
        socket.destroy();
      }),
      (one) => one.close(),
    );
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await fails(`ipc://${path}`, 'Address already in use');
    const before = visitors;
    await new Promise((resolve) => connect(path).on('close', resolve));
    expect(visitors).toBe(before + 1);
  });

  it('that is a file of another kind is refused, and the file stays', async () => {
    const file = join(folder(), 'precious');
    writeFileSync(file, 'content');
    await fails(`ipc://${file}`, 'Address already in use');
    expect(readFileSync(file, 'utf8')).toBe('content');
    await fails(`ipc://${file}/socket`, `EEXIST: file already exists, mkdir '${file}'`);
  });

  // Of the folders that every Linux has, one where not even root may make a file. In /proc nothing can be made, and
  // Node itself would try to for ever.
  it.skipIf(process.platform !== 'linux')('in a folder that cannot be written is refused', async () => {
    await fails('ipc:///sys/socket', /^(Permission denied|Operation not permitted)$/);
    await fails('ipc:///sys/holdfast/socket', /^(EACCES: permission denied|EPERM: operation not permitted), mkdir /);
    await fails('ipc:///proc/nope/deeper/socket', "ENOENT: no such file or directory, mkdir '/proc/nope'");
  });

  it('that is none of this machine, or none at all, is refused', async () => {
    await fails('tcp://192.0.2.1:5560', 'Cannot assign requested address');
    await fails('tcp://127.0.0.1', 'Invalid argument');
    await fails('tcp://127.0.0.1:65536', 'Invalid argument');
  });

  it('that cannot be had ends the start, and what was opened before it is free again', async () => {
    const [port = 0] = await freePorts(1);
    const good = `tcp://127.0.0.1:${port}`;
    const settings = { zeromq: { ...more, [name]: [good, 'tcp://192.0.2.1:1'] } };
    await expect(createHoldfast({ settings })).rejects.toMatchObject({ code: 'HOLDFAST_LISTEN_FAILED' });
    // libzmq lets go of it a moment after it was told to.
    const again = async (tries: number): Promise<void> => {
      try {
        await opened.holdfast(at(good));
      } catch (error) {
        if (tries === 0) throw error;
        await again(tries - 1);
      }
    };
    await again(50);
  });

  it('that is left behind by a Holdfast that ended is taken over at once', async () => {
    const spec = `ipc://${folder()}/socket`;
    for (let time = 0; time < 5; time += 1) {
      const holdfast = await opened.holdfast(at(spec));
      await holdfast.close();
    }
  });
});

describe('a start that fails for an address', () => {
  const opened = new Opened();

  it.each(['pull', 'sub', 'rep'] as const)('says in one sentence which and why, and what to do: %s', async (name) => {
    const holdfast = await opened.holdfast({ settings: { zeromq: { rep: [ANYWHERE] } } });
    const [taken = ''] = holdfast.addresses.rep;
    const off = ['pull', 'sub', 'rep'].filter((one) => one !== name).map((one) => `zeromq.${one}=`);
    const args = [...off, 'control.listen=127.0.0.1:0', `zeromq.${name}=${taken}`].flatMap((one) => ['--set', one]);
    const program = join(PROJECT, 'dist/cli/main.js');
    const child = opened.add(Child.node([program, '--port', '127.0.0.1:0', '--route', '* test', ...args]), (one) =>
      one.stop(),
    );
    const { code, stderr } = await child.ended();
    expect(code).toBe(1);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(
        `^holdfast: unable to bind to ${taken} \\(setting zeromq\\.${name}\\): Address already in use; settings from .+$`,
      ),
      expect.stringMatching(
        /^ {2}Free the address or put another one into the setting named.* \[HOLDFAST_LISTEN_FAILED\]$/,
      ),
      '',
    ]);
    expect(await Asker.to(opened, taken).ask('recover')).toMatchObject({ success: true });
  });
});
