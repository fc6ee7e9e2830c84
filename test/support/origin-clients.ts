/** The HTTP clients that speak with origins: what a test of origins asks of one, it asks of both. */
import { HttpOrigin, type HttpOriginOptions } from '../../src/backend/http-origin.js';
import { systemClock } from '../../src/time/clock.js';
import { Wheel } from '../../src/time/wheel.js';
import type { Opened } from './closing.js';

export const ORIGIN_CLIENTS = ['holdfast', 'undici'] as const;

export type OriginClientName = (typeof ORIGIN_CLIENTS)[number];

/** What a client is made with where a test is about something else. */
export const CLIENT_LIMITS = { connectTimeout: 5, idleTimeout: 60, keepAlive: 60, maxHeadBytes: 8_192 } as const;

/** One of them by itself. */
export function httpOrigin(
  opened: Opened,
  client: OriginClientName,
  options: Partial<HttpOriginOptions> = {},
): HttpOrigin {
  const wheel = opened.add(new Wheel(systemClock), (one) => one.close());
  return opened.add(new HttpOrigin({ client, wheel, ...CLIENT_LIMITS, ...options }), (origin) => origin.close(0));
}
