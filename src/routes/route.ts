/** What a line of a routes file means (specification 2.2, 2.3). Plain records: parsing and look-up are elsewhere. */
import type { HeaderList } from '../protocol/headers.js';
import type { PinghubOptions } from './pinghub-options.js';

/** Protocol of a client request as routes see it. */
export type RouteProtocol = 'http' | 'ws';

export interface TargetOptions {
  readonly ssl: boolean;
  /** Private and loopback addresses are refused for such a target (3.9). */
  readonly untrusted: boolean;
  readonly trustConnectHost: boolean;
  readonly insecure: boolean;
  /** `host[:port]` that replaces the authority towards the origin. */
  readonly host: string | undefined;
  /** Implicit WebSocket subscriptions, not prefixed. */
  readonly subscriptions: readonly string[];
  readonly overHttp: boolean;
  readonly oneEvent: boolean;
  /** Octal permissions for ipc sockets. */
  readonly ipcFileMode: number | undefined;
  /** PEM text of `client_cert` and `client_key`. */
  readonly clientCert: string | undefined;
  readonly clientKey: string | undefined;
}

export type TargetAddress =
  | { readonly kind: 'test' }
  | { readonly kind: 'pinghub'; readonly pinghub: PinghubOptions }
  | { readonly kind: 'zhttp'; readonly spec: string }
  | { readonly kind: 'zhttpreq'; readonly spec: string }
  /** `host` without brackets. */
  | { readonly kind: 'origin'; readonly host: string; readonly port: number };

/** `name` is the text used in messages and logs: `test`, `pinghub`, `zhttpreq/SPEC`, `host:port`, `[v6]:port`. */
export type Target = TargetAddress & { readonly name: string; readonly options: TargetOptions };

export interface JsonpOptions {
  readonly mode: 'basic' | 'extended';
  readonly callback: string;
  readonly body: string | undefined;
  readonly defaultCallback: string | undefined;
  readonly defaultMethod: string | undefined;
}

export interface Route {
  /** Explicit `id=`, or `DOMAIN,PROTO,SSL,PATH` (2.4). */
  readonly id: string;
  readonly explicitId: boolean;
  /** Exact host name in lower case, `*` for the default domain, undefined for none. */
  readonly domain: string | undefined;
  readonly protocol: RouteProtocol | undefined;
  /** `ssl=yes` is true, `ssl=no` false, absent undefined. */
  readonly ssl: boolean | undefined;
  readonly pathBeg: string;
  readonly sigIss: string | undefined;
  readonly sigKey: string | undefined;
  /** Prepended to the channel names an origin gives. */
  readonly prefix: string;
  readonly origHeaders: boolean;
  readonly asHost: string | undefined;
  /** Bytes of the encoded path to remove from its front. */
  readonly pathRemove: number;
  readonly replaceBeg: string | undefined;
  readonly debug: boolean;
  readonly autoCrossOrigin: boolean;
  readonly jsonp: JsonpOptions;
  readonly session: boolean;
  readonly sockjs: string | undefined;
  readonly sockjsAsPath: string | undefined;
  /** In the order they are applied: reverse of their order on the line. */
  readonly headers: HeaderList;
  readonly grip: boolean;
  readonly logLevel: number | undefined;
  /** URL that is asked whether a request may come in, before any target is. */
  readonly auth: string | undefined;
  readonly targets: readonly Target[];
  /** Where the line stands, for messages. */
  readonly source: { readonly file: string; readonly line: number };
}
