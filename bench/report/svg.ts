/** Draws line plots as SVG, one below the other. Colours differ in lightness too, so that they survive a grey print. */
import type { Axis, Plot, Series } from './plots.js';
import { linearTicks, logTicks, tickText } from './ticks.js';

const WIDTH = 760;
const HEIGHT = 340;
const MARGIN = { top: 56, right: 24, bottom: 56, left: 84 } as const;
const COLOURS = ['#0b5cad', '#d1495b', '#2e8b57', '#b8860b', '#6a4c93', '#444444'] as const;
const FONT = 'font-family="system-ui, sans-serif"';
/** Pixels between two entries of the legend, besides their text. */
const LEGEND_GAP = 44;
const CHARACTER = 7;
/** More points than this have no dot each. */
const MOST_DOTS = 40;

interface Scale {
  readonly ticks: readonly number[];
  /** From 0 to 1; undefined for what the axis does not have. */
  readonly place: (value: number) => number | undefined;
}

export function drawPlots(plots: readonly Plot[]): string {
  const height = HEIGHT * plots.length;
  const parts = plots.map((plot, index) => `<g transform="translate(0 ${index * HEIGHT})">\n${drawPlot(plot)}\n</g>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">`,
    `<title>${plots.map(({ title }) => title).join('; ')}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function drawPlot({ title, x, y, series }: Plot): string {
  const all = series.flatMap(({ points }) => points);
  const across = scaleOf(
    x,
    all.map(([value]) => value),
  );
  const up = scaleOf(
    y,
    all.map(([, value]) => value),
  );
  const left = (share: number): number => MARGIN.left + share * (WIDTH - MARGIN.left - MARGIN.right);
  const top = (share: number): number => HEIGHT - MARGIN.bottom - share * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const lines: string[] = [text(MARGIN.left, 20, title, 'font-size="15" font-weight="600"')];
  for (const tick of up.ticks) {
    const at = fixed(top(up.place(tick) ?? 0));
    lines.push(`<line x1="${left(0)}" x2="${left(1)}" y1="${at}" y2="${at}" stroke="#e3e3e3"/>`);
    lines.push(text(left(0) - 8, Number(at) + 4, tickText(tick), 'font-size="12" text-anchor="end" fill="#333"'));
  }
  for (const tick of across.ticks) {
    const at = fixed(left(across.place(tick) ?? 0));
    lines.push(`<line x1="${at}" x2="${at}" y1="${top(0)}" y2="${top(0) + 5}" stroke="#333"/>`);
    lines.push(text(Number(at), top(0) + 20, tickText(tick), 'font-size="12" text-anchor="middle" fill="#333"'));
  }
  lines.push(`<path d="M${left(0)} ${top(1)}V${top(0)}H${left(1)}" fill="none" stroke="#333"/>`);
  lines.push(text(left(0.5), HEIGHT - 14, x.label, 'font-size="12" text-anchor="middle" fill="#333"'));
  const middle = fixed(top(0.5));
  lines.push(
    text(
      18,
      Number(middle),
      y.label,
      `font-size="12" text-anchor="middle" fill="#333" transform="rotate(-90 18 ${middle})"`,
    ),
  );
  let legend = MARGIN.left;
  for (const [index, one] of series.entries()) {
    const colour = COLOURS[index % COLOURS.length] ?? COLOURS[0];
    lines.push(...drawSeries(one, colour, (point) => placed(point, across, up, left, top)));
    lines.push(`<line x1="${legend}" x2="${legend + 20}" y1="38" y2="38" stroke="${colour}" stroke-width="2.5"/>`);
    lines.push(text(legend + 26, 42, one.name, 'font-size="12" fill="#333"'));
    legend += LEGEND_GAP + one.name.length * CHARACTER;
  }
  return lines.join('\n');
}

function drawSeries(
  { points }: Series,
  colour: string,
  place: (point: readonly [number, number]) => string | undefined,
): string[] {
  const places = points.map(place).filter((one): one is string => one !== undefined);
  const line = `<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"/>`;
  if (places.length > MOST_DOTS) return [line];
  const dots = places.map((one) => {
    const [x, y] = one.split(',');
    return `<circle cx="${x}" cy="${y}" r="3" fill="${colour}"/>`;
  });
  return [line, ...dots];
}

function placed(
  [x, y]: readonly [number, number],
  across: Scale,
  up: Scale,
  left: (share: number) => number,
  top: (share: number) => number,
): string | undefined {
  const [h, v] = [across.place(x), up.place(y)];
  return h === undefined || v === undefined ? undefined : `${fixed(left(h))},${fixed(top(v))}`;
}

function scaleOf({ scale }: Axis, values: readonly number[]): Scale {
  const finite = values.filter(Number.isFinite);
  if (scale === 'linear') {
    const ticks = linearTicks(Math.max(0, ...finite));
    const most = ticks.at(-1) ?? 1;
    return { ticks, place: (value) => (Number.isFinite(value) && value >= 0 ? value / most : undefined) };
  }
  const positive = finite.filter((value) => value > 0);
  const ticks = positive.length === 0 ? logTicks(1, 10) : logTicks(Math.min(...positive), Math.max(...positive));
  const first = Math.log10(ticks[0] ?? 1);
  const span = Math.log10(ticks.at(-1) ?? 10) - first;
  return { ticks, place: (value) => (value > 0 ? (Math.log10(value) - first) / span : undefined) };
}

function text(x: number, y: number, content: string, attributes: string): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${FONT} ${attributes}>${safe}</text>`;
}

function fixed(value: number): string {
  return Number(value.toFixed(1)).toString();
}
