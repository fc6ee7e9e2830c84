/** The examples of docs/sockjs.md can be run as they stand, and show what the page says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child, PROJECT } from '../support/child.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { noticeOf, REQUIREMENTS } from '../support/requirements.js';

const page = readFileSync(join(PROJECT, 'docs/sockjs.md'), 'utf8');
const hasCurl = REQUIREMENTS.curl.isThere();

/** The blocks of one language, in order. */
function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);
}

describe('docs/sockjs.md', () => {
  const opened = new Opened();

  /** Runs text of the page against a Holdfast with the route of the page. */
  async function run(text: string, start: (text: string) => Child): Promise<string> {
    const route = /--route '([^']*)'/.exec(blocks('sh')[0] ?? '')?.[1] ?? '';
    const holdfast = await opened.holdfast({ routes: [route] });
    const here = text
      .replaceAll('localhost:7999', `127.0.0.1:${clientPort(holdfast)}`)
      .replaceAll('localhost:5561', new URL(controlUri(holdfast)).host);
    const { stdout } = await opened.add(start(here), (child) => child.stop()).ended();
    return stdout;
  }

  it('has a client that runs', async () => {
    const [script = ''] = blocks('js');
    const stdout = await run(script, (text) => Child.node(['--input-type=module', '--eval', text]));
    expect(stdout).toBe('hello\n');
  });

  it.skipIf(!hasCurl)(hasCurl ? 'has requests that can be typed' : noticeOf(REQUIREMENTS.curl), async () => {
    const [, script = ''] = blocks('sh');
    const stdout = await run(script, (text) => Child.start('bash', ['-c', text]));
    expect(stdout).toBe(blocks('text')[0]);
  });

  it('names every answer that the code has', () => {
    for (const text of [
      'Bad Request',
      'Payload expected',
      'Message too large',
      'Already sending',
      'Request too large.',
    ]) {
      expect(page).toContain(`| 400 \`${text}\` |`);
    }
  });
});
