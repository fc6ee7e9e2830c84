import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { written, writtenDefault } from '../../src/config/json-schema.js';
import { loadYaml } from '../../src/config/load-yaml.js';
import { holdfastYaml } from '../../src/config/reference.js';
import { SETTINGS, settingsFrom } from '../../src/config/schema.js';
import { survives, thrown } from './thrown.js';

describe('loadYaml', () => {
  it.each<[string, readonly (readonly [string, unknown])[]]>([
    ['', []],
    ['# nothing\n', []],
    ['http:\n  # all commented out\n', []],
    ['http:\n  max_headers: 5\n', [['http.max_headers', 5]]],
    ['\uFEFFhttp:\n  max_headers: 5\n', [['http.max_headers', 5]]],
    ['http: {max_headers: 5}', [['http.max_headers', 5]]],
    ['http:\r\n  listen: 8000\r\n', [['http.listen', [{ host: '0.0.0.0', port: 8000 }]]]],
    [
      'http:\n  listen: [127.0.0.1:1, "[::]:2"]',
      [
        [
          'http.listen',
          [
            { host: '127.0.0.1', port: 1 },
            { host: '::', port: 2 },
          ],
        ],
      ],
    ],
    ['control:\n  listen: off', [['control.listen', undefined]]],
    ['control:\n  listen: ""', [['control.listen', undefined]]],
    ['control:\n  listen: 5561', [['control.listen', { host: '127.0.0.1', port: 5561 }]]],
    ['zeromq:\n  ipc_file_mode: 660', [['zeromq.ipc_file_mode', 0o660]]],
    ['zeromq:\n  ipc_file_mode: 0660', [['zeromq.ipc_file_mode', 0o660]]],
    ['zeromq:\n  ipc_file_mode: 0o660', [['zeromq.ipc_file_mode', 0o660]]],
    ['zeromq:\n  ipc_file_mode: "660"', [['zeromq.ipc_file_mode', 0o660]]],
    ['zeromq:\n  pull: []', [['zeromq.pull', []]]],
    [
      'http: &a\n  max_headers: 5\ncontrol: {max_connections: 6}',
      [
        ['http.max_headers', 5],
        ['control.max_connections', 6],
      ],
    ],
    [
      'http: {max_headers: &n 5}\ncontrol: {max_connections: *n}',
      [
        ['http.max_headers', 5],
        ['control.max_connections', 5],
      ],
    ],
  ])('reads %j', (text, layer) => {
    expect([...loadYaml(text, 'x.yaml')]).toEqual(layer);
  });

  it.each([
    [
      'http:\n  max_heders: 5',
      'HOLDFAST_CONFIG_UNKNOWN_SETTING',
      'there is no setting http.max_heders (in x.yaml, line 2); did you mean http.max_headers?',
    ],
    [
      '\n\nhtpp: {}',
      'HOLDFAST_CONFIG_UNKNOWN_SETTING',
      'there is no setting htpp (in x.yaml, line 3); did you mean http?',
    ],
    ['__proto__: {a: 1}', 'HOLDFAST_CONFIG_UNKNOWN_SETTING', 'there is no setting __proto__ (in x.yaml, line 1)'],
    [
      'http:\n  max_headers: many',
      'HOLDFAST_CONFIG_INVALID_VALUE',
      'http.max_headers (in x.yaml, line 2) must be an integer from 1 to 10000, not "many"',
    ],
    [
      'http:\n\n  max_headers:',
      'HOLDFAST_CONFIG_INVALID_VALUE',
      'http.max_headers (in x.yaml, line 3) must be an integer',
    ],
    [
      'http:\n  listen:\n    - 80\n    - x',
      'HOLDFAST_CONFIG_INVALID_VALUE',
      'http.listen (in x.yaml, line 3) must be a list',
    ],
    [
      'proxy:\n  debug: yes',
      'HOLDFAST_CONFIG_INVALID_VALUE',
      'proxy.debug (in x.yaml, line 2) must be true or false, not "yes"',
    ],
    ['proxy:\n  sig_key: 1234', 'HOLDFAST_CONFIG_INVALID_VALUE', 'proxy.sig_key (in x.yaml, line 2) must be text'],
    ['proxy:\n  cdn_loop: {a: 1}', 'HOLDFAST_CONFIG_INVALID_VALUE', 'proxy.cdn_loop (in x.yaml, line 2) must be text'],
    [
      'zeromq:\n  ipc_file_mode: 999',
      'HOLDFAST_CONFIG_INVALID_VALUE',
      'zeromq.ipc_file_mode (in x.yaml, line 2) must be three octal digits',
    ],
    ['http:\n  max_headers: 5\n  max_headers: 6', 'HOLDFAST_CONFIG_SYNTAX', 'x.yaml, line 3: map keys must be unique'],
    ['http:\n  a: [', 'HOLDFAST_CONFIG_SYNTAX', 'x.yaml, line 2: flow sequence'],
    ['http: 5', 'HOLDFAST_CONFIG_SYNTAX', 'x.yaml, line 1: http must hold "name: value" lines'],
    ['- a', 'HOLDFAST_CONFIG_SYNTAX', 'x.yaml, line 1: the file must hold "name: value" lines'],
    ['? [a]\n: b', 'HOLDFAST_CONFIG_SYNTAX', 'x.yaml, line 1: a setting must have a plain name'],
    ['http: {}\n---\nhttp: {}', 'HOLDFAST_CONFIG_SYNTAX', 'x.yaml, line 2: '],
    ['http: {max_headers: !octal 5}', 'HOLDFAST_CONFIG_SYNTAX', 'x.yaml, line 1: unresolved tag'],
    ['http: {max_headers: *none}', 'HOLDFAST_CONFIG_SYNTAX', 'x.yaml, line 1: '],
    [`#${'x'.repeat(1_000_001)}`, 'HOLDFAST_CONFIG_SYNTAX', 'x.yaml: it is longer than 1000000 characters'],
  ])('refuses %j', (text, code, message) => {
    const error = thrown(() => loadYaml(text, 'x.yaml'));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  it('keeps the signing key out of its messages', () => {
    expect(thrown(() => loadYaml('proxy:\n  sig_key: 998877', 'x.yaml')).message).not.toContain('998877');
  });

  it('refuses an alias bomb', () => {
    const levels = [...'bcdefgh'].map((name, index) => `&${name} [${`*${'abcdefg'.charAt(index)},`.repeat(9)}]`);
    const error = thrown(() => loadYaml(`proxy:\n  cdn_loop: [&a [x,x], ${levels.join(', ')}]`, 'x.yaml'));
    expect(error.code).toBe('HOLDFAST_CONFIG_SYNTAX');
    expect(error.message).toContain('x.yaml, line 2: excessive alias count');
  });

  it('refuses very deep nesting', () => {
    expect(thrown(() => loadYaml(`http: ${'['.repeat(100_000)}`, 'x.yaml')).code).toBe('HOLDFAST_CONFIG_SYNTAX');
  });

  it('throws nothing but its own errors', () => {
    const piece = fc.constantFrom(
      'http:',
      '\n',
      '  ',
      'listen:',
      '[',
      ']',
      '{',
      '}',
      '&a',
      '*a',
      '- ',
      '7999',
      ',',
      '"',
      '#',
      ': ',
      '!!x',
      '|',
      '\t',
      '<<',
    );
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join('')),
        (text) => survives(() => loadYaml(text, 'x')),
      ),
    );
    fc.assert(fc.property(fc.string(), (text) => survives(() => loadYaml(text, 'x'))));
  });

  it('reads back every setting it is given', () => {
    const entries = SETTINGS.filter(({ path }) => path !== 'routes.file');
    fc.assert(
      fc.property(fc.subarray(entries), fc.integer({ min: 128, max: 10_000 }), (chosen, number) => {
        const expected = new Map(
          chosen.map(({ path, type, default: usual }) => [
            path,
            type.kind === 'integer' ? Math.min(Math.max(number, type.min), type.max) : usual,
          ]),
        );
        const sections: Record<string, Record<string, unknown>> = {};
        for (const { path, section, key } of chosen) {
          sections[section] = { ...sections[section], [key]: written(expected.get(path)) };
        }
        expect(loadYaml(stringify(sections), 'x.yaml')).toEqual(expected);
      }),
    );
  });
});

describe('the commented configuration file', () => {
  it('sets nothing but the routes file', () => {
    expect([...loadYaml(holdfastYaml(), 'config/holdfast.yaml')]).toEqual([['routes.file', 'routes']]);
  });

  it('shows every setting at its default', () => {
    const live = holdfastYaml().replace(/^ {2}#([a-z])/gm, '  $1');
    const layer = loadYaml(live, 'config/holdfast.yaml');
    expect([...layer.keys()]).toEqual(SETTINGS.map(({ path }) => path));
    const { routes, ...rest } = settingsFrom([layer]);
    const { routes: _routes, ...defaults } = settingsFrom([]);
    expect(rest).toEqual(defaults);
    expect(routes).toEqual({
      file: writtenDefault(SETTINGS.find(({ path }) => path === 'routes.file') ?? expect.fail()),
      lines: [],
    });
  });
});

describe('a section that stands for one of its settings', () => {
  it.each<[string, unknown]>([
    ['workers: 2', 2],
    ['workers: auto', 'auto'],
    ['workers:\n  count: 3', 3],
  ])('%j is a number of workers', (text, count) => {
    expect([...loadYaml(text, 'x.yaml')]).toEqual([['workers.count', count]]);
  });

  it.each(['workers:', 'workers: {}'])('%j sets nothing', (text) => {
    expect([...loadYaml(text, 'x.yaml')]).toEqual([]);
  });

  it.each([
    ['workers: 0', 'workers (in x.yaml, line 1) must be an integer from 1 to 64, or auto, not 0'],
    ['workers: many', 'workers (in x.yaml, line 1) must be an integer from 1 to 64, or auto, not "many"'],
    ['workers: [2]', 'x.yaml, line 1: workers must hold "name: value" lines'],
    ['http: 2', 'x.yaml, line 1: http must hold "name: value" lines'],
  ])('%j is refused', (text, message) => {
    expect(thrown(() => loadYaml(text, 'x.yaml')).message).toBe(message);
  });
});
