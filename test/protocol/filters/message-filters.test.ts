/** The filters that decide by themselves, one by one and as a stack. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FILTER_NAMES, isHttpFilter, parseFilters } from '../../../src/protocol/filters/filters.js';
import { applyFilter, type LocalFilterName, runFilters } from '../../../src/protocol/filters/message-filters.js';
import { type SampleInput, sampleInput, verdictText } from './sample-input.js';

type Case = [name: string, input: SampleInput, expected: string];

function table(filter: LocalFilterName, cases: Case[]): void {
  describe(filter, () => {
    it.each(cases)('%s', (_name, input, expected) => {
      expect(verdictText(applyFilter(filter, sampleInput(input)))).toBe(expected);
    });
  });
}

table('skip-self', [
  ['drops what its own user sent', { sub: { user: 'bob' }, pub: { sender: 'bob' } }, 'drop'],
  ['sends what another user sent', { sub: { user: 'bob' }, pub: { sender: 'alice' } }, 'send: content'],
  ['tells users apart by case', { sub: { user: 'bob' }, pub: { sender: 'Bob' } }, 'send: content'],
  ['sends when nobody is named', {}, 'send: content'],
  ['sends when both are empty', { sub: { user: '' }, pub: { sender: '' } }, 'send: content'],
  ['sends when only the sender is named', { pub: { sender: 'bob' } }, 'send: content'],
  ['does not look for the sender in the meta of the connection', { sub: { user: 'b', sender: 'b' } }, 'send: content'],
]);

table('skip-users', [
  ['drops for a user of the list', { sub: { user: 'bob' }, pub: { skip_users: 'alice,bob' } }, 'drop'],
  ['trims the parts of the list', { sub: { user: 'bob' }, pub: { skip_users: 'alice, \tbob ,,' } }, 'drop'],
  ['does not trim the user', { sub: { user: ' bob' }, pub: { skip_users: ' bob' } }, 'send: content'],
  ['sends to users that are not in the list', { sub: { user: 'bo' }, pub: { skip_users: 'bob' } }, 'send: content'],
  ['sends when nobody is named', {}, 'send: content'],
  ['does not take an empty part for an empty user', { sub: { user: '' }, pub: { skip_users: ',' } }, 'send: content'],
  ['takes quotes as they are', { sub: { user: 'bob' }, pub: { skip_users: '"bob"' } }, 'send: content'],
  ['splits inside quotes', { sub: { user: 'x"' }, pub: { skip_users: '"bob,x"' } }, 'drop'],
]);

table('require-sub', [
  ['sends when nothing is required', { channels: { a: undefined } }, 'send: content'],
  ['sends when an empty name is required', { pub: { require_sub: '' } }, 'send: content'],
  ['sends with the channel', { channels: { a: 'id', b: undefined }, pub: { require_sub: 'b' } }, 'send: content'],
  ['drops without the channel', { channels: { a: 'id' }, pub: { require_sub: 'b' } }, 'drop'],
  ['drops without any channel', { pub: { require_sub: 'b' } }, 'drop'],
  ['takes a list for one name', { channels: { a: undefined }, pub: { require_sub: 'a,b' } }, 'drop'],
]);

table('var-subst', [
  ['substitutes meta of the connection', { sub: { user: 'bob' }, content: 'hi %(user)s 100%%' }, 'send: hi bob 100%'],
  [
    'does not substitute meta of the item',
    { pub: { x: '1' }, content: '%(x)s' },
    "error: var-subst: No such variable 'x' at position 4",
  ],
  ['refuses another directive', { content: '%I' }, "error: var-subst: Unknown directive 'I' at position 1"],
  [
    'refuses an incomplete directive',
    { content: 'a%' },
    "error: var-subst: Expected directive after '%' at position 1",
  ],
]);

const ONE = { one: 'p1', two: undefined };
table('build-id', [
  ['renders the default id', { sub: { id_format: 'k' }, channels: ONE, content: 'id: %I\n' }, 'send: id: k\n'],
  ['puts ids of channels into it', { sub: { id_format: '%(one)s-x' }, channels: ONE, content: '%I' }, 'send: p1-x'],
  [
    'puts several ids into it',
    { sub: { id_format: 'a:%(a)s,b:%(b)s' }, channels: { a: '1', b: '2' }, content: '%I' },
    'send: a:1,b:2',
  ],
  ['renders an empty id', { sub: { id_format: '%(a)s' }, channels: { a: '' }, content: '[%I]' }, 'send: []'],
  [
    'makes one percent sign of two in a format',
    { sub: { id_format: 'z%%' }, channels: ONE, content: '%I' },
    'send: z%',
  ],
  ['renders an id of the content', { sub: { id_format: 'k' }, channels: ONE, content: '%(x y)I' }, 'send: x y'],
  ['takes an empty argument for none', { sub: { id_format: 'k' }, channels: ONE, content: '%()I' }, 'send: k'],
  [
    'encodes both kinds of ids in hexadecimal digits',
    { sub: { id_format: 'k', id_encoding: 'hex' }, channels: ONE, content: '%I-%(Az)I' },
    'send: 6b-417a',
  ],
  [
    'encodes the UTF-8 of an id',
    { sub: { id_format: 'ü', id_encoding: 'hex' }, channels: ONE, content: '%I' },
    'send: c3bc',
  ],
  [
    'takes an empty encoding for none',
    { sub: { id_format: 'k', id_encoding: '' }, channels: ONE, content: '%I' },
    'send: k',
  ],
  ['wants a format', { channels: ONE }, "error: build-id: no sub meta 'id_format'"],
  [
    'wants a format that is not empty',
    { sub: { id_format: '' }, channels: ONE },
    "error: build-id: no sub meta 'id_format'",
  ],
  [
    'knows one encoding, in lower case',
    { sub: { id_format: 'k', id_encoding: 'HEX' }, channels: ONE },
    'error: build-id: unsupported encoding: HEX',
  ],
  [
    'refuses a channel without id, even when the content names no id',
    { sub: { id_format: '%(two)s' }, channels: ONE },
    "error: build-id: failed to render ID: No such variable 'two' at position 6",
  ],
  [
    'refuses a channel of another connection',
    { sub: { id_format: '%(three)s' }, channels: ONE, content: '%I' },
    "error: build-id: failed to render ID: No such variable 'three' at position 8",
  ],
  [
    'refuses a format that names itself',
    { sub: { id_format: '%I' }, channels: ONE },
    "error: build-id: failed to render ID: Unknown directive 'I' at position 1",
  ],
  [
    'refuses another directive',
    { sub: { id_format: 'k' }, channels: ONE, content: '%s' },
    "error: build-id: Unknown directive 's' at position 1",
  ],
  [
    'has no default id without channels',
    { sub: { id_format: 'k' }, content: 'ok%I' },
    'error: build-id: No ID specified and no default ID in context at position 3',
  ],
  ['does not read the format without channels', { sub: { id_format: '%(nix' }, content: '%(x)I' }, 'send: x'],
]);

describe('runFilters', () => {
  const cases: [name: string, filters: string[], input: SampleInput, expected: string][] = [
    ['sends through an empty stack', [], {}, 'send: content'],
    ['sends through filters nobody knows', ['nix'], {}, 'send: content'],
    [
      'gives each filter what the one before made',
      ['var-subst', 'build-id'],
      { sub: { user: '%I', id_format: 'k' }, channels: ONE, content: '%(user)s' },
      'send: k',
    ],
    [
      'keeps the order',
      ['build-id', 'var-subst'],
      { sub: { user: 'bob', id_format: 'k' }, channels: ONE, content: '%I %%(user)s' },
      'send: k bob',
    ],
    [
      'runs a filter as often as it is named',
      ['var-subst', 'var-subst'],
      { sub: { u: 'b' }, content: '%%(u)s' },
      'send: b',
    ],
    [
      'stops at the first drop',
      ['skip-self', 'var-subst'],
      { sub: { user: 'b' }, pub: { sender: 'b' }, content: '%' },
      'drop',
    ],
    [
      'stops at the first error',
      ['var-subst', 'skip-self'],
      { sub: { user: 'b' }, pub: { sender: 'b' }, content: '%' },
      "error: var-subst: Expected directive after '%' at position 0",
    ],
    ['filters an empty content', ['var-subst', 'skip-users'], { content: '' }, 'send: '],
  ];
  it.each(cases)('%s', (_name, filters, input, expected) => {
    expect(verdictText(runFilters(parseFilters(filters), sampleInput(input)))).toBe(expected);
  });

  it('stops before a filter that asks, and goes on behind it with other content', () => {
    const stack = parseFilters(['var-subst', 'http-modify', 'var-subst', 'http-check']);
    const input = sampleInput({ sub: { user: 'bob' }, content: '%(user)s' });
    const first = runFilters(stack, input);
    expect(first).toEqual({ kind: 'ask', filter: 'http-modify', at: 1, content: Buffer.from('bob') });
    const second = runFilters(stack, { ...input, content: Buffer.from('new %(user)s') }, 2);
    expect(second).toEqual({ kind: 'ask', filter: 'http-check', at: 3, content: Buffer.from('new bob') });
    const last = runFilters(stack, { ...input, content: Buffer.from('%') }, 4);
    expect(verdictText(last)).toBe('send: %');
  });

  it('does not ask about what is dropped before', () => {
    const input = sampleInput({ sub: { user: 'b' }, pub: { sender: 'b' } });
    expect(runFilters(parseFilters(['skip-self', 'http-check']), input)).toEqual({ kind: 'drop' });
  });

  it('never throws, and without content filters sends the content untouched or not at all', () => {
    const word = fc.constantFrom('', 'user', 'sender', 'bob', '%I', '%(user)s', '%', 'id_format', 'hex', 'id_encoding');
    const meta = fc.dictionary(
      fc.constantFrom('user', 'sender', 'skip_users', 'require_sub', 'id_format', 'id_encoding'),
      word,
    );
    const input = fc.record({
      sub: meta,
      pub: meta,
      channels: fc.dictionary(word, fc.option(word, { nil: undefined })),
      content: fc.oneof(word, fc.string()),
    });
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...FILTER_NAMES), { maxLength: 5 }), input, (stack, sample) => {
        const given = sampleInput(sample);
        const verdict = runFilters(stack, given);
        expect(['send', 'drop', 'error', 'ask']).toContain(verdict.kind);
        if (verdict.kind === 'ask') expect(stack.findIndex(isHttpFilter)).toBe(verdict.at);
        const changes = stack.includes('build-id') || stack.includes('var-subst');
        if (verdict.kind === 'send' && !changes) expect(verdict.content).toBe(given.content);
        if (verdict.kind === 'error') expect(verdict.detail).toMatch(/^(build-id|var-subst): ./);
      }),
    );
  });
});
