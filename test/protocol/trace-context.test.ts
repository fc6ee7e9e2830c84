import { describe, expect, it } from 'vitest';
import { formatTraceparent, parseTraceparent, traceparentOf } from '../../src/protocol/trace-context.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

describe('parseTraceparent', () => {
  it.each([
    [`00-${TRACE}-${PARENT}-00`, 0],
    [`00-${TRACE}-${PARENT}-01`, 1],
    [`00-${TRACE}-${PARENT}-ff`, 255],
    // Later versions may say more.
    [`01-${TRACE}-${PARENT}-01`, 1],
    [`fe-${TRACE}-${PARENT}-03-what-comes`, 3],
  ])('reads %s', (value, flags) => {
    expect(parseTraceparent(value)).toEqual({ traceId: TRACE, parentId: PARENT, flags });
  });

  it.each([
    ['nothing', ''],
    ['version ff', `ff-${TRACE}-${PARENT}-01`],
    ['more than version 00 has', `00-${TRACE}-${PARENT}-01-x`],
    ['more without a dash', `01-${TRACE}-${PARENT}-01x`],
    ['no trace id', `00-${'0'.repeat(32)}-${PARENT}-01`],
    ['no parent id', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['upper case', `00-${TRACE.toUpperCase()}-${PARENT}-01`],
    ['a short trace id', `00-${TRACE.slice(1)}-${PARENT}-01`],
    ['flags of one digit', `00-${TRACE}-${PARENT}-1`],
    ['what is no digit', `00-${TRACE.slice(1)}g-${PARENT}-01`],
    ['space around it', ` 00-${TRACE}-${PARENT}-01`],
    ['a line break', `01-${TRACE}-${PARENT}-01-\n`],
    ['two of them', `00-${TRACE}-${PARENT}-01,00-${TRACE}-${PARENT}-01`],
    ['endless', `01-${TRACE}-${PARENT}-01-${'x'.repeat(1_000)}`],
  ])('refuses %s', (_what, value) => {
    expect(parseTraceparent(value)).toBeUndefined();
  });
});

describe('traceparentOf', () => {
  const good = `00-${TRACE}-${PARENT}-01`;

  it('finds the only header of that name, however it is written', () => {
    expect(
      traceparentOf([
        ['a', 'b'],
        ['TraceParent', good],
      ]),
    ).toBe(good);
  });

  it('finds nothing where there is none, more than one, or a malformed one', () => {
    expect(traceparentOf([['a', good]])).toBeUndefined();
    expect(
      traceparentOf([
        ['traceparent', good],
        ['Traceparent', good],
      ]),
    ).toBeUndefined();
    expect(traceparentOf([['traceparent', '00-1-2-01']])).toBeUndefined();
  });
});

describe('formatTraceparent', () => {
  it.each([`00-${TRACE}-${PARENT}-00`, `00-${TRACE}-${PARENT}-01`, `00-${TRACE}-${PARENT}-a3`])(
    'writes %s',
    (value) => {
      expect(formatTraceparent(parseTraceparent(value) ?? expect.fail())).toBe(value);
    },
  );
});
