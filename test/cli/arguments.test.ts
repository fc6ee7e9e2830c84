import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HELP, parseArguments } from '../../src/cli/arguments.js';
import { HoldfastError } from '../../src/errors/holdfast-error.js';

const NOTHING = { kind: 'run', sets: [], ports: [], routes: [], verbose: false };

function refusal(argv: readonly string[]): HoldfastError {
  try {
    parseArguments(argv);
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('parseArguments', () => {
  it.each<[readonly string[], unknown]>([
    [[], NOTHING],
    [['--config', 'x.yaml'], { ...NOTHING, configFile: 'x.yaml' }],
    [['--config=x=y'], { ...NOTHING, configFile: 'x=y' }],
    [['--config=--x'], { ...NOTHING, configFile: '--x' }],
    [['--port', '80', '--port=[::1]:81'], { ...NOTHING, ports: ['80', '[::1]:81'] }],
    [['--route', '* test', '--route', 'a,debug b:1'], { ...NOTHING, routes: ['* test', 'a,debug b:1'] }],
    [['--set', 'http.max_headers=5'], { ...NOTHING, sets: ['http.max_headers=5'] }],
    [['--log-level', 'warn'], { ...NOTHING, logLevel: 'warn' }],
    [['--verbose'], { ...NOTHING, verbose: true }],
    [['--verbose', '--'], { ...NOTHING, verbose: true }],
    [['--version'], { kind: 'version' }],
    [['--help'], { kind: 'help', text: HELP }],
    [['-h'], { kind: 'help', text: HELP }],
    [['--nonsense', '--help'], { kind: 'help', text: HELP }],
  ])('reads %j', (argv, expected) => {
    expect(parseArguments(argv)).toEqual(expected);
  });

  it.each<[readonly string[], string]>([
    [['--prot', '80'], 'there is no option --prot; did you mean --port?'],
    [['--loglevel', '2'], 'there is no option --loglevel; did you mean --log-level?'],
    [['--no-verbose'], 'there is no option --no-verbose'],
    [['--nonsense=1'], 'there is no option --nonsense'],
    [['--__proto__=1'], 'there is no option --__proto__'],
    [['-x'], 'there is no option -x'],
    [['start'], 'unexpected argument "start"; options start with --'],
    [['--', 'start'], 'unexpected argument "start"; options start with --'],
    [['--config'], '--config needs a value'],
    [['--config='], '--config needs a value'],
    [['--config', '--verbose'], '--config needs a value'],
    [['--route', ''], '--route needs a value'],
    [['--verbose=yes'], '--verbose takes no value'],
    [['--config', 'a', '--config', 'b'], '--config can be given only once'],
    [['--log-level', 'info', '--log-level', 'warn'], '--log-level can be given only once'],
    [['--port', ':80'], '--port takes [address:]port with a port from 0 to 65535, not ":80"'],
    [['--log-level', 'loud'], '--log-level takes error, warn, info, debug, trace or 0 to 4, not "loud"'],
    [['--set', 'x'], '--set takes path.to.key=value, not "x"'],
  ])('refuses %j', (argv, message) => {
    const error = refusal(argv);
    expect(error.code).toBe('HOLDFAST_USAGE');
    expect(error.message).toContain(message);
    expect(error.hint).toBe('Run holdfast --help for the options.');
  });

  it('names a setting of --set that does not exist', () => {
    const error = refusal(['--set', 'http.max_header=5']);
    expect(error.code).toBe('HOLDFAST_CONFIG_UNKNOWN_SETTING');
    expect(error.message).toContain('did you mean http.max_headers?');
  });

  it('throws nothing but its own errors', () => {
    const word = fc.oneof(
      fc.constantFrom('--config', '--port', '80', '--set', '--', '-', '--verbose', '-h', '--=', '-abc', 'x=y'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word), (argv) => {
        try {
          expect(['run', 'help', 'version']).toContain(parseArguments(argv).kind);
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
        }
      }),
    );
  });
});

describe('--help', () => {
  it('fits the first screen', () => {
    const lines = HELP.split('\n');
    expect(lines.length).toBeLessThanOrEqual(25);
    expect(lines.filter((line) => line.length > 90)).toEqual([]);
  });

  it('shows usage, every option and three examples that work', () => {
    expect(HELP).toContain('Usage: holdfast [options]');
    for (const option of ['config', 'port', 'route', 'set', 'log-level', 'verbose', 'version', 'help']) {
      expect(HELP).toContain(`\n  --${option}`);
    }
    const examples = HELP.split('Examples:\n')[1]?.trim().split('\n') ?? [];
    expect(examples).toHaveLength(3);
    for (const example of examples) {
      const words = example.trim().match(/'[^']*'|\S+/g) ?? [];
      const argv = words.slice(1).map((word) => word.replaceAll("'", ''));
      expect(parseArguments(argv).kind).toBe('run');
    }
  });
});
