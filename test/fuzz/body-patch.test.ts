/** Body patches: any operations on any body give a body or a reason, and reach nothing but the body. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyBodyPatch } from '../../src/protocol/body-patch.js';
import type { PatchOperation } from '../../src/protocol/item.js';
import { isJsonObject } from '../../src/protocol/json-shape.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import { byteMutationsOf, expectCleanPrototypes, jsonText, longTextOf, NAMES_OF_OBJECTS } from './inputs.js';

const share = new FuzzShare('body-patch', 4);

const PIECES = ['{', '}', '[', ']', ':', ',', '"', '0', '-', 'null', '"a"', '"__proto__"', '[[', '{"a":', '\xff', '\n'];

const key = fc.oneof(
  fc.constantFrom('a', 'b', '0', '1', '-', 'a/b', '~', '~1', ...NAMES_OF_OBJECTS),
  fc.string({ maxLength: 2 }),
);
const { value } = fc.letrec<{ value: string; leaf: string }>((tie) => ({
  leaf: fc.oneof(fc.constantFrom('null', 'true', '0', '1.9', '"1"', '"a"', '[]', '{}'), jsonText),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.array(tie('value'), { maxLength: 3 }).map((elements) => `[${elements.join(',')}]`),
    fc
      .array(fc.tuple(key, tie('value')), { maxLength: 3 })
      .map((members) => `{${members.map(([name, member]) => `${JSON.stringify(name)}:${member}`).join(',')}}`),
  ),
}));
const body = value.map((json) => Buffer.from(json));

const pointer = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .array(key, { maxLength: 3 })
      .map((parts) => `/${parts.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('', '/', '//', 'a', '/a//b', '/~', '/~2') },
);

/** Few enough that no run of copies grows beyond what a test can hold: each can double the body. */
const operations: fc.Arbitrary<PatchOperation[]> = fc.array(
  fc
    .record(
      {
        op: fc.constantFrom('add', 'replace', 'remove', 'test', 'copy', 'move', 'other', ...NAMES_OF_OBJECTS),
        path: pointer,
        from: pointer,
        value: value.map((json): unknown => JSON.parse(json)),
      },
      { requiredKeys: ['op', 'path'] },
    )
    .map((operation): PatchOperation => operation),
  { maxLength: 30 },
);

function isContainer(json: string): boolean {
  const parsed: unknown = JSON.parse(json);
  return isJsonObject(parsed) || Array.isArray(parsed);
}

describe('a body patch', () => {
  it(
    'gives a JSON body or a reason, and changes nothing that all objects share',
    () =>
      share.check(
        fc.property(body, operations, (held, patch) => {
          const result = applyBodyPatch(held, patch);
          expectCleanPrototypes();
          if (result.kind === 'failed') expect(result.reason).not.toBe('');
          else expect(() => JSON.parse(result.body.toString())).not.toThrow();
        }),
      ),
    share.timeout,
  );

  it(
    'without operations leaves a body that says the same, and the same bytes the second time',
    () =>
      share.check(
        fc.property(value.filter(isContainer), fc.constantFrom('', '\n', '\r\n'), (json, end) => {
          const once = applyBodyPatch(Buffer.from(json + end), []);
          if (once.kind === 'failed') throw new Error(once.reason);
          // A number too large for a double has no value that could be kept.
          expect(JSON.parse(once.body.toString())).toEqual(JSON.parse(json.replaceAll('1e400', 'null')));
          expect(once.body.toString().endsWith(`${end}`)).toBe(true);
          expect(applyBodyPatch(once.body, [])).toEqual(once);
        }),
      ),
    share.timeout,
  );

  it(
    'finds where it was put what it has added, copied and moved, and nothing where it has removed',
    () =>
      share.check(
        fc.property(
          key.filter((one) => one !== ''),
          key.filter((one) => one !== ''),
          value,
          (from, to, json) => {
            fc.pre(from !== to);
            const [source, target] = [from, to].map((one) => `/${one.replaceAll('~', '~0').replaceAll('/', '~1')}`);
            const added = { op: 'add', path: source, value: JSON.parse(json) as unknown };
            const found = { op: 'test', path: target, value: added.value };
            const apply = (...patch: PatchOperation[]): string => {
              const result = applyBodyPatch(Buffer.from('{}'), patch);
              return result.kind === 'failed' ? result.reason : 'patched';
            };
            expect(apply(added, { op: 'copy', from: source, path: target }, found, { ...found, path: source })).toBe(
              'patched',
            );
            const moved: PatchOperation[] = [added, { op: 'move', from: source, path: target }];
            expect(apply(...moved, found)).toBe('patched');
            expect(apply(...moved, { ...found, path: source })).toBe('location does not exist');
            expect(apply(added, { op: 'remove', path: source }, { ...found, path: source })).toBe(
              'location does not exist',
            );
          },
        ),
      ),
    share.timeout,
  );

  it(
    'fails in order and in time on bodies that are broken, long or deep',
    () => {
      const broken = fc.oneof(
        { weight: 6, arbitrary: byteMutationsOf(body, PIECES) },
        { weight: 1, arbitrary: longTextOf(PIECES).map((text) => Buffer.from(text, 'latin1')) },
        {
          weight: 1,
          arbitrary: fc.nat({ max: 50_000 }).map((depth) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))),
        },
      );
      share.check(
        fc.property(broken, operations, (held, patch) => {
          expect(['patched', 'failed']).toContain(applyBodyPatch(held, patch).kind);
        }),
      );
    },
    share.timeout,
  );
});
