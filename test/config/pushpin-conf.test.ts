import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPushpinConf } from '../../src/config/pushpin-conf.js';
import { defaultSettings, settingsFrom } from '../../src/config/schema.js';
import type { Settings } from '../../src/config/settings.js';
import { survives, thrown } from './thrown.js';

function read(text: string, includes: Readonly<Record<string, string>> = {}) {
  const { layer, warnings } = readPushpinConf({
    text,
    file: 'pushpin.conf',
    readInclude: (path) => new Map(Object.entries(includes)).get(path),
  });
  return { settings: settingsFrom([layer]), warnings };
}

describe('an empty pushpin.conf', () => {
  it('has the defaults of the original', () => {
    const { settings, warnings } = read('');
    expect(warnings).toEqual([]);
    expect(settings.http.listen).toEqual([]);
    expect(settings.control.listen).toBeUndefined();
    expect(settings.zeromq).toEqual({ ...defaultSettings().zeromq, pull: [], sub: [], rep: [] });
    expect(settings.proxy).toMatchObject({
      sigIss: 'pushpin',
      sigKey: '',
      sockjsUrl: '',
      setXForwardedProtocol: 'none',
    });
    expect(settings.publish).toMatchObject({ idCacheTtl: 0, messageRate: 0, messageHwm: 0, messageWait: 5000 });
    expect(settings.hold).toMatchObject({ outboxPolicy: 'drop', maxSubscriptions: 20, subscriptionLinger: 60 });
    expect(settings.routes.file).toBeUndefined();
  });
});

describe('the keys', () => {
  it.each<[string, (settings: Settings) => unknown, unknown]>([
    ['[handler]\nshare_all=true', (s) => s.proxy.shareAll, true],
    [
      '[runner]\nhttp_port=80, 127.0.0.1:81,[::]:82',
      (s) => s.http.listen.map(({ host, port }) => `${host} ${port}`),
      ['0.0.0.0 80', '127.0.0.1 81', ':: 82'],
    ],
    ['[runner]\nhttp_port=80\n[global]\nport_offset=10', (s) => s.http.listen, [{ host: '0.0.0.0', port: 80 }]],
    ['[runner]\nclient_buffer_size=16384', (s) => s.http.maxHeadBytes, 16_384],
    ['[runner]\nclient_maxconn=7', (s) => s.http.maxConnections, 7],
    ['[runner]\nallow_compression=true', (s) => s.websocket.allowCompression, true],
    ['[runner]\nlog_level=0', (s) => s.log.level, 'error'],
    ['[runner]\nlog_level=9', (s) => s.log.level, 'trace'],
    ['[proxy]\nroutesfile=my/routes', (s) => s.routes.file, 'my/routes'],
    ['[proxy]\ndebug=TRUE', (s) => s.proxy.debug, true],
    ['[proxy]\ndebug=0', (s) => s.proxy.debug, false],
    ['[proxy]\nset_x_forwarded_protocol=true', (s) => s.proxy.setXForwardedProtocol, 'both'],
    ['[proxy]\nset_x_forwarded_protocol=proto-only', (s) => s.proxy.setXForwardedProtocol, 'proto-only'],
    ['[proxy]\nset_x_forwarded_protocol=false', (s) => s.proxy.setXForwardedProtocol, 'none'],
    ['[proxy]\nx_forwarded_for=truncate:0,append', (s) => s.proxy.xForwardedFor, ['truncate:0', 'append']],
    ['[proxy]\nx_forwarded_for=', (s) => s.proxy.xForwardedFor, []],
    ['[proxy]\norig_headers_need_mark=X-A, X-B', (s) => s.proxy.origHeadersNeedMark, ['X-A', 'X-B']],
    ['[proxy]\nsig_key="a,b;c"', (s) => s.proxy.sigKey, 'a,b;c'],
    ['[proxy]\nlog_from=true\nlog_user_agent=1', (s) => [s.log.from, s.log.userAgent], [true, true]],
    ['[handler]\nipc_file_mode=660', (s) => s.zeromq.ipcFileMode, 0o660],
    [
      '[handler]\npush_in_spec=tcp://127.0.0.1:5560\n[global]\nport_offset=10',
      (s) => s.zeromq.pull,
      ['tcp://127.0.0.1:5570'],
    ],
    [
      '[handler]\npush_in_spec=ipc://{rundir}/{ipc_prefix}in\n[global]\nrundir=run',
      (s) => s.zeromq.pull,
      ['ipc://run/pushpin-in'],
    ],
    [
      '[handler]\npush_in_spec=ipc://{rundir}/{ipc_prefix}in\n[global]\nrundir=r\nipc_prefix=p-',
      (s) => s.zeromq.pull,
      ['ipc://r/p-in'],
    ],
    ['[handler]\npush_in_spec=tcp://[::1]:5560\n[global]\nport_offset=1', (s) => s.zeromq.pull, ['tcp://[::1]:5561']],
    [
      '[handler]\npush_in_sub_specs=tcp://a:1,tcp://b:2\npush_in_sub_spec=tcp://c:3',
      (s) => s.zeromq.sub,
      ['tcp://a:1', 'tcp://b:2', 'tcp://c:3'],
    ],
    ['[handler]\npush_in_sub_connect=true', (s) => s.zeromq.subConnect, true],
    [
      '[handler]\npush_in_http_addr=0.0.0.0\npush_in_http_port=5561',
      (s) => s.control.listen,
      { host: '0.0.0.0', port: 5561 },
    ],
    ['[handler]\npush_in_http_addr=::1\npush_in_http_port=5561', (s) => s.control.listen, { host: '::1', port: 5561 }],
    [
      '[handler]\npush_in_http_port=5561\n[global]\nport_offset=10',
      (s) => s.control.listen,
      { host: '127.0.0.1', port: 5571 },
    ],
    ['[handler]\npush_in_http_port=0\n[global]\nport_offset=10', (s) => s.control.listen, undefined],
    [
      '[handler]\npush_in_http_max_headers_size=2000\npush_in_http_max_body_size=3000',
      (s) => [s.control.maxHeadBytes, s.control.maxBodyBytes],
      [2000, 3000],
    ],
    [
      '[handler]\nmessage_rate=2500\nmessage_hwm=25000',
      (s) => [s.publish.messageRate, s.publish.messageHwm],
      [2500, 25_000],
    ],
    [
      '[handler]\nmessage_rate=-1\nmessage_hwm=-1\nmessage_block_size=-1',
      (s) => [s.publish.messageRate, s.publish.messageHwm, s.publish.messageBlockSize],
      [0, 0, 0],
    ],
    ['[handler]\nmessage_wait=10\nid_cache_ttl=20', (s) => [s.publish.messageWait, s.publish.idCacheTtl], [10, 20]],
    [
      '[handler]\nconnection_subscription_max=3\nsubscription_linger=4',
      (s) => [s.hold.maxSubscriptions, s.hold.subscriptionLinger],
      [3, 4],
    ],
    ['[handler]\nupdate_on_first_subscription=false', (s) => s.hold.updateOnFirstSubscription, false],
  ])('%j', (text, pick, expected) => {
    const { settings, warnings } = read(text);
    expect(pick(settings)).toEqual(expected);
    expect(warnings).toEqual([]);
  });
});

describe('wrong values', () => {
  it.each<[string, (settings: Settings) => unknown, unknown, string]>([
    [
      '[handler]\nmessage_wait=soon',
      (s) => s.publish.messageWait,
      5000,
      'pushpin.conf, line 2: [handler] message_wait must be an integer from 0 to 2000000000, not "soon"; 5000 is used',
    ],
    ['[runner]\nclient_maxconn=-3', (s) => s.http.maxConnections, 50_000, '[runner] client_maxconn must be'],
    ['[handler]\nipc_file_mode=9', (s) => s.zeromq.ipcFileMode, undefined, 'not "9"; off is used'],
    ['[proxy]\ndebug=no', (s) => s.proxy.debug, true, '[proxy] debug must be true or false; "no" counts as true'],
    ['[proxy]\nset_x_forwarded_protocol=yes', (s) => s.proxy.setXForwardedProtocol, 'none', '"yes" counts as false'],
    [
      '[proxy]\nsig_key=a,b',
      (s) => s.proxy.sigKey,
      '',
      '[proxy] sig_key has a comma, so it is read as empty; put the value in double quotes',
    ],
    [
      '[proxy]\nx_forwarded_for=append,nonsense',
      (s) => s.proxy.xForwardedFor,
      ['append'],
      '[proxy] x_forwarded_for cannot hold "nonsense"',
    ],
    [
      '[handler]\npush_in_http_port=x',
      (s) => s.control.listen,
      undefined,
      '[handler] push_in_http_port must be a port, not "x"',
    ],
    [
      '[handler]\npush_in_http_port=65535\n[global]\nport_offset=1',
      (s) => s.control.listen,
      undefined,
      'push_in_http_port must be a port',
    ],
    [
      '[handler]\npush_in_http_port=1\npush_in_http_addr=a b',
      (s) => s.control.listen,
      undefined,
      '[handler] push_in_http_addr must be an address, not "a b"',
    ],
    [
      '[runner]\nlog_level=loud',
      (s) => s.log.level,
      'info',
      '[runner] log_level must be a number from 0 to 4, not "loud"; "info" is used',
    ],
    ['[runner]\nlog_level=3,proxy:4', (s) => s.log.level, 'debug', 'levels of single services have no effect'],
    ['[runner]\nlog_level=proxy:4', (s) => s.log.level, 'info', 'levels of single services have no effect'],
    [
      '[global]\nport_offset=x\n[handler]\npush_in_spec=tcp://a:1',
      (s) => s.zeromq.pull,
      ['tcp://a:1'],
      '[global] port_offset must be an integer, not "x"; 0 is used',
    ],
    [
      '[runner]\nrundir=old\n[handler]\npush_in_spec=ipc://{rundir}/x',
      (s) => s.zeromq.pull,
      ['ipc://old/x'],
      '[runner] rundir is out of date; put rundir in [global]',
    ],
  ])('%j falls back with one warning', (text, pick, expected, warning) => {
    const { settings, warnings } = read(text);
    expect(pick(settings)).toEqual(expected);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(warning);
  });

  it('never shows a signing key', () => {
    expect(read('[proxy]\nsig_key=hush,hush').warnings.join()).not.toContain('hush');
  });

  it('refuses a wrong client port, as the original does', () => {
    const error = thrown(() => read('[runner]\n\nhttp_port=80,http'));
    expect(error.code).toBe('HOLDFAST_CONFIG_INVALID_VALUE');
    expect(error.message).toBe(
      'pushpin.conf, line 3: [runner] http_port must be a list of [address:]port, not "80,http"',
    );
  });
});

describe('prometheus_port and prometheus_prefix', () => {
  it.each<[string, unknown]>([
    ['[handler]\nprometheus_port=9000', { host: '0.0.0.0', port: 9000 }],
    ['[handler]\nprometheus_port=127.0.0.1:9000', { host: '127.0.0.1', port: 9000 }],
    ['[proxy]\nprometheus_port=9000', { host: '0.0.0.0', port: 9000 }],
    ['[handler]\nprometheus_port=9000\n[global]\nport_offset=10', { host: '0.0.0.0', port: 9000 }],
    ['[global]\nrundir=/run/p\n[handler]\nprometheus_port=ipc://{rundir}/metrics', { path: '/run/p/metrics' }],
    ['[handler]\nprometheus_port=', undefined],
    ['[handler]\nprometheus_prefix=a', undefined],
  ])('%j say where metrics listen', (text, address) => {
    const { settings, warnings } = read(text);
    expect([settings.metrics.listen, warnings]).toEqual([address, []]);
  });

  it('of the proxy stand for those of the handler, where that has none', () => {
    const { settings, warnings } = read('[proxy]\nprometheus_port=1\nprometheus_prefix=p_');
    expect([settings.metrics, warnings]).toEqual([{ listen: { host: '0.0.0.0', port: 1 }, prefix: 'p_' }, []]);
  });

  it('of both: those of the handler hold', () => {
    const keys = 'prometheus_port=1\nprometheus_prefix=same_';
    const { settings, warnings } = read(`[proxy]\n${keys.replace('=1', '=2')}\n[handler]\n${keys}`);
    expect(settings.metrics).toEqual({ listen: { host: '0.0.0.0', port: 1 }, prefix: 'same_' });
    expect(warnings).toEqual([
      'pushpin.conf, line 2: [proxy] prometheus_port has no effect beside [handler] prometheus_port: there is one place for all metrics',
    ]);
  });

  it('that cannot be are named, and metrics are off', () => {
    const { settings, warnings } = read('[handler]\nprometheus_port=nowhere\nprometheus_prefix=9-');
    expect(settings.metrics).toEqual({ listen: undefined, prefix: '' });
    expect(warnings).toEqual([
      'pushpin.conf, line 2: [handler] prometheus_port must be [address:]port, ipc://path, or off, not "nowhere"; off is used',
      'pushpin.conf, line 3: [handler] prometheus_prefix must be letters, digits, _ and :, not beginning with a digit, not "9-"; "" is used',
    ]);
  });
});

describe('keys without meaning here', () => {
  it.each([
    ['runner', 'https_ports', '443'],
    ['runner', 'local_ports', '{rundir}/x'],
    ['handler', 'state_spec', 'tcp://127.0.0.1:5564'],
  ])('[%s] %s is named once', (section, key, value) => {
    const { warnings } = read(`[${section}]\n${key}=${value}\n${key}=${value}`);
    expect(warnings).toEqual([
      `pushpin.conf, line 3: [${section}] ${key} is not supported yet and has no effect in this version`,
    ]);
  });

  it('names the keys of the processes in one line', () => {
    expect(read('[runner]\nservices=a,b\nlogdir=log\n[proxy]\nconnmgr_in_specs=ipc://x').warnings).toEqual([
      'pushpin.conf: has no effect in this version, which is one process: [runner] services, [runner] logdir, [proxy] connmgr_in_specs',
    ]);
  });

  it('guesses at a misspelt key', () => {
    expect(read('[proxy]\nroutefile=x').warnings).toEqual([
      'pushpin.conf, line 2: [proxy] routefile is no key of pushpin.conf and has no effect; did you mean routesfile?',
    ]);
  });
});

describe('include', () => {
  it.each(['internal.conf', '{libdir}/internal.conf', 'lib/internal.conf'])('%s may be missing', (include) => {
    expect(read(`[global]\ninclude=${include}`).warnings).toEqual([]);
  });

  it('finds internal.conf in the library folder, and says nothing of its keys', () => {
    const conf = '[global]\nlibdir=lib\ninclude=internal.conf';
    const { settings, warnings } = read(conf, { 'lib/internal.conf': '[handler]\npush_in_spec=tcp://a:1\nodd=1' });
    expect(settings.zeromq.pull).toEqual(['tcp://a:1']);
    expect(warnings).toEqual([]);
  });

  it('reads any other file after the main one', () => {
    const conf = '[global]\ninclude=more.conf\n[proxy]\nsig_iss=main';
    const { settings, warnings } = read(conf, { 'more.conf': '[proxy]\nsig_iss=more\ncdn_loop=more\nodd=1' });
    expect([settings.proxy.sigIss, settings.proxy.cdnLoop]).toEqual(['main', 'more']);
    expect(warnings).toEqual(['more.conf, line 4: [proxy] odd is no key of pushpin.conf and has no effect']);
  });

  it('warns of any other file that is missing', () => {
    expect(read('[global]\ninclude=more.conf').warnings).toEqual([
      'pushpin.conf: the included file more.conf cannot be read and is left out',
    ]);
  });
});

describe('the file that 1.36 ships', () => {
  const SHIPPED = `[global]
include={libdir}/internal.conf
rundir=run
ipc_prefix=pushpin-
port_offset=0
stats_connection_ttl=120
[runner]
services=condure,pushpin-proxy,pushpin-handler
http_port=7999
#https_ports=443
logdir=log
log_level=2
client_buffer_size=8192
client_maxconn=50000
condure_bin=condure
mongrel2_bin=mongrel2
m2sh_bin=m2sh
zurl_bin=zurl
[proxy]
routesfile=routes
debug=false
auto_cross_origin=false
accept_x_forwarded_protocol=false
set_x_forwarded_protocol=proto-only
x_forwarded_for=
x_forwarded_for_trusted=
orig_headers_need_mark=
accept_pushpin_route=false
log_from=false
log_user_agent=false
sig_iss=pushpin
sig_key=changeme
upstream_key=
sockjs_url=http://cdn.jsdelivr.net/sockjs/0.3.4/sockjs.min.js
updates_check=off
organization_name=
[handler]
#ipc_file_mode=777
push_in_spec=tcp://127.0.0.1:5560
push_in_sub_specs=tcp://127.0.0.1:5562
push_in_sub_connect=false
push_in_http_addr=127.0.0.1
push_in_http_port=5561
push_in_http_max_headers_size=10000
push_in_http_max_body_size=1000000
stats_spec=ipc://{rundir}/{ipc_prefix}stats
command_spec=tcp://127.0.0.1:5563
message_rate=2500
message_hwm=25000
#message_block_size=
message_wait=5000
id_cache_ttl=60
connection_subscription_max=20
subscription_linger=60
stats_subscription_ttl=60
stats_report_interval=10
stats_format=tnetstring
`;

  it('differs from the native defaults in the rate, its limit, the outbox, the stats and the routes file only', () => {
    const { settings } = read(SHIPPED);
    const native = settingsFrom([]);
    expect(settings).toEqual({
      ...native,
      routes: { file: 'routes', lines: [] },
      publish: { ...native.publish, messageRate: 2500, messageHwm: 25_000 },
      hold: { ...native.hold, outboxPolicy: 'drop' },
      zeromq: { ...native.zeromq, stats: ['ipc://run/pushpin-stats'] },
    });
  });

  it('gives one warning, which names what shapes the processes of the original', () => {
    const { warnings } = read(SHIPPED);
    expect(warnings).toHaveLength(1);
    for (const warning of warnings) expect(warning).toContain('no effect');
  });
});

describe('readPushpinConf', () => {
  it('throws nothing but its own errors', () => {
    const line = fc.tuple(
      fc.constantFrom('[runner]', '[proxy]', '[handler]', '[global]'),
      fc.constantFrom(
        'http_port',
        'log_level',
        'push_in_spec',
        'push_in_http_port',
        'port_offset',
        'include',
        'sig_key',
        'debug',
        'ipc_file_mode',
        'x_forwarded_for',
        'message_rate',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const text = lines.map(([section, key, value]) => `${section}\n${key}=${value}\n`).join('');
        survives(() => read(text));
      }),
    );
  });
});
