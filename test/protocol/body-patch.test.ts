/** The dialect of `body-patch`, operation by operation, and what it makes of bodies that are no JSON. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyBodyPatch } from '../../src/protocol/body-patch.js';
import type { PatchOperation } from '../../src/protocol/item.js';

function patched(body: string, ...operations: PatchOperation[]): string {
  const result = applyBodyPatch(Buffer.from(body), operations);
  return result.kind === 'patched' ? result.body.toString() : `failed: ${result.reason}`;
}

describe('applyBodyPatch', () => {
  const cases: [string, string, PatchOperation[], string][] = [
    ['sorts keys and keeps no spaces', '{"b": 1, "a": 2}', [], '{"a":2,"b":1}'],
    ['sorts keys that look like numbers as text', '{"2":0,"10":0}', [], '{"10":0,"2":0}'],
    ['keeps a line feed at the end', '{"a":1}\n', [], '{"a":1}\n'],
    ['keeps a carriage return and line feed at the end', '[1]\r\n', [], '[1]\r\n'],
    ['writes numbers as doubles', '{"a":1.0,"b":1e2}', [], '{"a":1,"b":100}'],
    ['adds a member', '{}', [{ op: 'add', path: '/a', value: { x: 1 } }], '{"a":{"x":1}}'],
    ['adds behind the last element', '[1]', [{ op: 'add', path: '/-', value: 2 }], '[1,2]'],
    ['replaces with add at an index', '[1,2]', [{ op: 'add', path: '/0', value: 9 }], '[9,2]'],
    ['refuses to add beyond the end', '[1]', [{ op: 'add', path: '/1', value: 2 }], 'failed: index out of range'],
    ['replaces a member', '{"a":1}', [{ op: 'replace', path: '/a', value: null }], '{"a":null}'],
    [
      'does not replace what is not there',
      '{}',
      [{ op: 'replace', path: '/a', value: 1 }],
      'failed: location does not exist',
    ],
    ['removes a member', '{"a":1,"b":2}', [{ op: 'remove', path: '/a' }], '{"b":2}'],
    ['removes an element', '[1,2,3]', [{ op: 'remove', path: '/1' }], '[1,3]'],
    ['does not remove the root', '{}', [{ op: 'remove', path: '/' }], 'failed: invalid op'],
    ['replaces the root', '{"a":1}', [{ op: 'replace', path: '/', value: [] }], '[]'],
    ['moves', '{"a":1,"b":{}}', [{ op: 'move', from: '/a', path: '/b/c' }], '{"b":{"c":1}}'],
    [
      'does not move into a child',
      '{"a":{}}',
      [{ op: 'move', from: '/a', path: '/a/b' }],
      'failed: cannot move location into itself',
    ],
    [
      'copies',
      '{"a":[1]}',
      [
        { op: 'copy', from: '/a', path: '/b' },
        { op: 'add', path: '/b/-', value: 2 },
      ],
      '{"a":[1],"b":[1,2]}',
    ],
    ['passes a test that holds', '{"a":{"x":[1]}}', [{ op: 'test', path: '/a', value: { x: [1] } }], '{"a":{"x":[1]}}'],
    ['tests numbers as integers, rounded', '{"a":1.9}', [{ op: 'test', path: '/a', value: 2 }], '{"a":1.9}'],
    ['rounds away from zero', '{"a":-1.5}', [{ op: 'test', path: '/a', value: -2 }], '{"a":-1.5}'],
    ['tests numeric text against numbers', '{"a":"7"}', [{ op: 'test', path: '/a', value: 7 }], '{"a":"7"}'],
    [
      'fails a test of text',
      '{"a":"x"}',
      [{ op: 'test', path: '/a', value: 'y' }],
      'failed: tested values are not equal',
    ],
    [
      'fails a test of null',
      '{"a":null}',
      [{ op: 'test', path: '/a', value: 0 }],
      'failed: tested values are not equal',
    ],
    ['decodes ~1 and ~0', '{"a/b~c":1}', [{ op: 'replace', path: '/a~1b~0c', value: 2 }], '{"a/b~c":2}'],
    ['wants a slash first', '{}', [{ op: 'add', path: 'a', value: 1 }], 'failed: pointer must start with /'],
    ['wants no empty reference', '{}', [{ op: 'add', path: '/a//b', value: 1 }], 'failed: reference cannot be empty'],
    [
      'does not step into nothing',
      '{}',
      [{ op: 'add', path: '/a/b', value: 1 }],
      'failed: cannot step into undefined reference: key=a',
    ],
    [
      'does not step past the end',
      '[]',
      [{ op: 'add', path: '/4/b', value: 1 }],
      'failed: cannot step into undefined reference: index=4',
    ],
    [
      'does not step into a scalar',
      '{"a":1}',
      [{ op: 'add', path: '/a/b', value: 1 }],
      'failed: non-container value cannot have child reference',
    ],
    ['wants an integer for an array', '[1]', [{ op: 'add', path: '/x', value: 1 }], 'failed: index must be an integer'],
    ['wants an op', '{}', [{ path: '/a' }], "failed: op does not contain 'op'"],
    ['wants a value', '{}', [{ op: 'add', path: '/a' }], "failed: op does not contain 'value'"],
    ['knows six ops', '{}', [{ op: 'grow', path: '/a' }], 'failed: unsupported op: grow'],
    [
      'takes nothing from the prototype',
      '{}',
      [{ op: 'copy', from: '/constructor', path: '/a' }],
      'failed: location does not exist',
    ],
    ['keeps a key named __proto__', '{"__proto__":1}', [{ op: 'add', path: '/a', value: 2 }], '{"__proto__":1,"a":2}'],
    ['does not patch a scalar', '7', [], 'failed: the held body is not a JSON object or array'],
    ['does not patch text', 'hello', [], 'failed: the held body is not a JSON object or array'],
    [
      'stops at the first failure',
      '{"a":1}',
      [
        { op: 'test', path: '/a', value: 2 },
        { op: 'remove', path: '/a' },
      ],
      'failed: tested values are not equal',
    ],
  ];
  it.each(['', 0, false, 'x', null, []])('finds an object unlike %j', (value) => {
    expect(patched('{"e":{}}', { op: 'test', path: '/e', value })).toBe('failed: tested values are not equal');
  });

  it.each(['', 0, false, 'x', null, {}])('finds a list unlike %j', (value) => {
    expect(patched('{"e":[]}', { op: 'test', path: '/e', value })).toBe('failed: tested values are not equal');
  });

  it.each(cases)('%s', (_name, body, operations, expected) => {
    expect(patched(body, ...operations)).toBe(expected);
  });

  it('refuses nesting that would exhaust the stack', () => {
    expect(patched(`${'['.repeat(10_000)}${']'.repeat(10_000)}`)).toBe('failed: nested too deeply');
  });

  it('refuses copies of copies that grow without end, in depth and in size', () => {
    const deep = Array.from({ length: 14 }, (_one, at) => ({
      op: 'copy',
      from: '/a',
      path: `/a${'/x'.repeat(2 ** at)}`,
    }));
    expect(patched('{"a":{"x":null}}', ...deep)).toBe('failed: nested too deeply');
    const wide = Array.from({ length: 40 }, () => ({ op: 'copy', from: '/', path: '/-' }));
    expect(patched('[]', ...wide)).toBe('failed: copies too much');
  });

  it('answers something for any operations on any body', () => {
    const operation = fc.dictionary(
      fc.constantFrom('op', 'path', 'from', 'value'),
      fc.oneof(fc.jsonValue(), fc.constantFrom('add', 'move', '/', '/a', '/0', '/a/b')),
    );
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(operation as fc.Arbitrary<PatchOperation>), (body, operations) => {
        const result = applyBodyPatch(Buffer.from(JSON.stringify(body)), operations);
        if (result.kind === 'patched') JSON.parse(result.body.toString());
        return true;
      }),
    );
  });

  it('sets and reads back any member', () => {
    const key = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(key, fc.jsonValue({ maxDepth: 4 }), (name, value) => {
        const path = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        const result = patched('{}', { op: 'add', path, value }, { op: 'test', path, value });
        expect(JSON.parse(result)).toEqual(JSON.parse(JSON.stringify({ [name]: value })));
      }),
    );
  });
});
