import { describe, expect, it } from 'vitest';
import {
  type DeepPartial,
  defaultSettings,
  findSetting,
  resolveSettings,
  SETTINGS,
  settingsFrom,
} from '../../src/config/schema.js';
import { SECTIONS } from '../../src/config/setting-table.js';
import type { Settings } from '../../src/config/settings.js';
import { checkValue } from '../../src/config/validate.js';
import { thrown } from './thrown.js';

describe('the table of settings', () => {
  it.each(SETTINGS.map((entry) => [entry.path, entry] as const))('%s has a default that is allowed', (_path, entry) => {
    if (entry.path === 'routes.file') expect(entry.default).toBeUndefined();
    else expect(checkValue(entry.type, entry.default)).toEqual({ ok: true, value: entry.default });
  });

  it.each(SETTINGS.map((entry) => [entry.path, entry] as const))('%s is described in one sentence', (_path, entry) => {
    expect(entry.sentence).toMatch(/^[A-Z].*\.$/);
  });

  it('gives every number its unit', () => {
    const bare = SETTINGS.filter(({ type, unit }) => ['integer', 'number'].includes(type.kind) && unit === undefined);
    expect(bare.map(({ path }) => path)).toEqual([]);
  });

  it('describes exactly the sections that settings have', () => {
    expect([...SECTIONS.keys()]).toEqual([...new Set(SETTINGS.map(({ section }) => section))]);
  });

  it('uses a pushpin.conf key only once', () => {
    const keys = SETTINGS.flatMap(({ pushpin }) => pushpin?.keys.map((key) => `${pushpin.section}.${key}`) ?? []);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it.each(['__proto__', 'constructor', 'http', 'http.maxHeaders', ''])('has no setting %j', (path) => {
    expect(findSetting(path)).toBeUndefined();
  });
});

describe('defaultSettings', () => {
  it('are the documented ones', () => {
    expect(defaultSettings()).toEqual({
      http: {
        parser: 'holdfast',
        listen: [{ host: '0.0.0.0', port: 7999 }],
        unix: [],
        maxHeadBytes: 8192,
        maxHeaders: 64,
        maxConnections: 50_000,
        headTimeout: 60,
        idleTimeout: 1800,
      },
      workers: { count: 1, giveBackMemory: true, tuneEngine: true },
      routes: { file: undefined, lines: [] },
      proxy: {
        debug: false,
        autoCrossOrigin: false,
        acceptXForwardedProtocol: false,
        setXForwardedProtocol: 'proto-only',
        xForwardedFor: [],
        xForwardedForTrusted: [],
        origHeadersNeedMark: [],
        acceptPushpinRoute: false,
        cdnLoop: '',
        sigIss: 'pushpin',
        sigKey: 'changeme',
        upstreamKey: '',
        shareAll: false,
        sockjsUrl: 'http://cdn.jsdelivr.net/sockjs/0.3.4/sockjs.min.js',
        prefetchBytes: 10_000,
        maxAcceptRequestBytes: 100_000,
        maxInstructBytes: 100_000,
        originClient: 'holdfast',
        connectTimeout: 10,
        originIdleTimeout: 1800,
        originKeepAlive: 55,
        maxOriginHeadBytes: 65_536,
      },
      hold: {
        maxSubscriptions: 20,
        subscriptionLinger: 60,
        updateOnFirstSubscription: true,
        outboxBytes: 1_048_576,
        outboxPolicy: 'close',
        maxWaitingItems: 100,
      },
      websocket: {
        maxMessageBytes: 200_000,
        maxRelayedMessageBytes: 16_777_216,
        maxBufferedBytes: 200_000,
        maxResponseBytes: 1_000_000,
        maxRejectBytes: 100_000,
        slowCloseCode: 1013,
        outboxMessages: 0,
        pingInterval: 0,
        pongTimeout: 30,
        allowCompression: false,
        compressionThreshold: 1024,
      },
      sockjs: { maxSessions: 10_000 },
      publish: {
        idCacheTtl: 60,
        messageWait: 5000,
        maxBufferedPerChannel: 100,
        messageRate: 0,
        messageHwm: 0,
        messageBlockSize: 0,
      },
      control: {
        listen: { host: '127.0.0.1', port: 5561 },
        maxHeadBytes: 10_000,
        maxBodyBytes: 1_000_000,
        maxConnections: 128,
        reportTimeout: 15,
      },
      zeromq: {
        pull: ['tcp://127.0.0.1:5560'],
        pullEngine: 'holdfast',
        pullMaxMessageBytes: 1_000_000,
        pullMaxConnections: 1_000,
        sub: ['tcp://127.0.0.1:5562'],
        subConnect: false,
        subMaxMessageBytes: 1_000_000,
        rep: ['tcp://127.0.0.1:5563'],
        stats: [],
        ipcFileMode: undefined,
      },
      stats: {
        format: 'tnetstring',
        connectionSend: true,
        connectionTtl: 120,
        subscriptionTtl: 60,
        reportInterval: 10,
      },
      metrics: { listen: undefined, prefix: '' },
      log: { level: 'info', format: 'text', from: false, userAgent: false },
      tracing: { otlpEndpoint: '', serviceName: 'holdfast', sampleRatio: 1, headers: [], maxQueuedSpans: 4096 },
    } satisfies Settings);
  });

  it('are not shared between callers', () => {
    expect(defaultSettings().http.listen).not.toBe(defaultSettings().http.listen);
  });
});

describe('settingsFrom', () => {
  it('lets the later layer win', () => {
    const layers = [new Map([['http.max_headers', 1]]), new Map([['http.max_headers', 2]]), new Map()];
    expect(settingsFrom(layers).http.maxHeaders).toBe(2);
  });

  it('keeps what a layer turned off', () => {
    expect(settingsFrom([new Map([['control.listen', undefined]])]).control.listen).toBeUndefined();
  });
});

describe('resolveSettings', () => {
  it('lays what is given over the defaults', () => {
    const defaults = defaultSettings();
    expect(resolveSettings({ http: { maxHeaders: 5 }, log: undefined })).toEqual({
      ...defaults,
      http: { ...defaults.http, maxHeaders: 5 },
    });
  });

  it('turns the control port off when told so', () => {
    expect(resolveSettings({ control: { listen: undefined } }).control.listen).toBeUndefined();
  });

  it('takes undefined elsewhere as not given', () => {
    expect(resolveSettings({ http: { maxHeaders: undefined } }).http.maxHeaders).toBe(64);
  });

  it('leaves its argument and the defaults alone', () => {
    resolveSettings({ proxy: { xForwardedFor: ['append'] } });
    expect(defaultSettings().proxy.xForwardedFor).toEqual([]);
  });

  it.each<[unknown, string, string]>([
    [
      { htp: {} },
      'HOLDFAST_CONFIG_UNKNOWN_SETTING',
      'there is no setting htp (in the settings given); did you mean http?',
    ],
    [
      { http: { maxHeader: 1 } },
      'HOLDFAST_CONFIG_UNKNOWN_SETTING',
      'there is no setting http.max_header (in the settings given); did you mean http.max_headers?',
    ],
    [
      { http: { maxHeaders: 'x' } },
      'HOLDFAST_CONFIG_INVALID_VALUE',
      'http.max_headers in the settings given must be an integer from 1 to 10000, not "x"',
    ],
    [{ http: 1 }, 'HOLDFAST_CONFIG_INVALID_VALUE', 'http must be an object of settings'],
    [null, 'HOLDFAST_CONFIG_INVALID_VALUE', 'the settings must be an object of settings'],
    [[], 'HOLDFAST_CONFIG_INVALID_VALUE', 'the settings must be an object of settings'],
    [JSON.parse('{"__proto__": {"x": 1}}'), 'HOLDFAST_CONFIG_UNKNOWN_SETTING', 'there is no setting __proto__'],
  ])('refuses %j', (partial, code, message) => {
    const error = thrown(() => resolveSettings(partial as DeepPartial<Settings>));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});
