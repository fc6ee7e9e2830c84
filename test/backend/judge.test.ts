import { describe, expect, it } from 'vitest';
import { judgeComplete } from '../../src/backend/judge.js';
import type { Failure } from '../../src/backend/verdict.js';
import type { HeaderList } from '../../src/protocol/headers.js';
import { JudgedCall, LIMIT } from '../support/judged-call.js';

describe('telling a GRIP answer', () => {
  it.each<[string, HeaderList, boolean]>([
    ['no headers', [], false],
    ['Grip-Hold', [['Grip-Hold', 'stream']], true],
    ['any header that begins with Grip-, in any case', [['gRiP-wHaTeVeR', '']], true],
    ['a name that only contains it', [['X-Grip-Hold', 'stream']], false],
    ['a name that only looks like it', [['Gripe', '1']], false],
    ['the type of JSON instructions', [['Content-Type', 'application/grip-instruct']], true],
    ['that type with parameters', [['content-type', 'application/grip-instruct; charset=utf-8']], true],
    ['that type in another case', [['Content-Type', 'Application/Grip-Instruct']], false],
    ['another type that begins with it', [['Content-Type', 'application/grip-instruct2']], false],
  ])('by %s', (_, headers, grip) => {
    const bench = new JudgedCall().head(headers);
    expect(bench.verdicts.map(({ kind }) => kind)).toEqual(grip ? [] : ['relay']);
  });

  it('is not tried where GRIP is off', () => {
    const bench = new JudgedCall({ grip: false }).head([['Grip-Hold', 'stream']]);
    expect(bench.verdicts).toMatchObject([{ kind: 'relay', headers: [['Grip-Hold', 'stream']] }]);
  });
});

describe('an ordinary answer', () => {
  it('goes through as it comes, from the head on', () => {
    const bench = new JudgedCall().head([['A', '1']], 418);
    expect(bench.verdicts).toMatchObject([{ kind: 'relay', code: 418, reason: 'OK', headers: [['A', '1']] }]);
    expect(bench.data('one')).toBe(true);
    expect(bench.data('two')).toBe(true);
    bench.judge.end();
    expect(bench.calls).toEqual(['write one', 'write two', 'end']);
  });

  it('loses the headers of the hop and keeps order and repetitions of all others', () => {
    const { verdicts } = new JudgedCall().head([
      ['Set-Cookie', 'a'],
      ['Connection', 'x'],
      ['KEEP-ALIVE', 'x'],
      ['content-encoding', 'gzip'],
      ['Transfer-Encoding', 'chunked'],
      ['Set-Cookie', 'b'],
      ['Upgrade', 'x'],
      ['Location', '/elsewhere'],
    ]);
    expect(verdicts).toMatchObject([
      {
        headers: [
          ['Set-Cookie', 'a'],
          ['Set-Cookie', 'b'],
          ['Upgrade', 'x'],
          ['Location', '/elsewhere'],
        ],
      },
    ]);
  });

  it.each<[HeaderList, number | undefined]>([
    [[], undefined],
    [[['Content-Length', '0']], 0],
    [[['content-length', '17']], 17],
    [
      [
        ['Content-Length', '17'],
        ['Transfer-Encoding', 'chunked'],
      ],
      undefined,
    ],
  ])('with headers %j has length %s', (headers, length) => {
    const [verdict] = new JudgedCall().head(headers).verdicts;
    expect(verdict).toHaveProperty('length', length);
  });

  it('is slowed down by the client and goes on when it is ready', () => {
    const bench = new JudgedCall().head([]);
    bench.hungry = false;
    expect(bench.data('x')).toBe(false);
    bench.judge.resume();
    expect(bench.calls).toEqual(['write x', 'resume']);
  });

  it('that breaks off is told to the client as broken', () => {
    const bench = new JudgedCall().head([]);
    bench.data('half');
    bench.judge.failed({ kind: 'other', detail: 'reset' });
    expect(bench.calls).toEqual(['write half', 'fail']);
    expect(bench.verdicts).toHaveLength(1);
  });

  it('may be larger than any limit', () => {
    const bench = new JudgedCall({ maxInstructBytes: 3 }).head([]);
    bench.data('more than three');
    expect(bench.calls).toEqual(['write more than three']);
  });
});

describe('a GRIP answer', () => {
  const HOLD: HeaderList = [
    ['Grip-Hold', 'stream'],
    ['Grip-Channel', 'c'],
    ['Connection', 'x'],
    ['X', 'kept'],
  ];

  it('is read whole before there is a verdict', () => {
    const bench = new JudgedCall().head(HOLD);
    expect([bench.data('one '), bench.data('two')]).toEqual([true, true]);
    expect(bench.verdicts).toEqual([]);
    bench.judge.end();
    expect(bench.verdicts).toMatchObject([
      {
        kind: 'instruct',
        instruct: {
          hold: 'stream',
          channels: [{ name: 'c' }],
          response: { code: 200, reason: 'OK', headers: [['X', 'kept']], body: Buffer.from('one two') },
        },
      },
    ]);
  });

  it('may fill the limit', () => {
    const full = new JudgedCall().head(HOLD);
    full.data(Buffer.alloc(LIMIT - 1));
    full.data('x');
    full.judge.end();
    expect(full.verdicts.map(({ kind }) => kind)).toEqual(['instruct']);
  });

  it('that makes no sense fails with the text of the parser', () => {
    const bench = new JudgedCall().head([['Grip-Hold', 'forever']]);
    bench.judge.end();
    expect(bench.verdicts).toMatchObject([{ kind: 'failed', failure: { kind: 'instruct-invalid' } }]);
    const [verdict] = bench.verdicts;
    expect(
      judgeComplete({ code: 200, reason: 'OK', headers: [['Grip-Hold', 'forever']], body: Buffer.alloc(0) }),
    ).toEqual(verdict);
  });

  it('without a hold is an instruct with its answer', () => {
    const bench = new JudgedCall().head([['Grip-Status', '404 Gone Fishing']]);
    bench.data('body');
    bench.judge.end();
    expect(bench.verdicts).toMatchObject([
      { kind: 'instruct', instruct: { hold: undefined, response: { code: 404, reason: 'Gone Fishing' } } },
    ]);
  });

  it('that breaks off is a failure, and half of it is not acted upon', () => {
    const bench = new JudgedCall().head(HOLD);
    bench.data('half');
    bench.judge.failed({ kind: 'connect' });
    expect(bench.verdicts).toEqual([{ kind: 'failed', failure: { kind: 'other', detail: 'the answer broke off' } }]);
  });
});

describe('a call', () => {
  it.each<Failure>([{ kind: 'connect' }, { kind: 'unreachable' }, { kind: 'other', detail: 'why' }])(
    'that fails before the head has the verdict %j',
    (failure) => {
      const bench = new JudgedCall();
      bench.judge.failed(failure);
      bench.judge.failed(failure);
      expect(bench.verdicts).toEqual([{ kind: 'failed', failure }]);
    },
  );

  it('that is called off has no verdict, whatever still comes', () => {
    const bench = new JudgedCall();
    bench.judge.cancel();
    bench.judge.cancel();
    bench.head([]);
    bench.data('x');
    bench.judge.end();
    bench.judge.failed({ kind: 'connect' });
    expect(bench.verdicts).toEqual([]);
    expect(bench.calls).toEqual(['cancel']);
  });

  it('that is called off in mid-body says nothing more to the client', () => {
    const bench = new JudgedCall().head([]);
    bench.data('1');
    bench.judge.cancel();
    bench.data('2');
    bench.judge.end();
    expect(bench.calls).toEqual(['write 1', 'cancel']);
  });

  it('that has ended cannot be called off any more', () => {
    const bench = new JudgedCall().head([]);
    bench.judge.end();
    bench.judge.cancel();
    expect(bench.calls).toEqual(['end']);
  });

  it('has one head only', () => {
    const bench = new JudgedCall().head([]).head([]);
    expect(bench.verdicts).toHaveLength(1);
  });
});
