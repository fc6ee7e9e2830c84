/** The library: Holdfast in a process of yours, for tests and for embedding. */
import { type DeepPartial, resolveSettings } from './config/schema.js';
import type { Settings } from './config/settings.js';
import { type Logger, silentLogger } from './observe/logger.js';
import { Holdfast, type HoldfastListeners } from './runtime/holdfast.js';
import type { Clock } from './time/clock.js';

export interface HoldfastOptions {
  /** Lines of a routes file. Default: `* test`. */
  readonly routes?: readonly string[];
  /** Client port on loopback; 0, the default, takes a free one. */
  readonly port?: number;
  /** Control port on loopback; 0, the default, takes a free one; false opens none. */
  readonly controlPort?: number | false;
  /** Anything else of `docs/settings.md`, in camel case. ZeroMQ is off unless it is set here. */
  readonly settings?: DeepPartial<Settings>;
  /** Default: nothing is logged. */
  readonly logger?: Logger;
  /** Time, for tests that move it by hand. */
  readonly clock?: Clock;
  /** Listeners for events, there before anything is open. */
  readonly listeners?: HoldfastListeners;
  /** From 0 up to, not including, 1; default `Math.random`. */
  readonly random?: () => number;
}

/**
 * Starts Holdfast in this process and resolves when it listens.
 *
 *     const holdfast = await createHoldfast({ routes: ['* localhost:8000,over_http'] });
 *     holdfast.publish({ channel: 'test', formats: { 'http-stream': { content: 'hello\n' } } });
 *     await holdfast.close();
 *
 * @throws HoldfastError when a setting or a route is invalid or a port cannot be had
 */
export async function createHoldfast(options: HoldfastOptions = {}): Promise<Holdfast> {
  const { routes = ['* test'], port = 0, controlPort = 0, settings = {}, logger = silentLogger } = options;
  const host = '127.0.0.1';
  const resolved = resolveSettings({
    ...settings,
    http: { listen: [{ host, port }], ...settings.http },
    control: { listen: controlPort === false ? undefined : { host, port: controlPort }, ...settings.control },
    zeromq: { pull: [], sub: [], rep: [], ...settings.zeromq },
    routes: { lines: routes, ...settings.routes },
  } as DeepPartial<Settings>);
  return Holdfast.start({
    settings: resolved,
    logger,
    forgiveRoutes: false,
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.listeners === undefined ? {} : { listeners: options.listeners }),
    ...(options.random === undefined ? {} : { random: options.random }),
  });
}

export type { DeepPartial } from './config/schema.js';
export type { ListenAddress, MetricsAddress, Settings } from './config/settings.js';
export type { ErrorCode } from './errors/catalogue.js';
export { HoldfastError } from './errors/holdfast-error.js';
export type { PublishOutcome } from './hub/admission.js';
export type { Counters, DropReason } from './observe/counters.js';
export type { LogRecord } from './observe/log-record.js';
export type { Logger, LogLevel } from './observe/logger.js';
export type { Item } from './protocol/item.js';
export type { Addresses, Holdfast, HoldfastEvents, HoldfastListeners } from './runtime/holdfast.js';
export type { Cancellable, Clock } from './time/clock.js';
