/** Inputs for fuzz tests: made of the pieces of a grammar, or valid ones with something broken; and what is asked of all. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../src/errors/catalogue.js';
import { HoldfastError } from '../../src/errors/holdfast-error.js';

/** Characters of a long input: what takes more than linear time for these is felt. */
const LONG = 100_000;

/** What has a meaning of its own in JavaScript's objects. */
export const NAMES_OF_OBJECTS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'] as const;

export type Outcome<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string };

/** What `run` gives, or the error of the catalogue that it throws; any other error is thrown on. */
export function outcomeOf<T>(run: () => T, code: ErrorCode): Outcome<T> {
  try {
    return { kind: 'value', value: run() };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== code || !ERROR_CODES.includes(code)) throw error;
    return { kind: 'refused', code, message: error.message };
  }
}

const PROTOTYPES = [Object.prototype, Array.prototype, Map.prototype, Function.prototype, Buffer.prototype];
const KEYS_AT_FIRST = PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype).length);

/** No input has put anything into what all objects share. */
export function expectCleanPrototypes(): void {
  expect(PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype).length)).toEqual(KEYS_AT_FIRST);
}

/** Any character that can stand in a text; half surrogates are among them. */
const anyText = fc.string({ unit: 'binary', maxLength: 3 });

/** Text out of pieces of the grammar, now and then with something else between. */
export function textOf(pieces: readonly string[], maxLength = 16): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: anyText },
    { weight: 1, arbitrary: fc.constantFrom('\0', '\x7f', '\x80', '\xa0', '\xff', '\ud800', '\u2028', '\ufeff') },
  );
  return fc.array(piece, { maxLength }).map((parts) => parts.join(''));
}

/** A few pieces, repeated until the text is long, between two ends. */
export function longTextOf(pieces: readonly string[]): fc.Arbitrary<string> {
  const run = fc.array(fc.constantFrom(...pieces.filter((piece) => piece !== '')), { minLength: 1, maxLength: 4 });
  return fc
    .tuple(textOf(pieces, 4), run, textOf(pieces, 4))
    .map(([start, parts, end]) => `${start}${repeatedTo(parts.join(''), LONG)}${end}`);
}

function repeatedTo(text: string, length: number): string {
  return text.repeat(Math.ceil(length / text.length));
}

interface Change {
  readonly at: number;
  readonly kind: 'remove' | 'double' | 'put' | 'replace' | 'cut';
  readonly piece: string;
  readonly length: number;
}

/** Valid texts with up to four changes: parts removed, doubled, cut off or replaced by a piece of the grammar. */
export function mutationsOf(valid: fc.Arbitrary<string>, pieces: readonly string[]): fc.Arbitrary<string> {
  const change: fc.Arbitrary<Change> = fc.record({
    at: fc.nat({ max: 0xffff }),
    kind: fc.constantFrom('remove', 'double', 'put', 'replace', 'cut'),
    piece: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...pieces) }, { weight: 1, arbitrary: anyText }),
    length: fc.integer({ min: 1, max: 12 }),
  });
  return fc.tuple(valid, fc.array(change, { maxLength: 4 })).map(([text, changes]) => changes.reduce(changed, text));
}

/** The same for bytes. */
export function byteMutationsOf(valid: fc.Arbitrary<Buffer>, pieces: readonly string[]): fc.Arbitrary<Buffer> {
  const texts = valid.map((bytes) => bytes.toString('latin1'));
  return mutationsOf(texts, pieces).map((text) => Buffer.from(text, 'latin1'));
}

function changed(text: string, { at, kind, piece, length }: Change): string {
  const start = at % (text.length + 1);
  const end = start + length;
  switch (kind) {
    case 'remove':
      return text.slice(0, start) + text.slice(end);
    case 'double':
      return text.slice(0, end) + text.slice(start);
    case 'put':
      return text.slice(0, start) + piece + text.slice(start);
    case 'replace':
      return text.slice(0, start) + piece + text.slice(end);
    case 'cut':
      return text.slice(0, start);
  }
}

/** JSON of any value, as text. */
export const jsonText: fc.Arbitrary<string> = fc.oneof(
  { weight: 2, arbitrary: fc.json({ maxDepth: 2 }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'null',
      'true',
      'false',
      '0',
      '-1',
      '1e400',
      '1e21',
      '0.5',
      '""',
      '"5"',
      '[]',
      '{}',
      '[[]]',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(...NAMES_OF_OBJECTS).map((name) => `{"${name}":{"polluted":1}}`) },
);

/** JSON of a text. */
export function jsonString(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return text.map((value) => JSON.stringify(value));
}

/** JSON of a list. */
export function jsonList(element: fc.Arbitrary<string>, maxLength = 4): fc.Arbitrary<string> {
  return fc.array(element, { maxLength }).map((elements) => `[${elements.join(',')}]`);
}

/**
 * JSON of an object whose members mostly have the values they should have: some are missing, some wrong, some there
 * twice, and some have the names of what every object has.
 */
export function jsonObject(members: Readonly<Record<string, fc.Arbitrary<string>>>): fc.Arbitrary<string> {
  const wellKnown = Object.entries(members).map(([name, value]) =>
    fc.oneof(
      { weight: 6, arbitrary: value.map((text) => [`${JSON.stringify(name)}:${text}`]) },
      { weight: 3, arbitrary: fc.constant<string[]>([]) },
      { weight: 1, arbitrary: jsonText.map((text) => [`${JSON.stringify(name)}:${text}`]) },
    ),
  );
  const strange = fc.array(
    fc
      .tuple(
        fc.oneof(fc.constantFrom(...NAMES_OF_OBJECTS, ...Object.keys(members)), fc.string({ maxLength: 4 })),
        jsonText,
      )
      .map(([name, value]) => `${JSON.stringify(name)}:${value}`),
    { maxLength: 1 },
  );
  return fc
    .tuple(fc.tuple(...wellKnown), strange)
    .map(([known, others]) => `{${[...known.flat(), ...others].join(',')}}`);
}
