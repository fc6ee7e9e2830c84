import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readFailure } from '../../src/routes/read-failure.js';

function failureOf(path: string): unknown {
  try {
    readFileSync(path);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('readFailure', () => {
  it.each<[name: string, error: unknown, words: string]>([
    ['a missing file', failureOf('/no/such/folder/at/all'), 'no such file or directory'],
    ['an error without a system code', new Error('broken'), 'broken'],
    ['an unknown system code', Object.assign(new Error('odd'), { errno: 12345 }), 'odd'],
    ['something that is no error', 'plain words', 'plain words'],
  ])('says what is wrong for %s', (_name, error, words) => {
    expect(readFailure(error)).toBe(words);
  });
});
