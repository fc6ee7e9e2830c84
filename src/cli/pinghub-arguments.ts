/** The command line of the original Pinghub, in the syntax of Go's flags (pinghub specification 1). */

export interface PinghubFlags {
  /** A path, or `host:port`. */
  readonly addr: string;
  /** On loopback. */
  readonly mport: string;
  readonly origin: string;
  /** Absolute, or without effect. */
  readonly log: string;
}

export type PinghubArguments =
  | { readonly kind: 'run'; readonly flags: PinghubFlags }
  /** `text` goes to standard error. */
  | { readonly kind: 'end'; readonly text: string; readonly code: number };

interface Flag {
  readonly name: keyof PinghubFlags;
  readonly value: string;
  readonly meaning: string;
}

const FLAGS: readonly Flag[] = [
  {
    name: 'addr',
    value: '127.0.0.1:8081',
    meaning: 'where clients connect: host:port, or the absolute path of a Unix socket',
  },
  { name: 'log', value: '', meaning: 'log file, an absolute path' },
  { name: 'mport', value: '8082', meaning: 'port of the metrics on 127.0.0.1' },
  { name: 'origin', value: '', meaning: 'origin that handshakes of browsers must have: scheme://host[:port]' },
];

const USAGE = `Usage of holdfast pinghub:\n${FLAGS.map(({ name, value, meaning }) => {
  const otherwise = value === '' ? '' : ` (default "${value}")`;
  return `  -${name} string\n    \t${meaning}${otherwise}\n`;
}).join('')}`;

/** @param argv - the arguments behind `pinghub` */
export function parsePinghubArguments(argv: readonly string[]): PinghubArguments {
  const given: Record<keyof PinghubFlags, string> = { addr: '', mport: '', origin: '', log: '' };
  for (const { name, value } of FLAGS) given[name] = value;
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? '';
    const [, text, inline] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
    if (argument === '--') break;
    if (text === undefined) {
      // Go's flags end at the first argument that is none, and the original looks at no other.
      if (!argument.startsWith('-') || argument === '-') break;
      return wrong(`bad flag syntax: ${argument}`);
    }
    if (text === 'h' || text === 'help') return { kind: 'end', text: USAGE, code: 0 };
    const flag = FLAGS.find(({ name }) => name === text);
    if (flag === undefined) return wrong(`flag provided but not defined: -${text}`);
    let value = inline;
    if (value === undefined) {
      at += 1;
      value = argv[at];
    }
    if (value === undefined) return wrong(`flag needs an argument: -${text}`);
    given[flag.name] = value;
  }
  return { kind: 'run', flags: given };
}

function wrong(text: string): PinghubArguments {
  return { kind: 'end', text: `${text}\n${USAGE}`, code: 2 };
}
