/**
 * The settings of one Holdfast, as the program uses them. Names follow the YAML paths (`http.max_head_bytes` is
 * `http.maxHeadBytes`); meaning, unit and default of each stand in the schema beside this file.
 */

/** A listening address. `port` 0 lets the system choose. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** A Unix socket to listen on. */
export interface UnixAddress {
  readonly path: string;
}

/** Where metrics can listen. */
export type MetricsAddress = ListenAddress | UnixAddress;

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace';

export interface HttpSettings {
  readonly listen: readonly ListenAddress[];
  /** Paths of Unix sockets. */
  readonly unix: readonly string[];
  readonly parser: 'holdfast' | 'node';
  readonly maxHeadBytes: number;
  readonly maxHeaders: number;
  readonly maxConnections: number;
  /** Seconds. */
  readonly headTimeout: number;
  /** Seconds. */
  readonly idleTimeout: number;
}

export interface WorkersSettings {
  /** Processes that serve clients; `auto` is one for each core. */
  readonly count: number | 'auto';
  /** Unused memory goes back to the system when nothing happens. */
  readonly giveBackMemory: boolean;
  /** V8 works as it suits this server rather than any program. */
  readonly tuneEngine: boolean;
}

export interface RoutesSettings {
  /** Absolute path, or undefined when `lines` are in force. */
  readonly file: string | undefined;
  /** Lines given on the command line; they replace the file. */
  readonly lines: readonly string[];
}

export interface ProxySettings {
  readonly debug: boolean;
  readonly autoCrossOrigin: boolean;
  readonly acceptXForwardedProtocol: boolean;
  readonly setXForwardedProtocol: 'none' | 'proto-only' | 'both';
  /** Rules such as `truncate:0`, `append`. */
  readonly xForwardedFor: readonly string[];
  readonly xForwardedForTrusted: readonly string[];
  readonly origHeadersNeedMark: readonly string[];
  readonly acceptPushpinRoute: boolean;
  readonly cdnLoop: string;
  readonly sigIss: string;
  readonly sigKey: string;
  readonly upstreamKey: string;
  readonly shareAll: boolean;
  readonly sockjsUrl: string;
  /** Bytes. */
  readonly prefetchBytes: number;
  readonly maxAcceptRequestBytes: number;
  readonly maxInstructBytes: number;
  /** What speaks HTTP with origins: our own client, or undici's, which it is measured against. */
  readonly originClient: 'holdfast' | 'undici';
  /** Seconds. */
  readonly connectTimeout: number;
  readonly originIdleTimeout: number;
  readonly originKeepAlive: number;
  readonly maxOriginHeadBytes: number;
}

export interface HoldSettings {
  readonly maxSubscriptions: number;
  /** Seconds. */
  readonly subscriptionLinger: number;
  readonly maxWaitingItems: number;
  readonly updateOnFirstSubscription: boolean;
  /** Bytes that may wait for one client. */
  readonly outboxBytes: number;
  /** What happens to a client whose outbox is full. */
  readonly outboxPolicy: 'close' | 'drop';
}

export interface WebSocketSettings {
  /** Bytes. */
  readonly maxMessageBytes: number;
  /** The same in both directions where the origin speaks WebSocket itself. */
  readonly maxRelayedMessageBytes: number;
  /** Bytes of client messages that may wait for the origin. */
  readonly maxBufferedBytes: number;
  readonly maxResponseBytes: number;
  readonly maxRejectBytes: number;
  /** What a client is closed with that is too slow for its outbox. */
  readonly slowCloseCode: number;
  /** Messages that may wait for one client; 0: only bytes count. */
  readonly outboxMessages: number;
  /** Seconds; 0: no pings of ours. */
  readonly pingInterval: number;
  /** Seconds. */
  readonly pongTimeout: number;
  readonly allowCompression: boolean;
  /** Bytes; shorter messages go out uncompressed. */
  readonly compressionThreshold: number;
}

export interface SockjsSettings {
  /** Over polling; those included that have ended a moment ago. */
  readonly maxSessions: number;
}

export interface PublishSettings {
  /** Seconds; 0 turns de-duplication off. */
  readonly idCacheTtl: number;
  /** Milliseconds. */
  readonly messageWait: number;
  readonly maxBufferedPerChannel: number;
  /** Deliveries a second; 0 is unlimited. */
  readonly messageRate: number;
  /** Waiting deliveries; 0 is unlimited. */
  readonly messageHwm: number;
  /** Bytes; 0 is off. */
  readonly messageBlockSize: number;
}

export interface ControlSettings {
  /** Undefined turns the port off. */
  readonly listen: ListenAddress | undefined;
  readonly maxHeadBytes: number;
  readonly maxBodyBytes: number;
  readonly maxConnections: number;
  /** Seconds. */
  readonly reportTimeout: number;
}

export interface ZeromqSettings {
  readonly rep: readonly string[];
  readonly stats: readonly string[];
  readonly pull: readonly string[];
  readonly pullEngine: 'holdfast' | 'libzmq';
  /** Bytes. */
  readonly pullMaxMessageBytes: number;
  readonly pullMaxConnections: number;
  readonly sub: readonly string[];
  readonly subConnect: boolean;
  /** Bytes. */
  readonly subMaxMessageBytes: number;
  /** Octal permissions of ipc sockets; undefined leaves them as created. */
  readonly ipcFileMode: number | undefined;
}

export interface StatsSettings {
  readonly format: 'json' | 'tnetstring';
  readonly connectionSend: boolean;
  /** Seconds. */
  readonly connectionTtl: number;
  readonly subscriptionTtl: number;
  readonly reportInterval: number;
}

export interface MetricsSettings {
  /** Undefined: there are none. */
  readonly listen: MetricsAddress | undefined;
  /** Stands before the names that Pushpin has too. */
  readonly prefix: string;
}

export interface LogSettings {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
  readonly from: boolean;
  readonly userAgent: boolean;
}

export interface TracingSettings {
  /** Base of the OTLP/HTTP receiver; empty turns tracing off. */
  readonly otlpEndpoint: string;
  readonly serviceName: string;
  /** From 0 to 1. */
  readonly sampleRatio: number;
  /** `Name: value`. */
  readonly headers: readonly string[];
  readonly maxQueuedSpans: number;
}

export interface Settings {
  readonly http: HttpSettings;
  readonly workers: WorkersSettings;
  readonly routes: RoutesSettings;
  readonly proxy: ProxySettings;
  readonly hold: HoldSettings;
  readonly websocket: WebSocketSettings;
  readonly sockjs: SockjsSettings;
  readonly publish: PublishSettings;
  readonly control: ControlSettings;
  readonly zeromq: ZeromqSettings;
  readonly stats: StatsSettings;
  readonly metrics: MetricsSettings;
  readonly log: LogSettings;
  readonly tracing: TracingSettings;
}
