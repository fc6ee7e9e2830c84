/** `npm run bench:plot -- IN.json OUT.svg`: draws what the scale curve, the soak or the slow readers have measured. */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseOptions, runTool, UsageError } from './arguments.js';
import { plotsOf } from './report/plots.js';
import { drawPlots } from './report/svg.js';

async function main(argv: readonly string[]): Promise<number> {
  const { positionals } = parseOptions(argv, {}, true);
  const [input, output] = positionals;
  if (input === undefined || output === undefined || positionals.length > 2) {
    throw new UsageError('Usage: npm run bench:plot -- IN.json OUT.svg');
  }
  writeFileSync(output, drawPlots(plotsOf(JSON.parse(readFileSync(input, 'utf8')))));
  return 0;
}

runTool(main);
