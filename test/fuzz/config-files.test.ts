/** The files of pushpin.conf: any text is read with warnings or refused, and what is quoted comes out as it went in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIni } from '../../src/config/ini.js';
import { readPushpinConf } from '../../src/config/pushpin-conf.js';
import { SETTINGS } from '../../src/config/schema.js';
import { HoldfastError } from '../../src/errors/holdfast-error.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import { expectCleanPrototypes, longTextOf, mutationsOf, NAMES_OF_OBJECTS, outcomeOf, textOf } from './inputs.js';

const share = new FuzzShare('config-files', 4);

const KEYS = SETTINGS.flatMap(({ pushpin }) =>
  (pushpin?.keys ?? []).map((key) => [pushpin?.section ?? '', key] as const),
);
const SECTIONS = ['global', 'runner', 'proxy', 'handler', '', ...NAMES_OF_OBJECTS];
const VALUES = [
  ...[
    'true',
    'false',
    '0',
    '1',
    '-1',
    '7999',
    '127.0.0.1:7999',
    '[::1]:1',
    '99999',
    '1e5',
    'a,b',
    '"a,b"',
    '{rundir}/x',
  ],
  ...[
    '{libdir}/internal.conf',
    'tcp://127.0.0.1:5560',
    'tcp://[',
    'ipc://{ipc_prefix}in',
    'proto-only',
    'append',
    '2,x:3',
  ],
  ...['truncate:1', 'changeme', 'base64:AA==', 'file:', '\\x41', '$&', '$1', '{rundir}{rundir}', ...NAMES_OF_OBJECTS],
];
const PIECES = [
  ...[
    '[',
    ']',
    '=',
    ';',
    '#',
    '"',
    '\\',
    '\\\n',
    '\\x',
    '\\x4',
    ',',
    '\n',
    '\r\n',
    '\r',
    ' ',
    '\t',
    '\ufeff',
    'include=',
  ],
  ...['[proxy]\n', '[global]\n', 'port_offset=', ...VALUES],
];

const entry = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...KEYS) },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.constantFrom(...SECTIONS), fc.constantFrom('include', 'rundir', 'port_offset', 'x')),
      },
    ),
    fc.constantFrom(...VALUES),
  )
  .map(([[section, key], value]) => `[${section}]\n${key}=${value}\n`);
const file = fc.array(entry, { maxLength: 6 }).map((entries) => entries.join(''));

function expectRead(text: string, included: string): void {
  let result: ReturnType<typeof readPushpinConf>;
  try {
    result = readPushpinConf({ text, file: 'pushpin.conf', readInclude: () => included });
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    expect(['HOLDFAST_CONFIG_SYNTAX', 'HOLDFAST_CONFIG_INVALID_VALUE']).toContain(error.code);
    return;
  } finally {
    expectCleanPrototypes();
  }
  const paths = new Set(SETTINGS.map(({ path }) => path));
  expect([...result.layer.keys()].filter((path) => !paths.has(path))).toEqual([]);
  expect(result.warnings.every((warning) => warning !== '')).toBe(true);
}

describe('an INI file', () => {
  it(
    'gives back the values that were put into it, quoted',
    () => {
      const text = fc.string({ unit: 'binary', maxLength: 6 }).filter((one) => !/[\r\v\f\ufeff]/.test(one));
      const name = fc.constantFrom('a', 'b c', 'prefix', ...NAMES_OF_OBJECTS);
      const values = fc.array(fc.tuple(name, name, fc.array(text, { minLength: 1, maxLength: 3 })), { maxLength: 5 });
      const written = (value: string): string =>
        `"${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`;
      share.check(
        fc.property(values, fc.constantFrom('\n', '\r\n', '\r'), (list, end) => {
          const lines = list.flatMap(([section, key, elements]) => [
            `[${section}]`,
            `${key} = ${elements.map(written).join(' , ')} ; "comment`,
          ]);
          const { sections, warnings } = parseIni(lines.join(end), 'a.conf');
          expect(warnings).toEqual([]);
          const wanted = new Map<string, Map<string, readonly string[]>>();
          for (const [section, key, elements] of list) {
            wanted.set(section, (wanted.get(section) ?? new Map<string, readonly string[]>()).set(key, elements));
          }
          const found = [...sections].map(([section, entries]): [string, Map<string, readonly string[]>] => [
            section,
            new Map([...entries].map(([key, value]) => [key, value.elements])),
          ]);
          expect(new Map(found)).toEqual(wanted);
        }),
      );
    },
    share.timeout,
  );

  it(
    'names in each value a line that it has',
    () =>
      share.check(
        fc.property(fc.oneof(textOf(PIECES), mutationsOf(file, PIECES)), (text) => {
          const outcome = outcomeOf(() => parseIni(text, 'a.conf'), 'HOLDFAST_CONFIG_SYNTAX');
          expectCleanPrototypes();
          if (outcome.kind === 'refused') return;
          const lines = text.split(/\r\n?|\n/).length;
          for (const section of outcome.value.sections.values()) {
            for (const { line, elements } of section.values()) {
              expect(line >= 1 && line <= lines).toBe(true);
              expect(elements.length).toBeGreaterThan(0);
            }
          }
        }),
      ),
    share.timeout,
  );
});

describe('a pushpin.conf', () => {
  it(
    'gives settings that there are, or the error for its settings, whatever stands in it and in what it includes',
    () => share.check(fc.property(mutationsOf(file, PIECES), mutationsOf(file, PIECES), expectRead)),
    share.timeout,
  );

  it(
    'is read in time when it is long',
    () =>
      share.check(
        fc.property(
          longTextOf(PIECES),
          fc.constantFrom('', '[global]\nrundir=', '[proxy]\nroutesfile='),
          (text, start) => {
            expectRead(start + text, '');
          },
        ),
      ),
    share.timeout,
  );
});
