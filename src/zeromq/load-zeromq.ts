/** The optional package `zeromq`, loaded when a setting or a route asks for it and not before. */
import type * as zeromq from 'zeromq';
import { HoldfastError } from '../errors/holdfast-error.js';

export type ZeroMq = typeof zeromq;

/**
 * @param wantedBy - the setting, or the route with file and line, that needs it
 * @throws HoldfastError HOLDFAST_ZEROMQ_MISSING
 */
export async function loadZeroMq(wantedBy: string): Promise<ZeroMq> {
  try {
    return await import('zeromq');
  } catch (cause) {
    const what = `${wantedBy} needs the package zeromq, which ${troubleOf(cause)}`;
    throw new HoldfastError('HOLDFAST_ZEROMQ_MISSING', `${what}: npm install zeromq, or remove what needs it`, {
      cause,
    });
  }
}

/** What the log says of a socket that could not be opened, when everything else goes on: of the package one sentence. */
export function lineOf({ code, message, hint }: HoldfastError): string {
  return code === 'HOLDFAST_ZEROMQ_MISSING' ? message : `${message}. ${hint}`;
}

/** Its native part may be missing where the package is there. */
function troubleOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'cannot be loaded';
  if ('code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND') return 'is not installed';
  const [reason = ''] = cause.message.split('\n');
  return `cannot be loaded (${reason})`;
}
