/** Plots: round marks, lines where the values are, text that cannot break the picture. */
import { describe, expect, it } from 'vitest';
import { type Plot, plotsOf } from '../../bench/report/plots.js';
import { drawPlots } from '../../bench/report/svg.js';
import { linearTicks, logTicks, tickText } from '../../bench/report/ticks.js';

const PLOT: Plot = {
  title: 'Memory <of> one & all',
  x: { label: 'time, minutes', scale: 'linear' },
  y: { label: 'memory, MB', scale: 'linear' },
  series: [
    {
      name: 'PSS',
      points: [
        [0, 0],
        [5, 50],
        [10, 100],
      ],
    },
    {
      name: 'heap',
      points: [
        [0, 10],
        [10, 20],
      ],
    },
  ],
};

function pointsOf(svg: string): number[][][] {
  return [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points = '']) =>
    points
      .split(' ')
      .filter((one) => one !== '')
      .map((one) => one.split(',').map(Number)),
  );
}

describe('the marks of an axis', () => {
  it.each([
    [100, [0, 20, 40, 60, 80, 100]],
    [7, [0, 2, 4, 6, 8]],
    [0.3, [0, 0.1, 0.2, 0.3]],
    [0, [0, 1]],
  ])('up to %j are %j', (most, expected) => {
    const ticks = linearTicks(most);
    expect(ticks.map((tick) => Number(tick.toFixed(6)))).toEqual(expected);
  });

  it('never end below the largest value, and are not too many', () => {
    for (let value = 0.001; value < 1e7; value *= 1.37) {
      const ticks = linearTicks(value);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(value * 0.999999);
      expect(ticks.length).toBeLessThanOrEqual(11);
    }
  });

  it.each([
    [1, 50_000, [1, 10, 100, 1_000, 10_000, 100_000]],
    [100, 100, [100, 1_000]],
    [30, 300, [10, 100, 1_000]],
  ])('of powers of ten from %j to %j are %j', (least, most, expected) => {
    expect(logTicks(least, most)).toEqual(expected);
  });

  it('are written without needless digits', () => {
    expect([0, 0.30000000000000004, 250, 50_000].map(tickText)).toEqual(['0', '0.3', '250', '50,000']);
  });
});

describe('a drawn plot', () => {
  it('has title, labels with units, names of the series, and nothing that is markup by accident', () => {
    const svg = drawPlots([PLOT]);
    for (const text of ['Memory &lt;of&gt; one &amp; all', 'time, minutes', 'memory, MB', 'PSS', 'heap']) {
      expect(svg).toContain(`>${text}</text>`);
    }
  });

  it('has lines that rise with their values and stay within the frame', () => {
    const [pss = [], heap = []] = pointsOf(drawPlots([PLOT]));
    expect(pss.length).toBe(3);
    const [first = [], middle = [], last = []] = pss;
    expect([first[0], last[0]]).toEqual([84, 736]);
    expect([first[1], last[1]]).toEqual([284, 56]);
    expect(middle[0]).toBeCloseTo(410, 0);
    expect(middle[1]).toBeCloseTo(170, 0);
    expect(heap.length).toBe(2);
  });

  it('leaves out what a logarithmic axis cannot show', () => {
    const x = { label: 'holds', scale: 'log' } as const;
    const [line = []] = pointsOf(
      drawPlots([
        {
          ...PLOT,
          x,
          series: [
            {
              name: 'a',
              points: [
                [0, 1],
                [10, 2],
                [1_000, 3],
              ],
            },
          ],
        },
      ]),
    );
    expect(line.length).toBe(2);
  });

  it('is a picture too when there are no values', () => {
    expect(drawPlots([{ ...PLOT, series: [] }])).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('stands below the one before it', () => {
    const svg = drawPlots([PLOT, PLOT]);
    expect(svg).toContain('height="680"');
    expect(svg).toContain('translate(0 340)');
  });
});

describe('a file', () => {
  it('without plots is refused', () => {
    expect(() => plotsOf({ kind: 'measurements' })).toThrow('no plots');
    expect(plotsOf({ plots: [PLOT] })).toEqual([PLOT]);
  });
});
