/** Templates of filters, whole and in chunks, and stacks of filters over messages: chunk ends and odd bytes change nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FILTER_NAMES, parseFilters } from '../../src/protocol/filters/filters.js';
import { httpFilterRequest } from '../../src/protocol/filters/http-filter.js';
import {
  ARGUMENT_BYTES_MAX,
  DirectiveScanner,
  type Rendering,
  renderDirectives,
  variableSubstitute,
} from '../../src/protocol/filters/id-format.js';
import { runFilters } from '../../src/protocol/filters/message-filters.js';
import { ResponseContentFilter } from '../../src/protocol/filters/response-content.js';
import { isHeaderValue } from '../../src/protocol/headers.js';
import { type Chunking, chunkings } from '../protocol/filters/chunkings.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import { expectCleanPrototypes, longTextOf, NAMES_OF_OBJECTS, textOf } from './inputs.js';

const share = new FuzzShare('filters', 5);

const PIECES = [
  ...['%', '%%', '%(', ')', '(', '\\', '\\)', '\\\\', 's', 'I', 'x', '%(a)s', '%(b)s', '%I', '%(id)I', '%()I', '%(a'],
  ...['text', ' ', '\n', 'é', ...NAMES_OF_OBJECTS],
];

const VARIABLES = new Map([
  ['a', 'A'],
  ['b)', 'B%s'],
  ['', 'empty'],
]);

const template = textOf(PIECES).map((text) => Buffer.from(text));
const word = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('a', 'me', '\r\n', '\ud800', ...NAMES_OF_OBJECTS));
const metaName = fc.constantFrom(
  ...['user', 'sender', 'skip_users', 'require_sub', 'id_format', 'id_encoding', 'url', 'extra'],
  ...NAMES_OF_OBJECTS,
);
const metaValue = fc.oneof(
  textOf(PIECES, 4),
  fc.constantFrom(
    'me',
    'me, you',
    'a',
    'hex',
    '/filter',
    'http://other.invalid/',
    'http://[',
    'javascript:0',
    '\r\nX: y',
  ),
);
const meta = fc.array(fc.tuple(metaName, metaValue), { maxLength: 5 }).map((members) => new Map(members));

const input = fc.record({
  subMeta: meta,
  pubMeta: meta,
  prevIds: fc.array(fc.tuple(word, word), { maxLength: 3 }).map((members) => new Map(members)),
  channels: fc.array(word, { maxLength: 3 }).map((names) => new Set(names)),
  content: template,
});

/** What comes out when the template comes in chunks, up to the first error. */
function inChunks({ chunks }: Chunking, filter: { update(chunk: Buffer): Rendering; finish(): Rendering }): Rendering {
  const output: Buffer[] = [];
  for (const rendering of [...chunks.map((chunk) => filter.update(chunk)), filter.finish()]) {
    if (rendering.kind === 'error') return rendering;
    output.push(rendering.content);
  }
  return { kind: 'rendered', content: Buffer.concat(output) };
}

describe('a template', () => {
  it(
    'is rendered the same, or wrong at the same place, wherever it is cut',
    () =>
      share.check(
        fc.property(chunkings(template), (chunking) => {
          const substitute = variableSubstitute(VARIABLES);
          const whole = renderDirectives(chunking.whole, substitute);
          expect(inChunks(chunking, new DirectiveScanner(substitute))).toEqual(whole);
        }),
      ),
    share.timeout,
  );

  it(
    'of plain text with its percent signs doubled is that text, and a name with its brackets escaped is that name',
    () =>
      share.check(
        fc.property(
          fc.string({ unit: 'binary' }),
          fc.string({ unit: 'binary', minLength: 1 }),
          fc.string({ unit: 'binary' }),
          (text, name, value) => {
            const directive = `%(${name.replace(/[\\)]/g, '\\$&')})s`;
            const content = Buffer.from(text.replaceAll('%', '%%') + directive);
            const rendering = renderDirectives(content, variableSubstitute(new Map([[name, value]])));
            expect(rendering).toEqual({ kind: 'rendered', content: Buffer.from(text + value) });
          },
        ),
      ),
    share.timeout,
  );

  it(
    'is rendered in time when it is long, and no argument is kept beyond its limit',
    () =>
      share.check(
        fc.property(longTextOf(PIECES), fc.integer({ min: 1, max: 5_000 }), (text, size) => {
          const whole = Buffer.from(text);
          const chunks: Buffer[] = [];
          for (let at = 0; at < whole.length; at += size) chunks.push(whole.subarray(at, at + size));
          const substitute = variableSubstitute(VARIABLES);
          const rendering = inChunks({ whole, chunks }, new DirectiveScanner(substitute));
          if (whole.length <= ARGUMENT_BYTES_MAX) expect(rendering).toEqual(renderDirectives(whole, substitute));
          else expect(rendering.kind).toBe(renderDirectives(whole, substitute).kind);
        }),
      ),
    share.timeout,
  );
});

describe('filters', () => {
  it(
    'come to a verdict or to a question that can be sent, whatever publishers and origins say',
    () =>
      share.check(
        fc.property(
          fc.array(fc.oneof(fc.constantFrom(...FILTER_NAMES), word), { maxLength: 5 }),
          input,
          (names, one) => {
            const verdict = runFilters(parseFilters(names), one);
            expectCleanPrototypes();
            expect(['send', 'drop', 'error', 'ask']).toContain(verdict.kind);
            if (verdict.kind !== 'ask') return;
            expect(parseFilters(names)[verdict.at]).toBe(verdict.filter);
            const question = httpFilterRequest(
              verdict.filter,
              one,
              'http://proxy.invalid:7999/path',
              'ws://proxy.invalid/',
            );
            if (question.kind === 'error') return;
            expect(['http:', 'https:']).toContain(question.request.url.protocol);
            expect(question.request.headers.every(([, value]) => isHeaderValue(value))).toBe(true);
          },
        ),
      ),
    share.timeout,
  );

  it(
    'over a first body give the same for the whole as for its chunks',
    () =>
      share.check(
        fc.property(chunkings(template), meta, (chunking, subMeta) => {
          const one = { whole: chunking.whole, chunks: [chunking.whole] };
          expect(inChunks(chunking, new ResponseContentFilter(subMeta))).toEqual(
            inChunks(one, new ResponseContentFilter(subMeta)),
          );
        }),
      ),
    share.timeout,
  );
});
