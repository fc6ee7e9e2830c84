/** The programs of docs/zeromq.md, run as the page prints them against a Holdfast on other ports: what they print, and whom they reach. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Holdfast } from '../../src/index.js';
import { chunk } from '../support/attack-stage.js';
import { Child, PROJECT } from '../support/child.js';
import { clientPort, Opened } from '../support/closing.js';
import type { RawClient } from '../support/raw-client.js';
import { noticeOf, PYTHON, REQUIREMENTS } from '../support/requirements.js';

const PAGE = readFileSync(join(PROJECT, 'docs/zeromq.md'), 'utf8');
const ANYWHERE = 'tcp://127.0.0.1:*';
/** What the page starts, and the client that listens. */
const [, ROUTE = ''] = /^npx holdfast --route '([^']*)' &$/m.exec(PAGE) ?? [];
const [, LISTENING = ''] = /^curl -N http:\/\/localhost:7999(\S+)$/m.exec(PAGE) ?? [];
const HEARD = chunk('hello there\n');

const installed = REQUIREMENTS.pythonZeroMq.isThere();
if (!installed)
  console.info(noticeOf({ ...REQUIREMENTS.pythonZeroMq, tests: 'the Python programs of docs/zeromq.md' }));

type Language = 'js' | 'python';

interface Program {
  readonly text: string;
  /** What the page says that it prints. */
  readonly prints: string;
}

/** The program of a section in a language, and the block behind it. */
function programOf(heading: string, language: Language): Program {
  const section = PAGE.split('\n## ').find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const [, text, prints] =
    new RegExp(`\`\`\`${language}\n([^]*?)\`\`\`\n\n\`\`\`text\n([^]*?)\`\`\``).exec(section) ?? [];
  if (text === undefined || prints === undefined) throw new Error(`no program in ${language} under ${heading}`);
  return { text, prints };
}

describe.each<[string, Language]>([
  ['JavaScript', 'js'],
  ['Python', 'python'],
])('the programs in %s', (_name, language) => {
  const opened = new Opened();
  const test = it.skipIf(language === 'python' && !installed);

  async function stage(): Promise<{ holdfast: Holdfast; listen: () => Promise<RawClient> }> {
    const holdfast = await opened.holdfast({
      routes: [ROUTE],
      settings: { zeromq: { pull: [ANYWHERE], sub: [ANYWHERE], rep: [ANYWHERE] } },
    });
    const listen = async (): Promise<RawClient> => {
      const client = await opened.get(clientPort(holdfast), LISTENING);
      await client.readUntil('[stream opened]\n\r\n');
      return client;
    };
    return { holdfast, listen };
  }

  function run({ addresses }: Holdfast, { text }: Program): Child {
    const { pull, sub, rep } = addresses;
    const real = [
      ['tcp://127.0.0.1:5560', pull[0]],
      ['tcp://127.0.0.1:5562', sub[0]],
      ['tcp://127.0.0.1:5563', rep[0]],
    ] as const;
    const there = real.reduce((program, [shown, here = '']) => program.replace(shown, here), text);
    expect(there).not.toBe(text);
    const child =
      language === 'js' ? Child.node(['--input-type=module', '-e', there]) : Child.start(PYTHON, ['-c', there]);
    return opened.add(child, (one) => one.stop());
  }

  test('publish with PUSH', async () => {
    const { holdfast, listen } = await stage();
    const client = await listen();
    const program = programOf('Publishing: PULL', language);
    expect(await run(holdfast, program).ended()).toEqual({ code: 0, signal: null, stdout: program.prints, stderr: '' });
    expect(await client.readAsLongAs(HEARD)).toBe(HEARD);
  });

  test('publish by topic to whoever comes', async () => {
    const { holdfast, listen } = await stage();
    const program = programOf('Publishing: SUB', language);
    const child = run(holdfast, program);
    const [first = '', second = ''] = program.prints.split('\n');
    const client = await listen();
    await child.says(new RegExp(`^${first}\n`, 'm'));
    expect(await client.readAsLongAs(HEARD)).toBe(HEARD);
    client.close();
    await child.says(new RegExp(`^${second}\n`, 'm'));
    expect(child.output).toBe(program.prints);
  });

  test('ask commands with REQ', async () => {
    const { holdfast, listen } = await stage();
    const client = await listen();
    const program = programOf('Commands: REP', language);
    expect(await run(holdfast, program).ended()).toEqual({ code: 0, signal: null, stdout: program.prints, stderr: '' });
    if (language === 'js') expect(await client.readAsLongAs(HEARD)).toBe(HEARD);
  });
});
