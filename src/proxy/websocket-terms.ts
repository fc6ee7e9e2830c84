/**
 * What a held WebSocket is told of its route and its client. There is one for each connection, so what follows from the
 * route is not kept again, and what few connections need is made when it is asked for.
 */
import type { ConnectionTerms } from '../hold/connection-terms.js';
import type { WebSocketHoldOptions } from '../hold/websocket-hold.js';
import type { Logger } from '../observe/logger.js';
import type { Visit } from '../observe/visit.js';
import type { Route, Target } from '../routes/route.js';
import { rateBucketOf } from './hold-client.js';
import type { ProxyParts } from './proxy-parts.js';
import { RouteLinks } from './route-links.js';

const DEFAULT_PREFIX = Buffer.from('m:');

/** The bytes of a message prefix; those of the usual one are everybody's. */
export function prefixBytes(prefix: string): Buffer {
  return DEFAULT_PREFIX.equals(Buffer.from(prefix)) ? DEFAULT_PREFIX : Buffer.from(prefix);
}

export class WebSocketTerms implements WebSocketHoldOptions {
  private made: RouteLinks | undefined = undefined;

  /**
   * @param messagePrefix - undefined: GRIP is none of our business on this connection
   * @param uri - of the client
   */
  constructor(
    private readonly parts: ProxyParts,
    private readonly route: Route,
    private readonly target: Target,
    readonly uri: string,
    readonly messagePrefix: Buffer | undefined,
    readonly debug: boolean,
    readonly visit: Visit | undefined,
    readonly terms: ConnectionTerms | undefined,
  ) {}

  get channelPrefix(): string {
    return this.route.prefix;
  }

  get rateBucket(): string {
    return rateBucketOf(this.route);
  }

  /** A log of its own, where the route has a level of its own. */
  get log(): Logger | undefined {
    return this.route.logLevel === undefined ? undefined : this.parts.holds.log;
  }

  get links(): RouteLinks | undefined {
    if (this.messagePrefix === undefined) return undefined;
    const { parts, route, target, uri, visit } = this;
    this.made ??= new RouteLinks(parts, { route, target, uri: uri.replace(/^ws/, 'http'), visit }, true);
    return this.made;
  }
}
