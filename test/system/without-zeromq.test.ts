/** The built package where the optional package `zeromq` is not installed: all else runs, and what needs it says so once. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chunk } from '../support/attack-stage.js';
import { Child, PROJECT } from '../support/child.js';
import { Opened } from '../support/closing.js';
import { pushTo } from '../support/push.js';
import { tnetItem } from '../support/zeromq-messages.js';

const ANYWHERE = 'tcp://127.0.0.1:*';

/** The whole sentence behind what needs the package. */
const NEEDS = 'needs the package zeromq, which is not installed: npm install zeromq, or remove what needs it';

/** A copy of the package as it is installed, without the module: found neither there nor from there. */
function copyOf(opened: Opened): string {
  const folder = opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
  for (const part of ['dist', 'config', 'package.json']) {
    cpSync(join(PROJECT, part), join(folder, part), { recursive: true });
  }
  mkdirSync(join(folder, 'node_modules'));
  for (const name of readdirSync(join(PROJECT, 'node_modules'))) {
    if (name === 'zeromq' || name.startsWith('.')) continue;
    symlinkSync(join(PROJECT, 'node_modules', name), join(folder, 'node_modules', name));
  }
  return folder;
}

describe('without the package zeromq', () => {
  const opened = new Opened();

  /** The command with these settings and routes on free ports; it serves. */
  async function start(
    settings: readonly string[],
    routes: readonly string[] = [],
    workers = 1,
    folder = copyOf(opened),
  ) {
    const all = ['control.listen=127.0.0.1:0', 'zeromq.pull=', 'zeromq.sub=', 'zeromq.rep=', ...settings];
    const args = [
      ...['--port', '127.0.0.1:0', '--workers', `${workers}`],
      ...all.flatMap((setting) => ['--set', setting]),
      ...[...routes, '* test'].flatMap((route) => ['--route', route]),
    ];
    const child = opened.add(Child.node([join(folder, 'dist/cli/main.js'), ...args], { cwd: folder }), (one) =>
      one.stop(),
    );
    const [, port] = await child.says(/clients: listening on http:\/\/127\.0\.0\.1:(\d+)\n/);
    await child.says(/try: curl/);
    return { child, port: Number(port) };
  }

  /** Lines about the package, without their level and time. */
  function told({ output }: Child): string[] {
    const lines = output.split('\n').filter((line) => line.includes('zeromq') && !line.includes('ZeroMQ PULL'));
    return lines.map((line) => line.split(' ').slice(3).join(' '));
  }

  async function ends(child: Child): Promise<void> {
    child.signal('SIGTERM');
    expect(await child.ended()).toMatchObject({ code: 0, stderr: '' });
  }

  it.each([1, 2])('it starts, serves, and takes what is PUSHed: %i workers', async (workers) => {
    const { child, port } = await start([`zeromq.pull=${ANYWHERE}`], [], workers);
    const [, endpoint = ''] = await child.says(/ZeroMQ PULL: publish to (.*)\n/);
    const client = await opened.get(port, '/stream?channel=news');
    await client.readUntil('[stream opened]\n\r\n');
    await pushTo(opened, endpoint).send(tnetItem('hello\n'));
    expect(await client.readAsLongAs(chunk('hello\n'))).toBe(chunk('hello\n'));
    expect(told(child)).toEqual([]);
    await ends(child);
  });

  it.each([
    ['zeromq.sub', [`zeromq.sub=${ANYWHERE}`], 'publishing by topic (setting zeromq.sub)'],
    [
      'zeromq.sub of several addresses',
      [`zeromq.sub=${ANYWHERE},${ANYWHERE}`],
      'publishing by topic (setting zeromq.sub)',
    ],
    ['zeromq.rep', [`zeromq.rep=${ANYWHERE}`], 'commands over ZeroMQ (setting zeromq.rep)'],
    ['zeromq.stats', [`zeromq.stats=${ANYWHERE}`], 'telling what happens (setting zeromq.stats)'],
    [
      'zeromq.pull_engine',
      [`zeromq.pull=${ANYWHERE},${ANYWHERE}`, 'zeromq.pull_engine=libzmq'],
      'reading PULL by libzmq (setting zeromq.pull_engine)',
    ],
    ['a host name for PULL', ['zeromq.pull=tcp://localhost:*'], 'the address tcp://localhost:* (setting zeromq.pull)'],
  ])('%s says so in one sentence, and the rest serves', async (_what, settings, who) => {
    const { child, port } = await start(settings);
    expect(told(child)).toEqual([`${who} ${NEEDS}`]);
    expect((await (await opened.get(port, '/')).readAnswer()).status).toBe(200);
    await ends(child);
  });

  it('tells it once for several workers', async () => {
    const { child } = await start([`zeromq.sub=${ANYWHERE}`], [], 2);
    expect(told(child)).toEqual([`publishing by topic (setting zeromq.sub) ${NEEDS}`]);
    await ends(child);
  });

  it.each(['zhttpreq', 'zhttp'])(
    'a route to %s/ says so in one sentence, is answered 502, and others serve',
    async (kind) => {
      const target = `${kind}/${ANYWHERE}`;
      const { child, port } = await start([], [`handler.example ${target}`]);
      expect(told(child)).toEqual([`the route target ${target} ${NEEDS}`]);
      const client = await opened.client(port);
      client.write('GET / HTTP/1.1\r\nHost: handler.example\r\n\r\n');
      expect((await client.readAnswer()).status).toBe(502);
      client.write('GET / HTTP/1.1\r\nHost: other.example\r\n\r\n');
      expect((await client.readAnswer()).status).toBe(200);
      await ends(child);
    },
  );

  it('one that is there and cannot be loaded is told with the reason', async () => {
    const folder = copyOf(opened);
    const broken = join(folder, 'node_modules/zeromq');
    mkdirSync(broken);
    writeFileSync(join(broken, 'package.json'), '{"name":"zeromq","main":"index.js"}');
    writeFileSync(join(broken, 'index.js'), 'throw new Error("No native build was found\\nat all");');
    const { child } = await start([`zeromq.rep=${ANYWHERE}`], [], 1, folder);
    expect(told(child)).toEqual([
      'commands over ZeroMQ (setting zeromq.rep) needs the package zeromq, which cannot be loaded (No native build was found): npm install zeromq, or remove what needs it',
    ]);
    await ends(child);
  });
});
