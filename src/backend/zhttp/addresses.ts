/** The three addresses behind a `zhttp/` target (specification 9.1). */
import { HoldfastError } from '../../errors/holdfast-error.js';

export interface ZhttpAddresses {
  /** PUSH: first packets, each to one of the handlers. */
  readonly out: string;
  /** ROUTER: what follows, to the handler that has the session. */
  readonly outStream: string;
  /** SUB: what handlers say. */
  readonly in: string;
}

const MAX_PORT = 65_535;

/**
 * `tcp://HOST:PORT` stands for this port and the two behind it, everything else for three names that begin with it.
 *
 * @param wantedBy - the route, for the message
 * @throws HoldfastError HOLDFAST_LISTEN_FAILED when there are no two ports behind it
 */
export function zhttpAddresses(base: string, wantedBy: string): ZhttpAddresses {
  if (!base.startsWith('tcp://')) return { out: `${base}-out`, outStream: `${base}-out-stream`, in: `${base}-in` };
  const colon = base.lastIndexOf(':');
  const text = base.slice(colon + 1);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port + 2 > MAX_PORT) {
    const why = `zhttp/ takes three ports in a row, and ${text} is not a number from 1 to ${MAX_PORT - 2}`;
    throw new HoldfastError('HOLDFAST_LISTEN_FAILED', `unable to bind to ${base} (${wantedBy}): ${why}`);
  }
  const host = base.slice(0, colon + 1);
  return { out: base, outStream: `${host}${port + 1}`, in: `${host}${port + 2}` };
}
