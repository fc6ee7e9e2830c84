import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LoadRequest, loadSettings, SEARCHED } from '../../src/config/load-settings.js';
import { defaultSettings } from '../../src/config/schema.js';
import { thrown } from './thrown.js';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-settings-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(path: string, content: string): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function load(request: Partial<LoadRequest> = {}) {
  return loadSettings({
    cwd: folder,
    environment: {},
    sets: [],
    ports: [],
    routes: [],
    verbose: false,
    packageRoot: join(folder, 'package'),
    ...request,
  });
}

describe('without any configuration', () => {
  it('holds the built-in defaults and the routes file of the package', () => {
    expect(load()).toEqual({
      settings: { ...defaultSettings(), routes: { file: join(folder, 'package/config/routes'), lines: [] } },
      source: 'built-in defaults',
      dropIn: false,
      warnings: [],
    });
  });

  it('needs no file when routes are given', () => {
    expect(load({ routes: ['* test'] }).settings.routes).toEqual({ file: undefined, lines: ['* test'] });
  });
});

describe('the search', () => {
  it.each(SEARCHED.map((path, index) => [path, SEARCHED.slice(index)] as const))('prefers %s', (path, present) => {
    for (const other of present) write(other, other.endsWith('.conf') ? '[runner]\nhttp_port=1' : '');
    const { source, settings } = load();
    expect(source).toBe(path);
    expect(settings.routes.file).toBe(join(folder, dirname(path), 'routes'));
  });

  it('takes regular files only', () => {
    mkdirSync(join(folder, 'holdfast.yaml'));
    expect(load().source).toBe('built-in defaults');
  });
});

describe('the configuration file', () => {
  it.each([
    ['x.conf', '[runner]\nhttp_port=1', 1],
    ['x.conf', '\n', undefined],
    ['settings', '# note\n; note\n\n[runner] ; note\nhttp_port=2', 2],
    ['settings', '\uFEFF[runner]\nhttp_port=3', 3],
    ['settings', 'http: {listen: [4]}', 4],
    ['x.yaml', '# [runner]\nhttp:\n  listen: 5', 5],
  ])('%s with %j has the port %s', (configFile, content, port) => {
    write(configFile, content);
    if (port === undefined) {
      const error = thrown(() => load({ configFile }));
      expect(error.code).toBe('HOLDFAST_CONFIG_INVALID_VALUE');
      expect(error.message).toBe(
        `no server ports configured: http.listen (http_port in a pushpin.conf) is empty in ${configFile}`,
      );
    } else {
      expect(load({ configFile }).settings.http.listen).toEqual([{ host: '0.0.0.0', port }]);
    }
  });

  it.each([
    ['none.yaml', 'cannot read the configuration file none.yaml: there is no such file'],
    ['.', 'cannot read the configuration file .: it is a folder'],
    ['a/none.yaml', 'cannot read the configuration file a/none.yaml: part of its path is no folder'],
  ])('%s cannot be read', (configFile, message) => {
    write('a', '');
    const error = thrown(() => load({ configFile }));
    expect([error.code, error.message]).toEqual(['HOLDFAST_CONFIG_UNREADABLE', message]);
  });

  it('is the anchor of relative paths', () => {
    write(
      'deep/x.yaml',
      'routes: {file: ../my/routes}\nproxy: {sig_key: "file:keys/a.pem", upstream_key: "file:/keys/b"}',
    );
    const { settings } = load({ configFile: 'deep/x.yaml' });
    expect(settings.routes.file).toBe(join(folder, 'my/routes'));
    expect(settings.proxy.sigKey).toBe(`file:${join(folder, 'deep/keys/a.pem')}`);
    expect(settings.proxy.upstreamKey).toBe('file:/keys/b');
  });

  it('is the anchor of relative paths of a pushpin.conf and of its include', () => {
    write('deep/x.conf', '[global]\ninclude=more.conf\n[runner]\nhttp_port=1\n[proxy]\nroutesfile=r\nsig_key=file:k');
    write('deep/more.conf', '[proxy]\ncdn_loop=token');
    const { settings, source, warnings } = load({ configFile: 'deep/x.conf' });
    expect(settings.routes.file).toBe(join(folder, 'deep/r'));
    expect(settings.proxy).toMatchObject({ sigKey: `file:${join(folder, 'deep/k')}`, cdnLoop: 'token' });
    expect([source, warnings]).toEqual(['deep/x.conf', []]);
  });

  it('passes warnings on', () => {
    write('x.conf', '[runner]\nhttp_port=1\nhttps_ports=443');
    expect(load({ configFile: 'x.conf' }).warnings).toEqual([
      'x.conf, line 3: [runner] https_ports is not supported yet and has no effect in this version',
    ]);
  });
});

describe('precedence', () => {
  const file = 'http: {max_headers: 1, max_head_bytes: 1001, max_connections: 1}\nlog: {level: error}';
  const environment = {
    HOLDFAST_HTTP__MAX_HEADERS: '2',
    HOLDFAST_HTTP__MAX_CONNECTIONS: '2',
    HOLDFAST_LOG__LEVEL: 'warn',
  };

  it('goes file, environment, --set', () => {
    write('holdfast.yaml', file);
    const { http, log } = load({ environment, sets: ['http.max_headers=3'] }).settings;
    expect([http.maxHeadBytes, http.maxConnections, http.maxHeaders, log.level]).toEqual([1001, 2, 3, 'warn']);
  });

  it('ends with the short flags', () => {
    write('holdfast.yaml', file);
    const sets = ['log.level=info', 'http.listen=1'];
    const { http, log } = load({ environment, sets, logLevel: 'trace', ports: ['2', '[::1]:3'] }).settings;
    expect(log.level).toBe('trace');
    expect(http.listen).toEqual([
      { host: '0.0.0.0', port: 2 },
      { host: '::1', port: 3 },
    ]);
  });

  it('lets --verbose win over --log-level', () => {
    expect(load({ logLevel: 'error', verbose: true }).settings.log.level).toBe('debug');
  });

  it('lets --port stand in for a pushpin.conf without ports', () => {
    write('x.conf', '');
    expect(load({ configFile: 'x.conf', ports: ['0'] }).settings.http.listen).toEqual([{ host: '0.0.0.0', port: 0 }]);
  });

  it.each<[string, Partial<LoadRequest>, string | undefined, readonly string[]]>([
    ['routes: {file: a, lines: [b x:1]}', {}, undefined, ['b x:1']],
    ['routes: {lines: [b x:1]}', { sets: ['routes.file=c'] }, 'c', []],
    ['routes: {file: a}', { environment: { HOLDFAST_ROUTES__LINES: 'd x:1' } }, undefined, ['d x:1']],
    ['routes: {file: a}', { routes: ['e x:1'], sets: ['routes.file=c'] }, undefined, ['e x:1']],
    ['routes: {lines: []}', {}, 'routes', []],
  ])('of a routes file and lines the last given holds: %s with %j', (content, request, routesFile, lines) => {
    write('holdfast.yaml', content);
    const expected = routesFile === undefined ? undefined : join(folder, routesFile);
    expect(load(request).settings.routes).toEqual({ file: expected, lines });
  });

  it('anchors paths of the environment and of --set in the working directory', () => {
    write('config/holdfast.yaml', '');
    const { settings } = load({ sets: ['routes.file=r'], environment: { HOLDFAST_PROXY__SIG_KEY: 'file:k' } });
    expect(settings.routes.file).toBe(join(folder, 'r'));
    expect(settings.proxy.sigKey).toBe(`file:${join(folder, 'k')}`);
  });

  it('passes warnings of the environment on', () => {
    expect(load({ environment: { HOLDFAST_LOG_LEVEL: 'x' } }).warnings).toHaveLength(1);
  });
});
