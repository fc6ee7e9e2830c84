/** The command line of `holdfast`: options in, one intention out (specification 1.4). Reads no files. */
import { parseArgs } from 'node:util';
import { readSets, readShortFlags } from '../config/overrides.js';
import { didYouMean } from '../config/validate.js';
import { HoldfastError } from '../errors/holdfast-error.js';

export interface RunArguments {
  readonly kind: 'run';
  readonly configFile?: string;
  /** `path.to.key=value` each. */
  readonly sets: readonly string[];
  /** `[addr:]port` each. */
  readonly ports: readonly string[];
  readonly routes: readonly string[];
  readonly workers?: string;
  readonly logLevel?: string;
  readonly verbose: boolean;
}

export type Arguments = RunArguments | { readonly kind: 'help'; readonly text: string } | { readonly kind: 'version' };

const OPTIONS = {
  config: { type: 'string' },
  set: { type: 'string', multiple: true },
  port: { type: 'string', multiple: true },
  route: { type: 'string', multiple: true },
  workers: { type: 'string' },
  'log-level': { type: 'string' },
  verbose: { type: 'boolean' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type OptionName = keyof typeof OPTIONS;

/** The text of --help. */
export const HELP = `Holdfast, a GRIP-compatible realtime reverse proxy

Usage: holdfast [options]
       holdfast pinghub [-addr …] [-mport …] [-origin …] [-log …]    (holdfast pinghub -h)

Options:
  --config FILE            configuration file: YAML, or a pushpin.conf
  --port [ADDR:]PORT       listen here for clients instead of http.listen (repeatable)
  --route LINE             a route, as in a routes file; replaces the file (repeatable)
  --set PATH.KEY=VALUE     change one setting, such as http.max_headers=100 (repeatable)
  --workers N              serve clients with N processes, or auto for one a core
  --log-level LEVEL        error, warn, info, debug, trace, or 0 to 4
  --verbose                the same as --log-level debug
  --version                print the version
  --help                   print this text

Without --config the first of config/holdfast.yaml, holdfast.yaml, config/pushpin.conf
and pushpin.conf is read; none is needed. docs/settings.md lists every setting.

Examples:
  holdfast --route '* localhost:8080'
  holdfast --config pushpin.conf --port 127.0.0.1:8000
  holdfast --route '* test' --set control.listen=off --log-level debug
`;

/**
 * @param argv - the arguments after the program's name
 * @throws HoldfastError HOLDFAST_USAGE for options that do not exist or lack their value and for values of short flags
 *   that cannot be; HOLDFAST_CONFIG_* for a setting of --set that does not exist or cannot have the value
 */
export function parseArguments(argv: readonly string[]): Arguments {
  const { tokens } = parseArgs({ args: [...argv], options: OPTIONS, strict: false, tokens: true });
  if (tokens.some((token) => token.kind === 'option' && token.name === 'help')) return { kind: 'help', text: HELP };
  const given = new Map<OptionName, string[]>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') throw usage(`unexpected argument "${token.value}"; options start with --`);
    const name = optionName(token.name, token.rawName);
    const values = given.get(name) ?? [];
    values.push(optionValue(name, token.value, token.inlineValue === true));
    given.set(name, values);
  }
  if (given.has('version')) return { kind: 'version' };
  const configFile = single(given, 'config');
  const workers = single(given, 'workers');
  const logLevel = single(given, 'log-level');
  const run: RunArguments = {
    kind: 'run',
    sets: given.get('set') ?? [],
    ports: given.get('port') ?? [],
    routes: given.get('route') ?? [],
    verbose: given.has('verbose'),
    ...(configFile === undefined ? {} : { configFile }),
    ...(workers === undefined ? {} : { workers }),
    ...(logLevel === undefined ? {} : { logLevel }),
  };
  // Read here only so that a mistake of the command line is named before anything of a file.
  readShortFlags(run);
  readSets(run.sets);
  return run;
}

function optionName(name: string, rawName: string): OptionName {
  const names = Object.keys(OPTIONS) as OptionName[];
  const known = names.find((candidate) => candidate === name);
  if (known !== undefined) return known;
  const options = names.map((candidate) => `--${candidate}`);
  throw usage(`there is no option ${rawName}${didYouMean(rawName, options)}`);
}

function optionValue(name: OptionName, value: string | undefined, inline: boolean): string {
  if (OPTIONS[name].type === 'boolean') {
    if (value !== undefined) throw usage(`--${name} takes no value`);
    return '';
  }
  // "--config --verbose" is a forgotten value, not a file called "--verbose"; "--config=--verbose" would be.
  if (value === undefined || value === '' || (!inline && value.startsWith('-'))) {
    throw usage(`--${name} needs a value`);
  }
  return value;
}

function single(given: ReadonlyMap<OptionName, readonly string[]>, name: OptionName): string | undefined {
  const values = given.get(name) ?? [];
  if (values.length > 1) throw usage(`--${name} can be given only once`);
  return values[0];
}

function usage(message: string): HoldfastError {
  return new HoldfastError('HOLDFAST_USAGE', message);
}
