/** A profile's self times by function, file and room; idle time is nobody's share. */
import { describe, expect, it } from 'vitest';
import { fileOf, roomOf, summarise } from '../../bench/profile/cpu-profile.js';

function node(id: number, functionName: string, url = '', lineNumber = -1) {
  return { id, callFrame: { functionName, url, lineNumber } };
}

const NODES = [
  node(1, '(root)'),
  node(2, '(idle)'),
  node(3, '(garbage collector)'),
  node(4, 'publish', 'file:///x/dist/hub/hub.js', 41),
  node(5, '', 'file:///x/dist/hub/channel.js', 9),
  node(6, 'request', 'file:///x/node_modules/undici/lib/core/request.js', 0),
  node(7, 'writev'),
];

describe('a profile', () => {
  const summary = summarise({
    nodes: NODES,
    samples: [2, 3, 4, 4, 5, 6, 7],
    timeDeltas: [600, 100, 100, 100, 50, 25, 25],
  });

  it('tells how busy the process was, and the share of collection in that', () => {
    expect(summary.seconds).toBeCloseTo(0.001, 9);
    expect(summary.busy).toBeCloseTo(0.4, 9);
    expect(summary.collecting).toBeCloseTo(0.25, 9);
  });

  it('has functions by self time, with file and line', () => {
    expect(summary.functions.map(({ name, share }) => [name, Number(share.toFixed(4))])).toEqual([
      ['publish dist/hub/hub.js:42', 0.5],
      ['(garbage collector)', 0.25],
      ['(anonymous) dist/hub/channel.js:10', 0.125],
      ['request undici/lib/core/request.js:1', 0.0625],
      ['writev (native)', 0.0625],
    ]);
  });

  it('adds up files and rooms', () => {
    expect(summary.rooms[0]).toEqual({ name: 'src/hub', share: 0.625 });
    expect(summary.rooms.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(summary.files.map(({ name }) => name)).toContain('undici/lib/core/request.js');
  });

  it('without samples has no shares', () => {
    expect(summarise({ nodes: NODES })).toMatchObject({ seconds: 0, busy: 0, functions: [] });
  });
});

describe('a place in the code', () => {
  it.each([
    ['file:///x/dist/cli/main.js', 'f', 'dist/cli/main.js', 'src/cli'],
    ['file:///x/node_modules/@a/b/c.js', 'f', '@a/b/c.js', '@a/b'],
    ['node:internal/streams/readable', 'f', 'node:internal/streams/readable', 'node'],
    ['', 'writev', '(native)', '(native)'],
    ['', '(program)', '(program)', '(program)'],
  ])('%j of %j is %j in %j', (url, name, file, room) => {
    expect(fileOf(url, name)).toBe(file);
    expect(roomOf(file)).toBe(room);
  });
});
