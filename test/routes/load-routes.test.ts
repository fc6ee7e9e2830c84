import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { COMMAND_LINE, loadRoutesFile, parseRoutesLines } from '../../src/routes/load-routes.js';

const folder = mkdtempSync(join(tmpdir(), 'routes-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(text: string): string {
  const path = join(folder, 'routes');
  writeFileSync(path, text);
  return path;
}

describe('loadRoutesFile', () => {
  it('reads a file with comments, blank lines and no line end at the end', async () => {
    const { table, warnings } = await loadRoutesFile(fileWith('# all\n\nexample.com one:80\n* two:80'));
    expect(warnings).toEqual([]);
    expect(table.routes().map((route) => [route.domain, route.source.line])).toEqual([
      ['example.com', 3],
      ['*', 4],
    ]);
  });

  it('bears a byte order mark and Windows line ends', async () => {
    const { table, warnings } = await loadRoutesFile(fileWith('\uFEFFexample.com one:80\r\n\r\n* two:80,sub=x\r\n'));
    expect(warnings).toEqual([]);
    expect(table.lookup('http', false, 'example.com', '/')?.targets[0]?.name).toBe('one:80');
    expect(table.lookup('http', false, 'other', '/')?.targets[0]?.options.subscriptions).toEqual(['x']);
  });

  it('keeps the good lines and warns of the others by file and line', async () => {
    const path = fileWith('* one:80\nbad\n* two:80\nh "x\nh two:81\n');
    const { table, errors, warnings } = await loadRoutesFile(path);
    expect(table.size).toBe(2);
    expect(errors).toEqual([
      `${path}:2: must specify condition and at least one target`,
      `${path}:4: unterminated quoted section`,
    ]);
    expect(warnings).toEqual([`${path}:3 skipping duplicate condition`]);
  });

  it('reads an empty file as a table of nothing', async () => {
    const { table, warnings } = await loadRoutesFile(fileWith(''));
    expect([table.size, warnings]).toEqual([0, []]);
  });

  it.each([
    ['a missing file', join(folder, 'missing'), 'no such file or directory'],
    ['a folder', folder, 'illegal operation on a directory'],
  ])('names %s and the cause', async (_name, path, cause) => {
    await expect(loadRoutesFile(path)).rejects.toMatchObject({
      name: 'HoldfastError',
      code: 'HOLDFAST_ROUTES_UNREADABLE',
      message: `The routes file ${path} cannot be read: ${cause}.`,
    });
  });
});

describe('parseRoutesLines', () => {
  it('counts every line of the command line as line 1', () => {
    const { table, errors, warnings } = parseRoutesLines(['* test', 'bad', '* test'], COMMAND_LINE);
    expect(table.routes().map((route) => route.source)).toEqual([{ file: '<route>', line: 1 }]);
    expect(errors).toEqual(['<route>:1: must specify condition and at least one target']);
    expect(warnings).toEqual(['<route>:1 skipping duplicate condition']);
  });

  it('reads certificate files from disk', () => {
    const path = join(folder, 'client.pem');
    writeFileSync(path, 'PEM text');
    const { table } = parseRoutesLines([`* h:443,ssl,client_cert=${path}`], COMMAND_LINE);
    expect(table.routes()[0]?.targets[0]?.options.clientCert).toBe('PEM text');
  });

  it('leaves out a line whose certificate cannot be read', () => {
    const path = join(folder, 'gone.pem');
    const { table, errors } = parseRoutesLines([`* h:443,client_key=${path}`], 'routes');
    expect(table.size).toBe(0);
    expect(errors).toEqual([`routes:1: failed to open ${path}: no such file or directory`]);
  });

  it('takes a byte order mark for a part of the word anywhere but at the beginning', () => {
    const { table } = parseRoutesLines(['a test', '\uFEFFb test'], 'routes');
    expect(table.routes().map((route) => route.domain)).toEqual(['a', '\uFEFFb']);
  });
});

describe('the routes files and pages that are shipped', () => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8').split('\n');

  /** Every property that a condition or a target may have. */
  const PROPERTIES = [
    ...['proto', 'ssl', 'id', 'path_beg', 'sig_iss', 'sig_key', 'prefix', 'orig_headers', 'as_host', 'path_rem'],
    ...['replace_beg', 'debug', 'aco', 'jsonp_mode', 'jsonp_cb', 'jsonp_body', 'jsonp_defcb', 'jsonp_defmethod'],
    ...['session', 'sockjs', 'sockjs_as_path', 'header', 'no_grip', 'log_level', 'untrusted', 'trust_connect_host'],
    ...['insecure', 'host', 'sub', 'over_http', 'one_event', 'ipc_file_mode', 'client_cert', 'client_key'],
  ];

  it.each(['config/routes', 'routes.example'])('%s sends every host to the test handler', (path) => {
    const { table, warnings } = parseRoutesLines(read(path), path);
    expect(warnings).toEqual([]);
    expect(table.routes().map((route) => [route.domain, route.targets[0]?.kind])).toEqual([['*', 'test']]);
  });

  it('routes.example has a working example of every property', () => {
    const examples = read('routes.example')
      .filter((line) => /^#[^ #]/.test(line))
      .map((line) => line.slice(1));
    const { table, warnings } = parseRoutesLines(
      examples.map((line) => line.replace(/client_(cert|key)=[^, ]+/g, 'client_$1=package.json')),
      'routes.example',
    );
    expect(warnings).toEqual([]);
    expect(table.size).toBe(examples.length);
    const used = new Set(examples.flatMap((line) => Array.from(line.matchAll(/,([a-z_]+)/g), (match) => match[1])));
    expect(PROPERTIES.filter((name) => !used.has(name))).toEqual([]);
  });

  it('docs/routes.md has a row for every property, and its examples work', () => {
    const page = read('docs/routes.md');
    const rows = new Set(page.map((line) => /^\| `([a-z_]+)` \|/.exec(line)?.[1]));
    expect(PROPERTIES.filter((name) => !rows.has(name))).toEqual([]);
    const examples = page.join('\n').split('```routes\n').slice(1);
    expect(examples).toHaveLength(6);
    for (const example of examples) {
      const { table, warnings } = parseRoutesLines(example.slice(0, example.indexOf('```')).split('\n'), 'docs');
      expect(warnings).toEqual([]);
      expect(table.size).toBeGreaterThan(0);
    }
  });
});
