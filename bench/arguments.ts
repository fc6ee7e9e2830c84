/** Reading of the tools' arguments: numbers with limits, and messages a person can use. */
import { availableParallelism } from 'node:os';
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** A mistake of whoever called: shown without a stack. */
export class UsageError extends Error {}

export function parseOptions<T extends NonNullable<ParseArgsConfig['options']>>(
  argv: readonly string[],
  options: T,
  positionals = false,
) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: positionals });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** @param fallback - when nothing is given @throws UsageError */
export function numberOption<F extends number | undefined>(
  name: string,
  text: string | undefined,
  fallback: F,
  least: number,
  most: number,
): number | F {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value) || value < least || value > most) {
    throw new UsageError(`--${name} has to be a number from ${least} to ${most}, not "${text}"`);
  }
  return value;
}

/** @param fallback - when nothing is given @throws UsageError */
export function wholeOption<F extends number | undefined>(
  name: string,
  text: string | undefined,
  fallback: F,
  least: number,
  most: number,
): number | F {
  const value = numberOption(name, text, fallback, least, most);
  if (value !== undefined && !Number.isInteger(value))
    throw new UsageError(`--${name} has to be a whole number, not "${text}"`);
  return value;
}

/** Whole numbers separated by commas, in rising order. @throws UsageError */
export function wholesOption(
  name: string,
  text: string | undefined,
  fallback: readonly number[],
  most: number,
): number[] {
  const values = text === undefined ? [...fallback] : text.split(',').map((one) => wholeOption(name, one, 0, 1, most));
  return [...new Set(values)].sort((a, b) => a - b);
}

/** A number of worker processes: `auto` is one for each core. @throws UsageError */
export function workersOption(text: string | undefined): number {
  return text === 'auto' ? availableParallelism() : wholeOption('workers', text, 1, 1, 256);
}

/** Runs a tool: the exit code is what it returns, 2 for wrong arguments, 1 for any other failure. */
export function runTool(tool: (argv: readonly string[]) => Promise<number>): void {
  tool(process.argv.slice(2)).then(
    (code) => process.exit(code),
    (error: unknown) => {
      const usage = error instanceof UsageError;
      const text = error instanceof Error ? (usage ? error.message : (error.stack ?? error.message)) : String(error);
      process.stderr.write(`${text}\n`);
      process.exit(usage ? 2 : 1);
    },
  );
}
