/** Filters over the body an origin answers with. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilters } from '../../../src/protocol/filters/filters.js';
import type { Rendering } from '../../../src/protocol/filters/id-format.js';
import { filterResponseBody, responseContentFilter } from '../../../src/protocol/filters/response-content.js';
import { bytesOf, chunkings } from './chunkings.js';

const BUILD_ID = [parseFilters(['build-id'])];

function text(rendering: Rendering): string {
  return rendering.kind === 'rendered' ? rendering.content.toString() : `error: ${rendering.detail}`;
}

function meta(members: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(members));
}

describe('filterResponseBody', () => {
  const k = { id_format: 'k' };
  const cases: [name: string, filters: string[][], meta: Record<string, string>, body: string, expected: string][] = [
    ['leaves a body without channels alone', [], {}, '%', '%'],
    ['leaves a body alone when no filter is for it', [['var-subst', 'skip-self', 'http-modify']], {}, '%(a)s', '%(a)s'],
    ['renders an id that the body names', [['build-id']], k, 'a%(z)Ib', 'azb'],
    ['encodes it', [['build-id']], { id_format: 'k', id_encoding: 'hex' }, 'a%(z)Ib', 'a7ab'],
    ['finds the filter on any channel', [[], ['skip-self', 'build-id']], k, '%(z)I', 'z'],
    ['runs once for two channels', [['build-id'], ['build-id']], k, '%%(z)I', '%(z)I'],
    ['runs once for a filter named twice', [['build-id', 'build-id']], k, '%%(z)I', '%(z)I'],
    ['renders an empty body', [['build-id']], k, '', ''],
    ['does not read the format', [['build-id']], { id_format: '%(nix' }, 'a', 'a'],
    [
      'has no default id',
      [['build-id']],
      k,
      'a%I',
      'error: build-id: No ID specified and no default ID in context at position 2',
    ],
    ['wants a format', [['build-id']], {}, 'a', "error: build-id: no sub meta 'id_format'"],
    ['wants a format for an empty body too', [['build-id']], {}, '', "error: build-id: no sub meta 'id_format'"],
    [
      'knows one encoding',
      [['build-id']],
      { id_format: 'k', id_encoding: 'q' },
      'a',
      'error: build-id: unsupported encoding: q',
    ],
    [
      'refuses an incomplete directive',
      [['build-id']],
      k,
      'a%(z',
      'error: build-id: Unterminated field starting at position 2',
    ],
  ];
  it.each(cases)('%s', (_name, filters, members, body, expected) => {
    expect(text(filterResponseBody(filters.map(parseFilters), meta(members), Buffer.from(body)))).toBe(expected);
  });

  it('gives back the very body when no filter is for it', () => {
    const body = Buffer.from('%');
    expect(filterResponseBody([], meta({}), body)).toEqual({ kind: 'rendered', content: body });
  });
});

describe('responseContentFilter', () => {
  it('is undefined when no filter is for the body', () => {
    expect(responseContentFilter([parseFilters(['var-subst'])], meta({}))).toBeUndefined();
  });

  it('carries an incomplete directive over the end of a chunk', () => {
    const filter = responseContentFilter(BUILD_ID, meta({ id_format: 'k' }));
    const outputs = ['id: %', '(1', '2)I\n', 'data'].map((chunk) => filter && text(filter.update(Buffer.from(chunk))));
    expect([...outputs, filter && text(filter.finish())]).toEqual(['id: ', '', '12\n', 'data', '']);
  });

  it('says at the very end that a directive is incomplete', () => {
    const filter = responseContentFilter(BUILD_ID, meta({ id_format: 'k' }));
    expect(filter && text(filter.update(Buffer.from('a%')))).toBe('a');
    expect(filter && text(filter.finish())).toBe("error: build-id: Expected directive after '%' at position 1");
  });

  it('filters any chunking like the whole, errors included', () => {
    const sets = fc.constantFrom({ id_format: 'k' }, { id_format: 'k', id_encoding: 'hex' }, {});
    fc.assert(
      fc.property(chunkings(bytesOf('%', '(', ')', '\\', 'I', '%%', '%(z)I', 'text')), sets, (body, members) => {
        const filter = responseContentFilter(BUILD_ID, meta(members));
        const outputs = [...body.chunks.map((chunk) => filter?.update(chunk)), filter?.finish()];
        const error = outputs.find((output) => output?.kind === 'error');
        const content = Buffer.concat(
          outputs.map((output) => (output?.kind === 'rendered' ? output.content : Buffer.alloc(0))),
        );
        expect(error ?? { kind: 'rendered', content }).toEqual(filterResponseBody(BUILD_ID, meta(members), body.whole));
      }),
    );
  });
});
