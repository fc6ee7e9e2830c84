import { describe, expect, it } from 'vitest';
import type { BodySink } from '../../src/backend/verdict.js';
import { LateSink } from '../../src/proxy/late-sink.js';

/** A sink with room for `room` chunks, and a source that counts how often it is told to go on. */
function stage(room = Number.POSITIVE_INFINITY) {
  const calls: string[] = [];
  let left = room;
  const sink: BodySink = {
    write: (chunk) => {
      calls.push(chunk.toString());
      left -= 1;
      return left > 0;
    },
    end: () => calls.push('<end>'),
    fail: () => calls.push('<fail>'),
  };
  let resumed = 0;
  const late = new LateSink({
    pipe: () => {},
    resume: () => {
      resumed += 1;
    },
  });
  return { calls, sink, late, resumed: () => resumed };
}

describe('a late sink', () => {
  it('stops its source with the first chunk, keeps what one read brought, and goes on when it is opened', () => {
    const { calls, sink, late, resumed } = stage();
    expect([late.write(Buffer.from('a')), late.write(Buffer.from('b'))]).toEqual([false, false]);
    late.open(sink);
    expect([calls, resumed()]).toEqual([['a', 'b'], 1]);
    expect(late.write(Buffer.from('c'))).toBe(true);
    late.end();
    expect(calls).toEqual(['a', 'b', 'c', '<end>']);
  });

  it.each(['end', 'fail'] as const)('hands an early %s on behind what it has kept, and asks for no more', (ending) => {
    const { calls, sink, late, resumed } = stage();
    late.write(Buffer.from('a'));
    late[ending]();
    late.open(sink);
    expect([calls, resumed()]).toEqual([['a', `<${ending}>`], 0]);
  });

  it('leaves the source stopped when the client has no room', () => {
    const { calls, sink, late, resumed } = stage(1);
    late.write(Buffer.from('a'));
    late.open(sink);
    expect([calls, resumed()]).toEqual([['a'], 0]);
    expect(late.write(Buffer.from('b'))).toBe(false);
  });

  it('is not there for a source that it is opened before', () => {
    const { calls, sink, late, resumed } = stage();
    late.open(sink);
    expect(late.write(Buffer.from('a'))).toBe(true);
    late.fail();
    expect([calls, resumed()]).toEqual([['a', '<fail>'], 0]);
  });
});
