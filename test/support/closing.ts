/** What a test opened and has to close: registered where it is opened, closed in reverse after each test. */
import { afterEach } from 'vitest';
import { createHoldfast, type Holdfast, type HoldfastOptions } from '../../src/index.js';
import { Origin, type Script } from './origin.js';
import type { OriginClientName } from './origin-clients.js';
import { RawClient } from './raw-client.js';

/** What `http.parser` can be. */
export type Parser = 'holdfast' | 'node';

/** For what has to be so whoever parses. */
export const PARSERS: readonly Parser[] = ['holdfast', 'node'];

export class Opened {
  private closers: (() => unknown)[] = [];

  /** @param reference - every Holdfast that says nothing else parses, or asks origins, with this; undefined: the defaults */
  constructor(private readonly reference?: Parser | OriginClientName) {
    afterEach(() => this.closeAll());
  }

  /** Remembers how `thing` is closed, and returns it. */
  add<T>(thing: T, close: (thing: T) => unknown): T {
    this.closers.push(() => close(thing));
    return thing;
  }

  async holdfast(options: HoldfastOptions): Promise<Holdfast> {
    return this.add(await createHoldfast(this.withReference(options)), (holdfast) => holdfast.close());
  }

  async origin(script?: Script): Promise<Origin> {
    return this.add(await Origin.start(script), (origin) => origin.stop());
  }

  async client(port: number): Promise<RawClient> {
    return this.add(await RawClient.connect(port), (client) => client.close());
  }

  async get(port: number, target: string, ...headers: readonly string[]): Promise<RawClient> {
    return this.add(await RawClient.get(port, target, ...headers), (client) => client.close());
  }

  /** An origin with `script`, and a Holdfast in front of it. */
  async proxied(
    script: Script,
    options: HoldfastOptions = {},
  ): Promise<{ holdfast: Holdfast; origin: Origin; port: number }> {
    const origin = await this.origin(script);
    const holdfast = await this.holdfast({ routes: [`* ${origin.target}`], ...options });
    return { holdfast, origin, port: clientPort(holdfast) };
  }

  private withReference(options: HoldfastOptions): HoldfastOptions {
    const { settings = {} } = options;
    switch (this.reference) {
      case 'node':
        return { ...options, settings: { ...settings, http: { parser: 'node', ...settings.http } } };
      case 'undici':
        return { ...options, settings: { ...settings, proxy: { originClient: 'undici', ...settings.proxy } } };
      default:
        return options;
    }
  }

  private async closeAll(): Promise<void> {
    const closers = this.closers.reverse();
    this.closers = [];
    for (const close of closers) await close();
  }
}

/** Where clients connect. */
export function clientPort(holdfast: Holdfast): number {
  const [address] = holdfast.addresses.http;
  if (address === undefined) throw new Error('Holdfast listens nowhere');
  return address.port;
}

/** Base URI of the control port. */
export function controlUri(holdfast: Holdfast): string {
  const { control } = holdfast.addresses;
  if (control === undefined) throw new Error('there is no control port');
  return `http://${control.host}:${control.port}`;
}

/** Where PULL listens, the first address of several. */
export function pullEndpoint(holdfast: Holdfast): string {
  const [endpoint] = holdfast.addresses.pull;
  if (endpoint === undefined) throw new Error('there is no PULL socket');
  return endpoint;
}
