/** The HTTP clients that speak with origins: what a test of origins asks of one, it asks of both. */
import type { HoldfastOptions } from '../../src/index.js';

export const ORIGIN_CLIENTS = ['holdfast', 'undici'] as const;

export type OriginClientName = (typeof ORIGIN_CLIENTS)[number];

/** The same options, with this client. */
export function withClient(client: OriginClientName, options: HoldfastOptions = {}): HoldfastOptions {
  const { settings } = options;
  return { ...options, settings: { ...settings, proxy: { ...settings?.proxy, originClient: client } } };
}
