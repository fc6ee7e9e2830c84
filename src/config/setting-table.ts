/**
 * The one table of settings: YAML path, type, unit, default, meaning, and the pushpin.conf key each one stands for.
 * Validation, the JSON Schema, the reference page and config/holdfast.yaml are all made from it.
 * Specification 1.3 and appendix D.
 */
import {
  absent,
  bytes,
  choice,
  count,
  flag,
  list,
  MAX_BYTES,
  MAX_MILLISECONDS,
  pushpinKey,
  type SettingRow,
  seconds,
  signingKey,
  text,
} from './setting-rows.js';
import type { ListenAddress, LogLevel, MetricsAddress, Settings } from './settings.js';
import { ANY_HOST } from './validate.js';

type SettingTable = {
  readonly [Section in keyof Settings]: {
    readonly [Key in keyof Settings[Section]]: SettingRow<Settings[Section][Key]>;
  };
};

const LOG_LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace'];

const listen: SettingRow<readonly ListenAddress[]> = {
  type: { kind: 'list', item: 'address' },
  default: [{ host: ANY_HOST, port: 7999 }],
  unit: undefined,
  sentence: `Where clients connect over HTTP and WebSocket; a bare port listens on ${ANY_HOST}, port 0 lets the system choose.`,
  pushpin: absent([], pushpinKey('runner', 'http_port')),
};

const routesFile: SettingRow<string | undefined> = {
  type: { kind: 'path' },
  default: undefined,
  writtenDefault: 'routes',
  unit: undefined,
  sentence:
    'The routes file, relative to the folder of this configuration file (from the environment or --set: to the working directory).',
  pushpin: pushpinKey('proxy', 'routesfile'),
};

const controlListen: SettingRow<ListenAddress | undefined> = {
  type: { kind: 'address', defaultHost: '127.0.0.1' },
  default: { host: '127.0.0.1', port: 5561 },
  unit: undefined,
  sentence:
    'Where publishers reach the HTTP control port; off or "" turns it off. Keep it private: it asks for no password.',
  pushpin: absent(undefined, pushpinKey('handler', 'push_in_http_addr', 'push_in_http_port')),
};

const metricsListen: SettingRow<MetricsAddress | undefined> = {
  type: { kind: 'address', defaultHost: ANY_HOST, unix: true },
  default: undefined,
  unit: undefined,
  sentence: `Where Prometheus reads metrics, and health and readiness can be asked for; a bare port listens on ${ANY_HOST}. Keep it private: it asks for no password.`,
  pushpin: pushpinKey('handler', 'prometheus_port'),
};

const metricsPrefix: SettingRow<string> = {
  type: { kind: 'metric-prefix' },
  default: '',
  unit: undefined,
  sentence: 'Stands before the names of the five metrics that Pushpin has too.',
  pushpin: pushpinKey('handler', 'prometheus_prefix'),
};

const ipcFileMode: SettingRow<number | undefined> = {
  type: { kind: 'octal' },
  default: undefined,
  unit: 'octal permissions',
  sentence: 'Permissions of the files of ipc:// sockets; off leaves them as created.',
  pushpin: pushpinKey('handler', 'ipc_file_mode'),
};

const workerCount: SettingRow<number | 'auto'> = {
  type: { kind: 'integer-or-auto', min: 1, max: 64 },
  default: 1,
  unit: 'processes',
  sentence:
    'Processes that serve clients, auto for one a core; 1 does everything in a single process. `workers: 2` is short for it.',
  pushpin: pushpinKey('proxy', 'workers'),
};

const otlpEndpoint: SettingRow<string> = {
  type: { kind: 'http-uri' },
  default: '',
  unit: undefined,
  sentence:
    'Where spans go over OTLP/HTTP, as OTEL_EXPORTER_OTLP_ENDPOINT names it (`/v1/traces` is added); empty makes none. Needs the packages of OpenTelemetry.',
  pushpin: undefined,
};

const sampleRatio: SettingRow<number> = {
  type: { kind: 'number', min: 0, max: 1 },
  default: 1,
  unit: 'parts of 1',
  sentence:
    'Share of the traces that are kept, of those that begin here; others are kept if their `traceparent` says so.',
  pushpin: undefined,
};

export const TABLE: SettingTable = {
  http: {
    listen,
    unix: list([], 'socket-path', 'Unix sockets where clients, such as a proxy in front, connect too: absolute paths.'),
    parser: choice(
      'holdfast',
      ['holdfast', 'node'],
      'Who parses what clients send: Holdfast itself, or node:http, which needs more memory and serves fewer requests a second.',
    ),
    maxHeadBytes: bytes(
      8192,
      'Largest request line and headers of a client together; more is answered with 400.',
      pushpinKey('runner', 'client_buffer_size'),
      128,
    ),
    maxHeaders: count(64, [1, 10_000], 'headers', 'Most headers a client request may have; more is answered with 400.'),
    maxConnections: count(
      50_000,
      [1, 10_000_000],
      'connections',
      'Most client connections open at a time; further ones are closed at once.',
      pushpinKey('runner', 'client_maxconn'),
    ),
    headTimeout: seconds(60, 0.01, 'How long a client may take to send the head of a request.'),
    idleTimeout: seconds(1800, 0.01, 'How long a client connection may stay without traffic before it is closed.'),
  },
  workers: {
    count: workerCount,
    giveBackMemory: flag(
      true,
      'Give unused memory back to the system when a process has been quiet for a second and a half after a busy time; it pauses for about 10 ms for each 1,000 clients.',
    ),
    tuneEngine: flag(
      true,
      'Have V8 compile hot code sooner, and make all new objects in its young generation: more clients a second after a start, shorter pauses.',
    ),
  },
  routes: {
    file: routesFile,
    lines: list([], 'route-line', 'Routes given here instead of a file; --route does the same.'),
  },
  proxy: {
    debug: flag(false, 'Put the cause of an error into the answers of every route.', pushpinKey('proxy', 'debug')),
    autoCrossOrigin: flag(
      false,
      'Add CORS headers to every answer and wrap JSON-P, on every route.',
      pushpinKey('proxy', 'auto_cross_origin'),
    ),
    acceptXForwardedProtocol: flag(
      false,
      'Believe X-Forwarded-Proto and X-Forwarded-Protocol of clients; only behind a proxy that sets them.',
      pushpinKey('proxy', 'accept_x_forwarded_protocol'),
    ),
    setXForwardedProtocol: choice(
      'proto-only',
      ['none', 'proto-only', 'both'],
      'Which headers tell origins the scheme: none, X-Forwarded-Proto only, or X-Forwarded-Protocol too.',
      absent('none', pushpinKey('proxy', 'set_x_forwarded_protocol')),
    ),
    xForwardedFor: list(
      [],
      'forwarded-rule',
      'What happens to X-Forwarded-For, in order: truncate:N keeps the last N values, append adds the client address.',
      pushpinKey('proxy', 'x_forwarded_for'),
    ),
    xForwardedForTrusted: list(
      [],
      'forwarded-rule',
      'The same for clients whose Grip-Sig is valid.',
      pushpinKey('proxy', 'x_forwarded_for_trusted'),
    ),
    origHeadersNeedMark: list(
      [],
      'header-name',
      'Headers that count as original only when the client side marked them.',
      pushpinKey('proxy', 'orig_headers_need_mark'),
    ),
    acceptPushpinRoute: flag(
      false,
      'Let the request header Pushpin-Route choose the route by its id.',
      pushpinKey('proxy', 'accept_pushpin_route'),
    ),
    cdnLoop: text(
      '',
      'Token added to the CDN-Loop header towards origins; empty adds none.',
      pushpinKey('proxy', 'cdn_loop'),
    ),
    sigIss: text('pushpin', 'Issuer (iss) of the signature sent to origins.', pushpinKey('proxy', 'sig_iss')),
    sigKey: signingKey(
      'changeme',
      'Key that signs requests to origins: plain text, base64:DATA or file:PATH; empty does not sign.',
      absent('', pushpinKey('proxy', 'sig_key')),
    ),
    upstreamKey: signingKey(
      '',
      'Key that checks the Grip-Sig of a proxy in front of this one, in the same forms; empty trusts nobody.',
      pushpinKey('proxy', 'upstream_key'),
    ),
    shareAll: flag(
      false,
      'Send requests once that differ in nothing but their headers, and give the answer to all who ask meanwhile; only for origins that answer everybody alike.',
      pushpinKey('handler', 'share_all'),
    ),
    sockjsUrl: text(
      'http://cdn.jsdelivr.net/sockjs/0.3.4/sockjs.min.js',
      'Script loaded by the SockJS iframe page.',
      absent('', pushpinKey('proxy', 'sockjs_url')),
    ),
    prefetchBytes: bytes(10_000, 'How much of a request body is read before the origin is asked.', undefined, 0),
    maxAcceptRequestBytes: bytes(100_000, 'Largest request body that can be kept with a held request.', undefined, 0),
    maxInstructBytes: bytes(100_000, 'Largest origin response that can carry GRIP instructions.'),
    originClient: choice(
      'holdfast',
      ['holdfast', 'undici'],
      'Which HTTP client speaks with origins: our own, or undici, which is slower and should make no other difference.',
    ),
    connectTimeout: seconds(10, 0.01, 'How long connecting to an origin may take.'),
    originIdleTimeout: seconds(1800, 0.01, 'How long an origin may stay silent in the middle of an exchange.'),
    originKeepAlive: seconds(55, 0.01, 'How long an unused connection to an origin is kept for the next request.'),
    maxOriginHeadBytes: bytes(
      65_536,
      'Largest status line and headers of an origin response together.',
      undefined,
      128,
    ),
  },
  hold: {
    maxSubscriptions: count(
      20,
      [1, 1_000_000],
      'channels',
      'Most channels of one client connection; further ones are left out.',
      pushpinKey('handler', 'connection_subscription_max'),
    ),
    subscriptionLinger: seconds(
      60,
      1,
      'How long the channels of an answered response hold stay announced, awaiting the next request.',
      pushpinKey('handler', 'subscription_linger'),
    ),
    updateOnFirstSubscription: flag(
      true,
      'Ask the origin again for held requests a second after their channel got its first subscriber.',
      pushpinKey('handler', 'update_on_first_subscription'),
    ),
    outboxBytes: bytes(1_048_576, 'Most bytes that may wait for one slow client.'),
    outboxPolicy: choice(
      'close',
      ['close', 'drop'],
      'What happens when a client is too slow for its outbox: close the connection, or drop the message. With a pushpin.conf: drop.',
    ),
    maxWaitingItems: count(
      100,
      [1, 1_000_000],
      'items',
      'Most items that wait for one client while an HTTP filter or its next link is asked; further ones are dropped.',
    ),
  },
  websocket: {
    maxMessageBytes: bytes(200_000, 'Largest message a client may send to an over_http target.'),
    maxRelayedMessageBytes: bytes(
      16_777_216,
      'Largest message, in both directions, where the target speaks WebSocket itself.',
    ),
    maxBufferedBytes: bytes(200_000, 'Most bytes of messages that may wait for the slower of client and origin.'),
    maxResponseBytes: bytes(1_000_000, 'Largest response of a WebSocket-over-HTTP origin, and of a recover link.'),
    maxRejectBytes: bytes(100_000, 'Largest body of an origin response that refuses a WebSocket.', undefined, 0),
    slowCloseCode: count(
      1013,
      [1000, 4999],
      'close code',
      'What a WebSocket is closed with when its client is too slow for its outbox (hold.outbox_policy close); a code that RFC 6455 lets nobody send counts as 1013.',
    ),
    outboxMessages: count(
      0,
      [0, MAX_BYTES],
      'messages',
      'Most messages that wait for one client, besides hold.outbox_bytes; it is closed as slow beyond that; 0 counts bytes alone.',
    ),
    pingInterval: seconds(
      0,
      0,
      'Time between two pings to each client with a WebSocket of its own, whatever its origin sends; 0 sends none.',
    ),
    pongTimeout: seconds(
      30,
      1,
      'How long a client may take from one pong to the next where it is sent pings; it is cut off then.',
    ),
    allowCompression: flag(
      false,
      'Agree to permessage-deflate with clients that offer it (costs CPU and memory).',
      pushpinKey('runner', 'allow_compression'),
    ),
    compressionThreshold: bytes(
      1_024,
      'Messages shorter than this go out uncompressed, whatever was agreed with the client.',
      undefined,
      0,
    ),
  },
  sockjs: {
    maxSessions: count(
      10_000,
      [1, 10_000_000],
      'sessions',
      'Most SockJS sessions over polling at a time; clients that want another one are answered with 503.',
    ),
  },
  publish: {
    idCacheTtl: seconds(
      60,
      0,
      'How long the ids of items are remembered to drop doubles; 0 turns this off.',
      absent(0, pushpinKey('handler', 'id_cache_ttl')),
    ),
    messageWait: count(
      5000,
      [0, MAX_MILLISECONDS],
      'milliseconds',
      'How long an item waits for the earlier one that its prev-id names.',
      pushpinKey('handler', 'message_wait'),
    ),
    maxBufferedPerChannel: count(
      100,
      [0, 1_000_000],
      'items',
      'Most items of one channel that wait for an earlier one.',
    ),
    messageRate: count(
      0,
      [0, MAX_BYTES],
      'deliveries a second',
      'Most deliveries a second for each route with an id, and for all others together; 0 is unlimited.',
      absent(0, pushpinKey('handler', 'message_rate')),
    ),
    messageHwm: count(
      0,
      [0, MAX_BYTES],
      'deliveries',
      'Most deliveries that wait for message_rate; further ones are dropped; 0 is unlimited.',
      absent(0, pushpinKey('handler', 'message_hwm')),
    ),
    messageBlockSize: bytes(
      0,
      'A delivery counts once towards message_rate for each block of this size; 0 counts each delivery once.',
      pushpinKey('handler', 'message_block_size'),
      0,
    ),
  },
  control: {
    listen: controlListen,
    maxHeadBytes: bytes(
      10_000,
      'Largest request head on the control port.',
      pushpinKey('handler', 'push_in_http_max_headers_size'),
      128,
    ),
    maxBodyBytes: bytes(
      1_000_000,
      'Largest request body on the control port, and largest request on the REP sockets.',
      pushpinKey('handler', 'push_in_http_max_body_size'),
    ),
    maxConnections: count(
      128,
      [1, 1_000_000],
      'connections',
      'Most connections to the control port at a time; a further one takes the place of the longest unused, and is closed when all are in use.',
    ),
    reportTimeout: seconds(
      15,
      1,
      'How long a publisher who asks for a report waits at most; what is not known by then is reported as pending.',
    ),
  },
  zeromq: {
    pull: list(
      ['tcp://127.0.0.1:5560'],
      'endpoint',
      'Where PULL sockets listen for publishers that PUSH; [] turns it off.',
      absent([], pushpinKey('handler', 'push_in_spec')),
    ),
    pullEngine: choice(
      'holdfast',
      ['holdfast', 'libzmq'],
      'What reads the PULL sockets: holdfast needs no package and is faster; libzmq needs the package zeromq.',
    ),
    pullMaxMessageBytes: bytes(1_000_000, 'Largest message on the PULL sockets; a larger one is skipped.'),
    pullMaxConnections: count(
      1_000,
      [1, 1_000_000],
      'connections',
      'Most publishers connected to the PULL sockets at a time, where holdfast reads them; further ones are closed at once.',
    ),
    sub: list(
      ['tcp://127.0.0.1:5562'],
      'endpoint',
      'Where SUB sockets listen for publishers that PUB; [] turns it off. Needs the package zeromq.',
      absent([], pushpinKey('handler', 'push_in_sub_specs', 'push_in_sub_spec')),
    ),
    subConnect: flag(
      false,
      'Connect the SUB sockets to the publishers instead of listening.',
      pushpinKey('handler', 'push_in_sub_connect'),
    ),
    subMaxMessageBytes: bytes(1_000_000, 'Largest item on the SUB sockets; a larger one is skipped.'),
    rep: list(
      ['tcp://127.0.0.1:5563'],
      'endpoint',
      'Where a REP socket answers commands; [] turns it off. Needs the package zeromq.',
      absent([], pushpinKey('handler', 'command_spec')),
    ),
    stats: list(
      [],
      'endpoint',
      'Where a PUB socket tells what happens: connections, subscriptions, items, reports; [] turns it off. Needs the package zeromq.',
      absent([], pushpinKey('handler', 'stats_spec')),
    ),
    ipcFileMode,
  },
  stats: {
    format: choice(
      'tnetstring',
      ['tnetstring', 'json'],
      'What the packets of the stats socket are made of.',
      pushpinKey('handler', 'stats_format'),
    ),
    connectionSend: flag(
      true,
      'Tell of each connection when it begins, ends, and in between.',
      pushpinKey('global', 'stats_connection_send'),
    ),
    connectionTtl: seconds(
      120,
      4,
      'How long who listens may take a connection for open that it hears nothing of; it is told of again in time.',
      pushpinKey('global', 'stats_connection_ttl'),
    ),
    subscriptionTtl: seconds(
      60,
      4,
      'The same for a channel with subscribers.',
      pushpinKey('handler', 'stats_subscription_ttl'),
    ),
    reportInterval: seconds(
      10,
      1,
      'Time between two reports on each route.',
      pushpinKey('handler', 'stats_report_interval'),
    ),
  },
  metrics: {
    listen: metricsListen,
    prefix: metricsPrefix,
  },
  log: {
    level: choice('info', LOG_LEVELS, 'The least important lines that are logged.', pushpinKey('runner', 'log_level')),
    format: choice('text', ['text', 'json'], 'Lines for people, or one JSON object a line.'),
    from: flag(false, 'Name the client address in request lines.', pushpinKey('proxy', 'log_from')),
    userAgent: flag(false, 'Name the client program in request lines.', pushpinKey('proxy', 'log_user_agent')),
  },
  tracing: {
    otlpEndpoint,
    serviceName: text('holdfast', 'What the spans call this server (`service.name`).'),
    sampleRatio,
    headers: list([], 'header', 'Headers for the receiver of the spans, such as `Authorization: Bearer TOKEN`.'),
    maxQueuedSpans: count(
      4_096,
      [1, 1_000_000],
      'spans',
      'Spans that may wait to be sent, in each process; further ones are dropped and counted.',
    ),
  },
};

/** What each section is about, for the generated files. */
export const SECTIONS: ReadonlyMap<string, string> = new Map([
  ['http', 'The port clients connect to.'],
  ['workers', 'The processes that serve clients: one, or several that look like one server.'],
  ['routes', 'Which origin answers which request.'],
  ['proxy', 'How requests go to origins and their answers come back.'],
  ['hold', 'Client connections that are held open.'],
  ['websocket', 'WebSocket connections, and origins that speak WebSocket-over-HTTP.'],
  ['sockjs', 'Clients that speak SockJS on routes that allow it.'],
  ['publish', 'Order, doubles and rate of published items.'],
  ['control', 'The private HTTP port for publishers.'],
  ['zeromq', 'The private ZeroMQ ports; all but PULL need the optional package zeromq.'],
  ['stats', 'What the stats socket (zeromq.stats) tells, and how often.'],
  ['zeromq', 'The private ZeroMQ ports for publishers and commands; SUB and REP need the optional package zeromq.'],
  ['metrics', 'Metrics for Prometheus, health and readiness, on a port of their own.'],
  ['log', 'The log.'],
  ['tracing', 'Spans for OpenTelemetry.'],
]);

/** Sections that may be written as the value of one of their settings. */
export const SHORT: ReadonlyMap<string, string> = new Map([['workers', 'workers.count']]);
