/** `holdfast pinghub`, the originals' command line, its metrics port and its log (pinghub specification 1, 7, 8). */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Child, PROJECT } from '../support/child.js';
import { Opened } from '../support/closing.js';
import { freePorts } from '../support/free-ports.js';
import { Listener } from '../support/pinghub-stage.js';

const PROGRAM = join(PROJECT, 'dist/cli/main.js');
const FRESH =
  'channels.value 0\ndrops5m.value 0.000\npostmsgs5m.value 0.000\nsends5m.value 0.000\nwebsocketmsgs5m.value 0.000\nwebsockets.value 0\n';

/** Milliseconds for a test that starts one process after the other. */
const SEVERAL_STARTS = 60_000;

describe('holdfast pinghub', () => {
  const opened = new Opened();

  function folder(): string {
    return opened.add(mkdtempSync(join(tmpdir(), 'pinghub-')), (path) =>
      rmSync(path, { recursive: true, force: true }),
    );
  }

  function run(...args: readonly string[]): Child {
    return opened.add(Child.node([PROGRAM, 'pinghub', ...args]), (one) => one.stop());
  }

  /** Resolves when somebody listens there. */
  async function listens(to: { readonly port: number } | { readonly path: string }): Promise<void> {
    const deadline = performance.now() + 10_000;
    for (;;) {
      const there = await new Promise<boolean>((resolve) => {
        const socket = connect(to);
        socket.once('connect', () => {
          socket.destroy();
          resolve(true);
        });
        socket.once('error', () => resolve(false));
      });
      if (there) return;
      if (performance.now() > deadline) throw new Error(`nobody listens on ${JSON.stringify(to)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  function metrics(port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = '';
      const socket = connect(port, '127.0.0.1');
      socket.on('data', (bytes) => {
        text += String(bytes);
      });
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
    });
  }

  async function started(...args: readonly string[]) {
    const [port = 0, mport = 0] = await freePorts(2);
    const child = run(`-addr=127.0.0.1:${port}`, '--mport', String(mport), ...args);
    await listens({ port: mport });
    return { port, mport, child };
  }

  it('serves, says nothing, tells its metrics, and ends with 0 on a signal', async () => {
    const { port, mport, child } = await started('-origin', 'https://example.com');
    expect(await metrics(mport)).toBe(FRESH);
    const listener = await Listener.on(opened, `ws://127.0.0.1:${port}/a`, { Origin: 'https://example.com' });
    const refused = new WebSocket(`ws://127.0.0.1:${port}/a`, { headers: { Origin: 'https://example.net' } });
    await new Promise((resolve) => refused.once('error', resolve));
    listener.socket.send('');
    listener.socket.send('x');
    await listener.hears(2);
    for (const path of ['/a', '/nobody']) await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: 'y' });
    await listener.hears(3);
    expect((await metrics(mport)).split('\n').filter((line) => /^(channels|websockets)/.test(line))).toEqual([
      'channels.value 1',
      'websockets.value 1',
    ]);
    // The first look is five seconds after the start: events by five.
    let text = '';
    const deadline = performance.now() + 10_000;
    while (!text.includes('postmsgs5m.value 0.400') && performance.now() < deadline) {
      text = await metrics(mport);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(text).toBe(
      'channels.value 1\ndrops5m.value 0.200\npostmsgs5m.value 0.400\nsends5m.value 0.600\nwebsocketmsgs5m.value 0.200\nwebsockets.value 1\n',
    );
    process.kill(child.pid, 'SIGTERM');
    expect(await listener.closes()).toBe(1001);
    expect(await child.ended()).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
  });

  it('ends also when somebody keeps the metrics port open', async () => {
    const { mport, child } = await started();
    const socket = opened.add(connect({ port: mport, host: '127.0.0.1', allowHalfOpen: true }), (one) => one.destroy());
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('data', resolve));
    process.kill(child.pid, 'SIGTERM');
    expect((await child.ended()).code).toBe(0);
  });

  it('says that a path is too long', async () => {
    const { code, stderr } = await run('-addr', join(folder(), 'x'.repeat(100)), '-mport', '0').ended();
    expect([code, stderr]).toEqual([1, expect.stringContaining('the path has more than 107 bytes')]);
  });

  it('listens on a Unix socket, replaces a stale file, and removes its own', async () => {
    const path = join(folder(), 'socket');
    const [mport = 0, other = 0] = await freePorts(2);
    const killed = run('-addr', path, '-mport', String(other));
    await listens({ path });
    process.kill(killed.pid, 'SIGKILL');
    await killed.ended();
    expect(existsSync(path)).toBe(true);
    const child = run('-addr', path, '-mport', String(mport));
    await listens({ path });
    const answer = await new Promise<string>((resolve, reject) => {
      const request = httpRequest(
        { socketPath: path, path: '/a', method: 'POST', headers: { Host: 'x' } },
        (response) => {
          response.on('data', (bytes) => resolve(String(bytes)));
        },
      );
      request.on('error', reject);
      request.end('hello');
    });
    expect(answer).toBe('OK\n');
    const socket = opened.add(new WebSocket(`ws+unix://${path}:/a`), (one) => one.terminate());
    await new Promise((resolve) => socket.once('open', resolve));
    // One that lives is not replaced.
    const third = await run('-addr', path, '-mport', '0').ended();
    expect([third.code, third.stderr]).toEqual([1, expect.stringContaining(`cannot listen on ${path}`)]);
    process.kill(child.pid, 'SIGINT');
    expect((await child.ended()).code).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  it('does not take the place of a file that is no socket', async () => {
    const path = join(folder(), 'file');
    writeFileSync(path, 'precious');
    const { code, stderr } = await run('-addr', path, '-mport', '0').ended();
    expect([code, stderr]).toEqual([1, expect.stringContaining(`cannot listen on ${path}`)]);
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });

  it('writes its log to an absolute path, and to no other', async () => {
    const log = join(folder(), 'pinghub.log');
    writeFileSync(log, 'before\n');
    const { child } = await started('-log', log);
    process.kill(child.pid, 'SIGTERM');
    await child.ended();
    const when = String.raw`\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}`;
    expect(readFileSync(log, 'utf8')).toMatch(
      new RegExp(
        `^before\n${when} \\*{10} pid ${child.pid} starting \\*{10}\n${when} \\*{10} pid ${child.pid} stopping \\*{10}\n$`,
      ),
    );
    const relative = await started('-log', 'relative.log');
    process.kill(relative.child.pid, 'SIGTERM');
    expect(await relative.child.ended()).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(existsSync(join(PROJECT, 'relative.log'))).toBe(false);
    const missing = await run('-log', join(folder(), 'none', 'x.log')).ended();
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('cannot be opened')]);
  });

  it(
    'says what cannot be had, and ends with 1',
    async () => {
      const taken = opened.add(createServer(), (one) => one.close());
      await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
      const { port } = taken.address() as { port: number };
      for (const [args, words] of [
        [
          ['-addr', `127.0.0.1:${port}`, '-mport', '0'],
          `cannot listen on 127.0.0.1:${port} (-addr): the port is in use\n  Free the address, or give another one.`,
        ],
        [['-addr', '127.0.0.1:0', '-mport', String(port)], `cannot listen on 127.0.0.1:${port} (-mport)`],
        [
          ['-addr', '/nowhere/at/all', '-mport', '0'],
          'cannot listen on /nowhere/at/all (-addr): there is no folder /nowhere/at',
        ],
        [['-addr', '256.0.0.1:80', '-mport', '0'], '-addr must be host:port or an absolute path, not "256.0.0.1:80"'],
        [['-addr', 'nonsense', '-mport', '0'], '-addr must be host:port or an absolute path'],
        [['-addr', '127.0.0.1:99999', '-mport', '0'], '-addr must have a port'],
        [['-addr', '127.0.0.1:0', '-mport', 'x'], '-mport must have a port'],
        [
          ['-addr', '127.0.0.1:0', '-mport', '0', '-origin', 'example.com'],
          '-origin must use format scheme://host[:port], not "example.com"\n  Run holdfast pinghub -h for the flags.',
        ],
      ] as const) {
        const { code, stderr, stdout } = await run(...args).ended();
        expect([code, stdout, stderr], args.join(' ')).toEqual([1, '', expect.stringContaining(words)]);
      }
    },
    SEVERAL_STARTS,
  );

  it(
    'has Go’s flags: usage with 0 when asked for, with 2 for what it does not know',
    async () => {
      for (const [args, code, words] of [
        [['-h'], 0, 'Usage of holdfast pinghub:'],
        [['--help'], 0, '-mport string'],
        [['-nope'], 2, 'flag provided but not defined: -nope'],
        [['-addr'], 2, 'flag needs an argument: -addr'],
        [['-=x'], 2, 'bad flag syntax: -=x'],
        [['---addr'], 2, 'bad flag syntax: ---addr'],
      ] as const) {
        const ending = await run(...args).ended();
        expect([ending.code, ending.stdout, ending.stderr], args.join(' ')).toEqual([
          code,
          '',
          expect.stringContaining(words),
        ]);
      }
    },
    SEVERAL_STARTS,
  );
});
