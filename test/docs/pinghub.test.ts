/** docs/pinghub.md: its examples as they stand, its page in a browser, its nginx, and the files it prints. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHoldfast } from '../../src/index.js';
import { Child, PROJECT } from '../support/child.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { freePorts } from '../support/free-ports.js';
import { startBrowser } from '../support/pinghub-page.js';
import { Listener } from '../support/pinghub-stage.js';
import { NGINX, noticeOf, REQUIREMENTS, type Requirement } from '../support/requirements.js';
import { readPage } from './page.js';
import { runExample, type Surroundings, until } from './reader.js';

const text = readFileSync(join(PROJECT, 'docs/pinghub.md'), 'utf8');
const START = /^(node examples\/pinghub-auth\.mjs &\n)?npx holdfast( pinghub|(?: --route '[^']+')+) &\n$/;
/** Each begins with its own processes. */
const parts = text
  .split(/^(?=## )/m)
  .map((part) => part.replace(/^```(?!sh|text)\w+\n[\s\S]*?^```\n/gm, ''))
  .filter((part) => part.includes('```sh'))
  .map((part) => [/^## (.*)$/m.exec(part)?.[1] ?? '', readPage(part)] as const);
const { curl, chromium, nginx } = REQUIREMENTS;

/** The name of a test, with what is missing for it. */
function named(name: string, needed: Requirement): string {
  return needed.isThere() ? name : `${name} (${noticeOf(needed)})`;
}

/** What a block of the page has in it. */
function blockOf(language: string): string {
  return new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`\n`, 'm').exec(text)?.[1] ?? expect.fail(language);
}

/** What a metrics port says; empty as long as nobody listens. */
function metrics(port: number): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(port, '127.0.0.1');
    socket.on('data', (bytes) => {
      said += String(bytes);
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(said));
  });
}

/** The command, with ports of its own. */
async function startCommand(add: (child: Child) => Child): Promise<{ port: number; mport: number }> {
  const [port = 0, mport = 0] = await freePorts(2);
  add(Child.node(['dist/cli/main.js', 'pinghub', '-addr', `127.0.0.1:${port}`, '-mport', String(mport)]));
  await until('the command', async () => (await metrics(mport)) !== '');
  return { port, mport };
}

const hasCurl = curl.isThere();

describe.skipIf(!hasCurl).each(parts)(
  hasCurl ? 'the part "%s"' : `the part "%s" (${noticeOf(curl)})`,
  (_name, page) => {
    const closers: (() => unknown)[] = [];
    let surroundings: Surroundings;

    beforeAll(async () => {
      const [, auth, what = ''] = START.exec(page.start) ?? expect.fail(page.start);
      const add = (child: Child): Child => {
        closers.push(() => child.stop());
        return child;
      };
      if (what === ' pinghub') {
        const { port, mport } = await startCommand(add);
        const held = async (): Promise<number> => Number(/^websockets\.value (\d+)$/m.exec(await metrics(mport))?.[1]);
        surroundings = { addresses: [['localhost:8081', `localhost:${port}`]], held };
        return;
      }
      const service = auth === undefined ? 0 : await add(Child.node(['examples/pinghub-auth.mjs', '0'])).port();
      const routes = page.routes.map((route) => route.replace('localhost:8089', `localhost:${service}`));
      const holdfast = await createHoldfast({ routes });
      closers.push(() => holdfast.close());
      surroundings = {
        addresses: [
          ['localhost:7999', `localhost:${clientPort(holdfast)}`],
          ['localhost:5561', new URL(controlUri(holdfast)).host],
        ],
        held: () => holdfast.counters.holds.ws,
      };
    });

    afterAll(async () => {
      for (const close of closers.reverse()) await close();
    });

    it.each(page.examples.map((example) => [example.name, example] as const))('%s', (_title, example) =>
      runExample(surroundings, example),
    );
  },
);

describe('the page about Pinghub', () => {
  const opened = new Opened();
  const add = (child: Child): Child => opened.add(child, (one) => one.stop());

  it('has examples with the command, with routes and with a service', () => {
    expect(parts.map(([, { examples }]) => examples.length)).toEqual([2, 1, 2]);
  });

  it('prints the example of an auth service as it is', () => {
    expect(blockOf('js')).toBe(readFileSync(join(PROJECT, 'examples/pinghub-auth.mjs'), 'utf8'));
  });

  it('shows what a fresh metrics port says', async () => {
    const { mport } = await startCommand(add);
    const [shown = ''] = /^channels\.value[\s\S]*?(?=```)/m.exec(text) ?? [];
    expect(await metrics(mport)).toBe(shown);
  });

  it.skipIf(!chromium.isThere())(named('has a page of one’s own that updates', chromium), async () => {
    const { port } = await startCommand(add);
    const browser = opened.add(await startBrowser(), (one) => one.close());
    const page = await browser.newPage();
    const socket = page.waitForEvent('websocket');
    await page.setContent(blockOf('html').replace('localhost:8081', `127.0.0.1:${port}`));
    await socket;
    const post = (body: string): Promise<Response> => fetch(`http://127.0.0.1:${port}/news`, { method: 'POST', body });
    await until(
      'the subscription',
      async () => (await post('<b>one</b>')).ok && (await page.locator('#news > li').count()) > 0,
    );
    expect(await page.locator('#news > li').first().textContent()).toBe('<b>one</b>');
  });

  it.skipIf(!nginx.isThere())(named('has an nginx that keeps a path on one instance', nginx), async () => {
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'nginx-')), (path) => rmSync(path, { recursive: true }));
    const instances = [await startCommand(add), await startCommand(add)];
    const [front = 0] = await freePorts(1);
    const servers = blockOf('nginx')
      .replace('127.0.0.1:8081', `127.0.0.1:${instances[0]?.port}`)
      .replace('127.0.0.1:8083', `127.0.0.1:${instances[1]?.port}`)
      .replace('listen 8080', `listen 127.0.0.1:${front}`);
    const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder};`);
    const file = join(folder, 'nginx.conf');
    writeFileSync(
      file,
      `daemon off; pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${places.join(' ')}\n${servers}\n}`,
    );
    add(Child.start(NGINX, ['-p', folder, '-c', file, '-g', 'master_process off;']));
    const at = `127.0.0.1:${front}`;
    await until('nginx', async () =>
      fetch(`http://${at}/`).then(
        () => true,
        () => false,
      ),
    );
    const paths = Array.from({ length: 12 }, (_, number) => `/pinghub/${number}`);
    for (const path of paths) {
      const [one, other] = [
        await Listener.on(opened, `ws://${at}${path}`),
        await Listener.on(opened, `ws://${at}${path}`),
      ];
      one.socket.send(`from a socket on ${path}`);
      await other.hears(1);
      const answer = await fetch(`http://${at}${path}`, { method: 'POST', body: `by POST to ${path}` });
      expect([answer.status, await answer.text()]).toEqual([200, 'OK\n']);
      for (const listener of [one, other]) {
        expect(await listener.hears(2)).toEqual([`from a socket on ${path}`, `by POST to ${path}`]);
      }
    }
    const channels = await Promise.all(instances.map(({ mport }) => metrics(mport)));
    const counts = channels.map((report) => Number(/^channels\.value (\d+)$/m.exec(report)?.[1]));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(paths.length);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });
});
