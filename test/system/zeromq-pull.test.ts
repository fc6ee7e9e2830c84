/** Publishing through PULL with the publishers there are: libzmq in Node and in Python, that come, go, and come again. */
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EventType, Push } from 'zeromq';
import { createHoldfast } from '../../src/index.js';
import { Child } from '../support/child.js';
import { Opened } from '../support/closing.js';
import { within } from '../support/deadline.js';
import { PULL_ENGINES } from '../support/pull-engines.js';
import { PullSystem } from '../support/pull-system.js';
import { pushOf, pushTo } from '../support/push.js';
import { PYTHON, REQUIREMENTS } from '../support/requirements.js';
import { tnetItem } from '../support/zeromq-messages.js';

const pythonHasZeroMq = REQUIREMENTS.pythonZeroMq.isThere();

function numbers(count: number, prefix = ''): string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}${at}`);
}

function folderOf(opened: Opened): string {
  return opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
}

/** Resolves when the socket tells of an event. */
async function told(push: Push, type: EventType): Promise<void> {
  for await (const event of push.events) if (event.type === type) return;
}

async function sendAll(push: Push, contents: readonly string[]): Promise<void> {
  for (const content of contents) await push.send(tnetItem(content));
}

describe.each(PULL_ENGINES)('publishers of PULL, read by %s', (engine) => {
  const opened = new Opened();

  it('may send and close at once: what lingers arrives', async () => {
    const system = await PullSystem.start(opened, engine);
    const push = pushTo(opened, system.endpoint, { linger: -1 });
    await sendAll(push, numbers(1_000));
    push.close();
    await system.items.taken(1_000);
    expect(system.items.contents).toEqual(numbers(1_000));
  });

  it('may be processes that end when they have sent', async () => {
    const system = await PullSystem.start(opened, engine);
    const script = `
      import { Push } from 'zeromq';
      const push = new Push();
      push.connect(process.argv[1]);
      for (let at = 0; at < 500; at += 1) await push.send(\`J{"channel":"a","http-stream":{"content":"\${at}"}}\`);
      push.close();
    `;
    const args = ['--input-type=module', '-e', script, system.endpoint];
    const child = opened.add(Child.node(args), (one) => one.stop());
    expect(await child.ended()).toMatchObject({ code: 0, stderr: '' });
    await system.items.taken(500);
    expect(system.items.contents).toEqual(numbers(500));
  });

  it.skipIf(!pythonHasZeroMq)('may be Python, with heartbeats', async () => {
    const system = await PullSystem.start(opened, engine);
    const script = [
      'import sys, zmq',
      'push = zmq.Context().socket(zmq.PUSH)',
      'push.setsockopt(zmq.HEARTBEAT_IVL, 20)',
      'push.setsockopt(zmq.HEARTBEAT_TIMEOUT, 5000)',
      'push.connect(sys.argv[1])',
      'item = \'J{"channel":"a","http-stream":{"content":"%d"}}\'',
      'for at in range(500): push.send_string(item % at)',
      // Long enough for several of them: a PONG that did not come in order would end the connection.
      'push.get_monitor_socket().poll(300)',
      'for at in range(500, 1000): push.send_string(item % at)',
    ].join('\n');
    const child = opened.add(Child.start(PYTHON, ['-c', script, system.endpoint]), (one) => one.stop());
    await system.items.taken(1_000);
    expect(await child.ended()).toMatchObject({ code: 0, stderr: '' });
    expect(system.items.contents).toEqual(numbers(1_000));
    expect(system.warnings).toEqual([]);
  });

  it('may be many at once, each in its own order', async () => {
    const system = await PullSystem.start(opened, engine);
    const names = numbers(40, 'publisher-');
    const pushes = names.map(() => pushTo(opened, system.endpoint));
    await Promise.all(pushes.map((push, at) => sendAll(push, numbers(100, `${names[at]} `))));
    await system.items.taken(4_000);
    for (const name of names) {
      const own = system.items.contents.filter((content) => content.startsWith(`${name} `));
      expect(own).toEqual(numbers(100, `${name} `));
    }
  });

  it('may be there before us', async () => {
    const endpoint = `ipc://${folderOf(opened)}/pull`;
    const push = pushOf(opened);
    const refused = told(push, 'connect:retry');
    push.connect(endpoint);
    await sendAll(push, numbers(10));
    await within('a connection that is refused', refused);
    const system = await PullSystem.start(opened, engine, { pull: [endpoint] });
    await system.items.taken(10);
    expect(system.items.contents).toEqual(numbers(10));
  });

  it('find us again after a restart, and send what has waited', async () => {
    const endpoint = `ipc://${folderOf(opened)}/pull`;
    const first = await PullSystem.start(opened, engine, { pull: [endpoint] });
    const push = pushTo(opened, endpoint);
    await sendAll(push, numbers(10));
    await first.items.taken(10);
    const gone = told(push, 'disconnect');
    await first.holdfast.close();
    await within('the end of the connection', gone);
    await sendAll(push, numbers(10, 'later '));
    const second = await PullSystem.start(opened, engine, { pull: [endpoint] });
    await second.items.taken(10);
    expect(second.items.contents).toEqual(numbers(10, 'later '));
  });

  it('may send large messages, as large as the setting says', async () => {
    const system = await PullSystem.start(opened, engine, {
      pull: ['tcp://127.0.0.1:*'],
      pullMaxMessageBytes: 3_000_000,
    });
    const push = pushTo(opened, system.endpoint);
    const large = 'x'.repeat(2_999_900);
    await push.send(tnetItem(large));
    await push.send(Buffer.alloc(3_000_001));
    await push.send(tnetItem('next'));
    await system.items.taken(2);
    expect(system.items.contents.map((content) => content.length)).toEqual([large.length, 4]);
    expect(system.holdfast.counters.dropped['invalid-item']).toBe(1);
    expect(system.warnings).toEqual([
      'warn IN pull: received message of more than 3000000 bytes (zeromq.pull_max_message_bytes), skipping',
    ]);
  });
});

describe.each(PULL_ENGINES)('addresses of PULL, opened by %s', (engine) => {
  const opened = new Opened();

  it('are told as they are', async () => {
    const ipc = `ipc://${folderOf(opened)}/pull`;
    const system = await PullSystem.start(opened, engine, { pull: ['tcp://127.0.0.1:*', ipc, 'tcp://*:0'] });
    const { pull } = system.holdfast.addresses;
    expect(pull).toEqual([
      expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d{2,5}$/),
      ipc,
      expect.stringMatching(/^tcp:\/\/0\.0\.0\.0:\d{2,5}$/),
    ]);
    for (const [at, endpoint] of pull.entries()) {
      const push = pushTo(opened, endpoint);
      await push.send(tnetItem(`${at}`));
      await system.items.taken(at + 1);
    }
    expect(system.items.contents).toEqual(['0', '1', '2']);
  });

  it('of ipc have the permissions of the setting, and replace what was left behind', async () => {
    const path = join(folderOf(opened), 'pull');
    const script = `
      import { createServer } from 'node:net';
      createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'));
    `;
    await opened.add(Child.node(['--input-type=module', '-e', script, path]), (one) => one.stop()).ended();
    expect(statSync(path).isSocket()).toBe(true);
    const system = await PullSystem.start(opened, engine, { pull: [`ipc://${path}`], ipcFileMode: 0o620 });
    expect(statSync(path).mode & 0o777).toBe(0o620);
    const push = pushTo(opened, `ipc://${path}`);
    await push.send(tnetItem('a'));
    await system.items.taken(1);
    await system.holdfast.close();
    // libzmq leaves it there.
    if (engine === 'holdfast') expect(existsSync(path)).toBe(false);
  });

  it('that cannot be had are told with setting and reason', async () => {
    const { endpoint } = await PullSystem.start(opened, engine);
    const folder = folderOf(opened);
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const long = `ipc://${folder}/${'x'.repeat(100)}`;
    for (const [spec, why] of [
      [endpoint, 'Address already in use'],
      ['tcp://192.0.2.1:5560', 'Cannot assign requested address'],
      [`ipc://${folder}`, 'Address already in use'],
      [long, 'File name too long'],
      [`ipc://${file}/pull`, `EEXIST: file already exists, mkdir '${file}'`],
      ['tcp://127.0.0.1', 'Invalid argument'],
    ] as const) {
      const settings = { zeromq: { pull: [spec], pullEngine: engine } };
      await expect(createHoldfast({ settings })).rejects.toMatchObject({
        code: 'HOLDFAST_LISTEN_FAILED',
        message: expect.stringContaining(`unable to bind to ${spec} (setting zeromq.pull): ${why}`),
      });
    }
  });
});

describe('PULL', () => {
  const opened = new Opened();

  it('listens on IPv6 too', async () => {
    const system = await PullSystem.start(opened, 'holdfast', { pull: ['tcp://[::1]:*'] });
    expect(system.endpoint).toMatch(/^tcp:\/\/\[::1\]:\d+$/);
    const push = pushTo(opened, system.endpoint, { ipv6: true });
    await push.send(tnetItem('six'));
    await system.items.endWith('six');
  });

  it('leaves a host name to libzmq, and says so', async () => {
    const system = await PullSystem.start(opened, 'holdfast', { pull: ['tcp://127.0.0.1:*', 'tcp://localhost:*'] });
    const [, second = ''] = system.holdfast.addresses.pull;
    const push = pushTo(opened, second);
    await push.send(tnetItem('a'));
    await system.items.endWith('a');
    expect(system.log.lines.filter((line) => line.includes('libzmq'))).toEqual([
      'info zeromq.pull tcp://localhost:* is left to libzmq: it is neither an IP address nor the path of a file',
    ]);
  });

  it('needs no package, which everything else that is ZeroMQ asks for', async () => {
    const hook = `export const resolve = (name, context, next) => {
      if (name === 'zeromq') throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' });
      return next(name, context);
    };`;
    const script = `
      import { register } from 'node:module';
      register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}));
      const { createHoldfast } = await import('./dist/index.js');
      const say = (text) => console.log(text);
      const logger = { error: say, warn: say, info: () => {}, debug: () => {}, enabled: () => false };
      const any = 'tcp://127.0.0.1:*';
      for (const pullEngine of ['libzmq', 'holdfast']) {
        const zeromq = { pull: [any, 'tcp://localhost:*'], sub: [any], pullEngine };
        const holdfast = await createHoldfast({ logger, settings: { zeromq } });
        const { pull, sub } = holdfast.addresses;
        console.log(JSON.stringify({ pull: pull.length, sub }));
        if (pullEngine === 'libzmq') await holdfast.close();
        else console.log('at ' + pull[0]);
        holdfast.once('publish', async (item) => {
          await holdfast.close();
          console.log(item.formats.stream.content.toString());
        });
      }
    `;
    const child = opened.add(Child.node(['--input-type=module', '-e', script]), (one) => one.stop());
    const [, endpoint = ''] = await child.says(/^at (.*)$/m);
    const push = pushTo(opened, endpoint);
    await push.send(tnetItem('without'));
    const { stdout, stderr } = await child.ended();
    const missing = (what: string): string =>
      `${what} needs the package zeromq, which is not installed: npm install zeromq, or remove what needs it`;
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n')).toEqual([
      missing('reading PULL by libzmq (setting zeromq.pull_engine)'),
      missing('publishing by topic (setting zeromq.sub)'),
      '{"pull":0,"sub":[]}',
      missing('the address tcp://localhost:* (setting zeromq.pull)'),
      missing('publishing by topic (setting zeromq.sub)'),
      '{"pull":1,"sub":[]}',
      `at ${endpoint}`,
      'without',
    ]);
  });
});
