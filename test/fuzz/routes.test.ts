/** Routes lines: each is a route, blank, or one line of warning; what is quoted comes out as it went in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHeaderName } from '../../src/protocol/headers.js';
import { parseRoutesLines } from '../../src/routes/load-routes.js';
import { parseRoute } from '../../src/routes/parse-route.js';
import { type Section, tokenizeLine } from '../../src/routes/tokenizer.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import { expectCleanPrototypes, longTextOf, mutationsOf, NAMES_OF_OBJECTS, outcomeOf, textOf } from './inputs.js';

const share = new FuzzShare('routes', 5);

const NAMES = [
  ...['proto', 'ssl', 'path_beg', 'id', 'sig_iss', 'sig_key', 'prefix', 'orig_headers', 'as_host', 'path_rem'],
  ...['replace_beg', 'debug', 'aco', 'jsonp_mode', 'jsonp_cb', 'jsonp_body', 'jsonp_defcb', 'jsonp_defmethod'],
  ...['session', 'sockjs', 'sockjs_as_path', 'header', 'no_grip', 'log_level', 'untrusted', 'trust_connect_host'],
  ...['insecure', 'host', 'sub', 'over_http', 'one_event', 'ipc_file_mode', 'client_cert', 'client_key'],
  ...NAMES_OF_OBJECTS,
];
const VALUES = [
  ...['', 'http', 'ws', 'yes', 'no', '/', '/a', 'basic', 'extended', 'X-A:1', ':1', 'X-A', '7', '-1', '0777', '99999'],
  ...['99999999999999999999', 'file:key', 'base64:AA==', 'é', 'a b', '"', '\\', '#', ','],
];
const PIECES = [
  ...[
    '"',
    '\\',
    '\\"',
    ',',
    ' ',
    '=',
    '#',
    '*',
    'test',
    ':',
    '[',
    ']',
    '::1',
    '80',
    '65536',
    'zhttp/',
    'zhttpreq/ipc://x',
  ],
  ...['\t', '\r', 'localhost:80', ...NAMES.slice(0, 8), ...VALUES],
];

/** A token as a person would write it who quotes when in doubt. */
function quoted(text: string): string {
  return /[ ,#"\\]/.test(text) || text === '' ? `"${text.replace(/[\\"]/g, '\\$&')}"` : text;
}

function writtenSection({ value, props }: Section): string {
  const properties = props.map(([name, text], at) => {
    // Without the sign the first would be taken for the value.
    return quoted(text === '' && (value !== '' || at > 0) ? name : `${name}=${text}`);
  });
  return [...(value === '' && properties.length > 0 ? [] : [quoted(value)]), ...properties].join(',');
}

const property = fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES));
const props = fc.array(property, { maxLength: 4 });
const condition: fc.Arbitrary<Section> = fc.record({
  value: fc.constantFrom('*', 'a.example', '', 'É.example'),
  props,
});
const target: fc.Arbitrary<Section> = fc.record({
  value: fc.constantFrom(
    'test',
    'localhost:80',
    '127.0.0.1:1',
    '[::1]:80',
    'zhttp/ipc://x',
    'zhttpreq/tcp://*:1',
    'bad',
  ),
  props,
});
const line = fc
  .tuple(condition, fc.array(target, { maxLength: 3 }))
  .map(([first, rest]) => [first, ...rest].map(writtenSection).join(' '));

const SOURCE = { file: 'routes', line: 3 };

function readText(path: string): string {
  if (path === 'a b') return 'PEM';
  throw Object.assign(new Error(`ENOENT: ${path}`), { errno: -2 });
}

function expectParsed(text: string): void {
  const parsed = parseRoute(text, SOURCE, { readFile: readText });
  expectCleanPrototypes();
  if (parsed.kind === 'error') expect(parsed.message.startsWith('routes:3: ')).toBe(true);
  if (parsed.kind !== 'route') return;
  const { targets, pathRemove, replaceBeg, domain } = parsed.route;
  expect(targets.length).toBeGreaterThan(0);
  expect(Number.isSafeInteger(pathRemove) && pathRemove >= 0).toBe(true);
  expect(replaceBeg ?? '').toMatch(/^[!-~]*$/);
  expect(domain).toBe(domain?.toLowerCase());
  for (const one of targets) if (one.kind === 'origin') expect(one.port >= 1 && one.port <= 65_535).toBe(true);
}

describe('a routes line', () => {
  it(
    'comes apart into the sections it was put together from',
    () => {
      const text = fc.string({ unit: 'binary', maxLength: 6 });
      const word = text.filter((one) => one !== '' && !one.includes('='));
      const section: fc.Arbitrary<Section> = fc.record({
        value: text.filter((one) => !one.includes('=')),
        props: fc.array(fc.tuple(word, text), { maxLength: 3 }),
      });
      share.check(
        fc.property(
          fc.array(section, { maxLength: 4 }),
          fc.constantFrom('', ' ', '  # a "comment', '#'),
          (list, end) => {
            expect(tokenizeLine(list.map(writtenSection).join('  ') + end)).toEqual(list);
          },
        ),
      );
    },
    share.timeout,
  );

  it(
    'is a route, blank, or a warning, whatever it is made of',
    () => share.check(fc.property(textOf(PIECES), expectParsed)),
    share.timeout,
  );

  it(
    'is a route, blank, or a warning when something in it is wrong',
    () => share.check(fc.property(mutationsOf(line, PIECES), expectParsed)),
    share.timeout,
  );

  it(
    'that is bad takes nothing from the other lines of its file',
    () =>
      share.check(
        fc.property(fc.array(mutationsOf(line, PIECES), { maxLength: 5 }), (lines) => {
          const { table, errors } = parseRoutesLines(['good.example test', ...lines, 'last.example test'], 'routes');
          const domains = table.routes().map((route) => route.domain);
          expect(domains).toContain('good.example');
          expect(domains).toContain('last.example');
          expect(table.size + errors.length).toBeLessThanOrEqual(lines.length + 2);
          for (const route of table.routes()) {
            for (const [name] of route.headers) expect(name).not.toBe('');
            if (route.jsonp.defaultMethod !== undefined && isHeaderName(route.jsonp.defaultMethod)) continue;
            // A default method that is no token is refused where it would be used.
            expect(route.jsonp.defaultMethod).not.toBe('');
          }
        }),
      ),
    share.timeout,
  );

  it(
    'is read in time when it is long',
    () =>
      share.check(
        fc.property(longTextOf(PIECES), (text) => {
          const outcome = outcomeOf(() => tokenizeLine(text), 'HOLDFAST_ROUTE_INVALID');
          expect(['value', 'refused']).toContain(outcome.kind);
          expectParsed(text);
        }),
      ),
    share.timeout,
  );
});
