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
    throw new HoldfastError('HOLDFAST_ZEROMQ_MISSING', `${wantedBy} needs the package zeromq, which is not installed`, {
      cause,
    });
  }
}
