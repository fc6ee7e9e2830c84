/** The command as a person starts it: the built program in a process of its own. */
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child, PROJECT } from '../support/child.js';
import { clientPort, Opened } from '../support/closing.js';

const PROGRAM = join(PROJECT, 'dist/cli/main.js');
/** Free ports everywhere, and nothing that another Holdfast on this machine may have taken. */
const APART = [
  '--port',
  '127.0.0.1:0',
  '--set',
  'control.listen=127.0.0.1:0',
  '--set',
  'zeromq.pull=',
  '--set',
  'zeromq.sub=',
  '--set',
  'zeromq.rep=',
];

describe('the command', () => {
  const opened = new Opened();

  /** An empty folder: no configuration of anybody's is found there. */
  async function folder(): Promise<string> {
    return opened.add(await mkdtemp(join(tmpdir(), 'holdfast-')), (path) => rm(path, { recursive: true }));
  }

  function run(cwd: string, ...args: readonly string[]): Child {
    return opened.add(Child.node([PROGRAM, ...args], { cwd }), (child) => child.stop());
  }

  it('starts, says its real ports, serves clients and publishers', async () => {
    const child = run(await folder(), ...APART, '--route', '* test');
    const port = Number((await child.says(/clients: listening on http:\/\/127\.0\.0\.1:(\d+)\n/))[1]);
    const control = (await child.says(/publish with POST (http:\/\/127\.0\.0\.1:\d+\/publish\/)\n/))[1] ?? '';
    await child.says(/routes: 1 route given on the command line/);
    await child.says(new RegExp(`try: curl -i http://127\\.0\\.0\\.1:${port}/\\n`));

    const client = await opened.get(port, '/stream');
    await client.readUntil('[stream opened]\n\r\n');
    const body = '{"items":[{"channel":"test","formats":{"http-stream":{"content":"hello\\n"}}}]}';
    expect((await fetch(control, { method: 'POST', body })).status).toBe(200);
    expect(await client.readUntil('\n\r\n')).toBe('6\r\nhello\n\r\n');
    await child.says(/publish channel=test receivers=1\n/);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends with code 0 on %s, and its streams end complete', async (signal) => {
    const child = run(await folder(), ...APART, '--route', '* test');
    const port = Number((await child.says(/clients: listening on http:\/\/127\.0\.0\.1:(\d+)\n/))[1]);
    await child.says(/try: curl/);
    const client = await opened.get(port, '/stream');
    await client.readUntil('[stream opened]\n\r\n');
    child.signal(signal);
    expect(await client.readUntil('0\r\n\r\n')).toBe('0\r\n\r\n');
    const ending = await child.ended();
    expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(ending.stdout).toMatch(new RegExp(`${signal} received, closing\\n.*closed\\n$`, 's'));
  });

  it('reads its routes again on SIGHUP', async () => {
    const cwd = await folder();
    await writeFile(join(cwd, 'routes'), '* test\n');
    await writeFile(join(cwd, 'holdfast.yaml'), 'routes:\n  file: routes\n');
    const child = run(cwd, ...APART);
    await child.says(/try: curl/);
    // The file did not change: that it is read is due to the signal alone.
    child.signal('SIGHUP');
    await child.says(/reloading\n(?:.*\n)*?.*routes loaded with 1 entries\n/);
    child.signal('SIGTERM');
    expect((await child.ended()).stdout).not.toContain('routes file changed');
  });

  it('starts from a pushpin.conf whose routes file is not there yet, and takes it when it comes', async () => {
    const cwd = await folder();
    await writeFile(join(cwd, 'pushpin.conf'), '[proxy]\nroutesfile=routes\n');
    const child = run(cwd, '--config', 'pushpin.conf', ...APART);
    await child.says(/unable to open routes file: .*routes\n/);
    const port = Number((await child.says(/clients: listening on http:\/\/127\.0\.0\.1:(\d+)\n/))[1]);
    await child.says(/routes: 0 routes from /);
    const client = await opened.get(port, '/');
    expect((await client.readAnswer()).body.toString()).toBe('Route not found\n');
    await writeFile(join(cwd, 'routes'), '* test\n');
    await child.says(/routes loaded with 1 entries\n/);
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.readAnswer()).status).toBe(200);
  });

  it('prints its version and its help, and does nothing else', async () => {
    const version = await run(await folder(), '--version').ended();
    expect(version).toMatchObject({ code: 0, stderr: '' });
    expect(version.stdout).toMatch(/^holdfast \d+\.\d+\.\d+\n$/);
    const help = await run(await folder(), '--help', '--port', '1').ended();
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('--route LINE');
  });

  describe('when it cannot start', () => {
    /** Ends with code 1 and one sentence that has all of `parts`, then advice and a code. */
    async function fails(child: Child, code: string, ...parts: readonly string[]): Promise<void> {
      const ending = await child.ended();
      expect(ending).toMatchObject({ code: 1, signal: null });
      const [sentence = '', ...advice] = ending.stderr.trimEnd().split('\n');
      expect(sentence.startsWith('holdfast: ')).toBe(true);
      for (const part of parts) expect(sentence).toContain(part);
      expect(advice).toHaveLength(1);
      expect(advice[0]?.endsWith(`[${code}]`)).toBe(true);
      expect(ending.stderr).not.toContain('    at ');
    }

    it('because a port is in use, it names the port and the setting', async () => {
      const holdfast = await opened.holdfast({});
      const port = String(clientPort(holdfast));
      const client = run(await folder(), ...APART.slice(2), '--port', `127.0.0.1:${port}`, '--route', '* test');
      await fails(client, 'HOLDFAST_LISTEN_FAILED', port, 'http.listen', 'in use');
      const control = run(await folder(), ...APART, '--set', `control.listen=127.0.0.1:${port}`, '--route', '* test');
      await fails(control, 'HOLDFAST_LISTEN_FAILED', port, 'control.listen', 'in use');
    });

    it('because its configuration cannot be read, it names the file and why', async () => {
      const cwd = await folder();
      await fails(run(cwd, '--config', 'missing.yaml'), 'HOLDFAST_CONFIG_UNREADABLE', 'missing.yaml', 'no such file');
      await fails(run(cwd, '--config', '.'), 'HOLDFAST_CONFIG_UNREADABLE', 'it is a folder');
    });

    it('because its configuration is there and cannot be opened, it says so', async () => {
      const cwd = await folder();
      // A link to itself: not even root can open it.
      await symlink('circle.yaml', join(cwd, 'circle.yaml'));
      await fails(run(cwd, '--config', 'circle.yaml'), 'HOLDFAST_CONFIG_UNREADABLE', 'circle.yaml');
    });

    it('because a setting in a file is wrong, it names setting, file and line', async () => {
      const cwd = await folder();
      await writeFile(join(cwd, 'holdfast.yaml'), '# mine\nhttp:\n  max_headers: many\n');
      await fails(run(cwd), 'HOLDFAST_CONFIG_INVALID_VALUE', 'http.max_headers', 'holdfast.yaml', '3');
      await writeFile(join(cwd, 'holdfast.yaml'), 'http:\n  max_header: 3\n');
      await fails(run(cwd), 'HOLDFAST_CONFIG_UNKNOWN_SETTING', 'http.max_header', 'holdfast.yaml', '2');
    });

    it('because an option or a setting of the command line is wrong, it names it', async () => {
      const cwd = await folder();
      await fails(run(cwd, '--prot', '1'), 'HOLDFAST_USAGE', '--prot', '--port');
      await fails(run(cwd, '--set', 'http.max_headers=no'), 'HOLDFAST_CONFIG_INVALID_VALUE', 'http.max_headers');
    });

    it('because a route is wrong, it names file and line', async () => {
      const cwd = await folder();
      await writeFile(join(cwd, 'routes'), '# mine\n\n* localhost\n');
      await writeFile(join(cwd, 'holdfast.yaml'), 'routes:\n  file: routes\n');
      await fails(run(cwd, ...APART), 'HOLDFAST_ROUTE_INVALID', 'routes', '3', 'target bad format');
      await fails(run(cwd, ...APART, '--route', '* localhost:x'), 'HOLDFAST_ROUTE_INVALID', 'target invalid port');
    });

    it('because the routes file is not there, it names it', async () => {
      const cwd = await folder();
      await writeFile(join(cwd, 'holdfast.yaml'), 'routes:\n  file: nowhere\n');
      await fails(run(cwd, ...APART), 'HOLDFAST_ROUTES_UNREADABLE', 'nowhere');
    });
  });
});
