/**
 * `holdfast pinghub`: the command line of the original Pinghub (pinghub specification 1, 7, 8). It makes a configuration
 * with one route, and runs what every Holdfast runs.
 */
import { isAbsolute } from 'node:path';
import { resolveSettings } from '../config/schema.js';
import type { ListenAddress, Settings } from '../config/settings.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import { GoLog } from '../runtime/go-log.js';
import { withoutLog } from '../runtime/log.js';
import { startPinghub } from '../runtime/pinghub.js';
import { type PinghubFlags, parsePinghubArguments } from './pinghub-arguments.js';

const HINT = 'Run holdfast pinghub -h for the flags.';

/** The original's: messages that wait for a client, and bytes of one. */
const OUTBOX_MESSAGES = 256;
const MAX_MESSAGE_BYTES = 65_536;

/** @param argv - the arguments behind `pinghub` */
export async function runPinghub(argv: readonly string[]): Promise<void> {
  const parsed = parsePinghubArguments(argv);
  if (parsed.kind === 'end') {
    process.stderr.write(parsed.text);
    process.exitCode = parsed.code;
    return;
  }
  const { flags } = parsed;
  // A relative path has no effect, as in the original.
  const log = isAbsolute(flags.log) ? new GoLog(flags.log) : undefined;
  try {
    await serve(flags, log);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const told = inFlags(error, flags);
    log?.write(told.message);
    throw told;
  }
}

/** What went wrong, in the words of the command: nobody has seen the settings and the route that it makes. */
function inFlags(error: HoldfastError, { addr, origin }: PinghubFlags): HoldfastError {
  switch (error.code) {
    case 'HOLDFAST_CONFIG_INVALID_VALUE':
      return wrongFlag(`-addr must be host:port or an absolute path, not "${addr}"`);
    case 'HOLDFAST_ROUTE_INVALID':
      return wrongFlag(`-origin must use format scheme://host[:port], not "${origin}"`);
    case 'HOLDFAST_LISTEN_FAILED':
      return new HoldfastError(
        error.code,
        error.message.replace(/setting http\.(?:listen|unix)/, '-addr').replace('setting -', '-'),
        {
          hint: 'Free the address, or give another one.',
          cause: error,
        },
      );
    default:
      return error;
  }
}

function wrongFlag(text: string): HoldfastError {
  return new HoldfastError('HOLDFAST_USAGE', text, { hint: HINT });
}

async function serve(flags: PinghubFlags, log: GoLog | undefined): Promise<void> {
  const settings = settingsOf(flags);
  const metricsPort = portOf(flags.mport, 'mport');
  log?.write(`********** pid ${process.pid} starting **********`);
  const starting = startPinghub({ settings, metricsPort, logger: log?.logger ?? withoutLog });
  let ending = false;
  const end = async (): Promise<void> => {
    if (ending) process.exit(1);
    ending = true;
    await (await starting).close();
    log?.write(`********** pid ${process.pid} stopping **********`);
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end());
  await starting;
}

function settingsOf({ addr, origin }: PinghubFlags): Settings {
  const route = origin === '' ? '* pinghub' : `* pinghub,"origin=${origin.replace(/["\\]/g, '\\$&')}"`;
  return resolveSettings({
    http: isAbsolute(addr) ? { listen: [], unix: [addr] } : { listen: [addressOf(addr)] },
    control: { listen: undefined },
    // The limit is that in messages.
    hold: { outboxBytes: OUTBOX_MESSAGES * MAX_MESSAGE_BYTES },
    zeromq: { pull: [], sub: [], rep: [] },
    routes: { lines: [route] },
  });
}

function addressOf(addr: string): ListenAddress {
  const [, literal, host = '', port = ''] = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(addr) ?? [];
  if (port === '') {
    throw wrongFlag(`-addr must be host:port or an absolute path, not "${addr}"`);
  }
  // Go listens on all addresses where none is named.
  return { host: (literal ?? host) || '::', port: portOf(port, 'addr') };
}

function portOf(text: string, flag: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535) throw wrongFlag(`-${flag} must have a port, not "${text}"`);
  return port;
}
