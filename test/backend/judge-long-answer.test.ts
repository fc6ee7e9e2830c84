import { describe, expect, it } from 'vitest';
import type { HeaderList } from '../../src/protocol/headers.js';
import { JudgedCall } from '../support/judged-call.js';

describe('a GRIP answer above the limit', () => {
  const BUILD_ID = 'c; filter=build-id';
  const NEXT = '</next>; rel=next; timeout=10';

  it.each<[string, HeaderList]>([
    [
      'a stream hold',
      [
        ['Grip-Hold', 'stream'],
        ['Grip-Channel', 'c; filter=skip-self'],
      ],
    ],
    ['a next link without a hold', [['Grip-Link', `</gone>; rel=gone, ${NEXT}`]]],
  ])('goes through where it is %s', (_, headers) => {
    const bench = new JudgedCall({ maxInstructBytes: 3 }).head(headers);
    expect([bench.data('ab'), bench.data('cd')]).toEqual([true, true]);
    expect(bench.verdicts.map(({ kind }) => kind)).toEqual(['long-instruct']);
    expect(bench.calls).toEqual(['write ab', 'write cd']);
    expect(bench.data('ef')).toBe(true);
    bench.judge.end();
    expect(bench.calls.slice(2)).toEqual(['write ef', 'end']);
    expect(bench.verdicts).toHaveLength(1);
  });

  it('has the headers read and an empty body in its instruct', () => {
    const bench = new JudgedCall({ maxInstructBytes: 3 }).head([
      ['Grip-Hold', 'stream'],
      ['Grip-Status', '201'],
      ['X', '1'],
    ]);
    bench.data('abcd');
    expect(bench.verdicts).toMatchObject([
      { instruct: { hold: 'stream', response: { code: 201, headers: [['X', '1']], body: Buffer.alloc(0) } } },
    ]);
  });

  it.each<[string, HeaderList]>([
    [
      'a response hold',
      [
        ['Grip-Hold', 'response'],
        ['Grip-Channel', 'c'],
      ],
    ],
    [
      'a response hold with a next link',
      [
        ['Grip-Hold', 'response'],
        ['Grip-Link', NEXT],
      ],
    ],
    ['an answer without hold and next link', [['Grip-Link', '</gone>; rel=gone']]],
    [
      'a stream that its filter has to see whole',
      [
        ['Grip-Hold', 'stream'],
        ['Grip-Channel', `a, ${BUILD_ID}, b`],
      ],
    ],
    [
      'a stream with a filter that is written with a capital letter',
      [
        ['Grip-Hold', 'stream'],
        ['Grip-Channel', 'c; Filter=build-id'],
      ],
    ],
    ['an instruct in JSON', [['Content-Type', 'application/grip-instruct']]],
    [
      'a stream hold that makes no sense',
      [
        ['Grip-Hold', 'stream'],
        ['Grip-Status', 'none'],
      ],
    ],
  ])('is a failure where it is %s, and the rest is not wanted', (_, headers) => {
    const bench = new JudgedCall({ maxInstructBytes: 3 }).head(headers);
    bench.data('abc');
    expect(bench.verdicts).toEqual([]);
    bench.data('d');
    expect(bench.verdicts).toEqual([{ kind: 'failed', failure: { kind: 'instruct-too-large' } }]);
    expect(bench.calls).toEqual(['cancel']);
    bench.data('more');
    bench.judge.end();
    expect(bench.verdicts).toHaveLength(1);
  });

  it('is slowed down by the client from the first bytes on', () => {
    const bench = new JudgedCall({ maxInstructBytes: 3 }).head([['Grip-Hold', 'stream']]);
    bench.hungry = false;
    expect(bench.data('abcd')).toBe(false);
    bench.judge.resume();
    expect(bench.calls).toEqual(['write abcd', 'resume']);
  });

  it('that breaks off on its way is told to the client as broken', () => {
    const bench = new JudgedCall({ maxInstructBytes: 3 }).head([['Grip-Hold', 'stream']]);
    bench.data('abcd');
    bench.judge.failed({ kind: 'connect' });
    expect(bench.calls).toEqual(['write abcd', 'fail']);
    expect(bench.verdicts).toHaveLength(1);
  });
});
