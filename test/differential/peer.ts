/**
 * Starts one proxy - the original or Holdfast - on free ports in a folder of its own, waits until it really serves, and
 * ends it again. Both get the same `pushpin.conf` and the same routes (specification 1.2, 1.3, 2); only ports and folders differ.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePorts } from '../support/free-ports.js';
import { connect, type Doors, PROBE_TEXT, publishItems } from './script.js';

export type PeerKind = 'pushpin' | 'holdfast';

export interface Peer extends Doors {
  readonly kind: PeerKind;
  /** Everything it wrote to its two outputs. */
  output(): string;
  /** Ends the process and all it started; removes the folder. */
  stop(): Promise<void>;
}

/** Seconds from start to the first answer. */
const START_PATIENCE = 20;

/**
 * @param originPort - where the recording origin of this side listens
 * @param entry - Holdfast's built entry file; unused for the original
 * @throws Error with the output of the process when it ends or does not serve in time
 */
export async function startPeer(kind: PeerKind, originPort: number, entry: string): Promise<Peer> {
  const folder = mkdtempSync(join(tmpdir(), 'differential-'));
  const ports = await freePorts(5);
  const [httpPort = 0, controlPort = 0] = ports;
  const config = writeFiles(folder, ports, originPort);
  const command =
    kind === 'pushpin' ? ['pushpin', '-m', '--config', config] : [process.execPath, entry, '--config', config];
  // A process group of its own makes it possible to see, and to end, exactly what this process started.
  const child = spawn(command[0] ?? '', command.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    cwd: folder,
  });
  const output: string[] = [];
  child.stdout.on('data', (bytes) => output.push(String(bytes)));
  child.stderr.on('data', (bytes) => output.push(String(bytes)));
  child.on('error', (error) => output.push(String(error)));
  const killGroup = () => signalGroup(child, 'SIGKILL');
  process.once('exit', killGroup);

  const stop = async () => {
    await endGroup(child);
    process.off('exit', killGroup);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilServing({ httpPort, controlPort }, child);
  } catch (cause) {
    await stop();
    throw new Error(`${kind} did not start:\n${output.join('')}`, { cause });
  }
  return { kind, httpPort, controlPort, output: () => output.join(''), stop };
}

/** Host names of the routes are what the cases use. Ports 1 and 2 have no listener, so a connection is refused at once. */
function routes(originPort: number): string {
  const live = `127.0.0.1:${originPort}`;
  return [
    `plain.example ${live}`,
    `debug.example,debug ${live}`,
    `prefix.example,prefix=pre- ${live}`,
    `over.example ${live},over_http`,
    `over-debug.example,debug ${live},over_http`,
    `over-one.example ${live},over_http,one_event`,
    `over-signless.example,no_grip ${live},over_http`,
    `over-prefix.example,prefix=pre- ${live},over_http`,
    `over-sub.example ${live},over_http,sub=always-over`,
    `over-down.example 127.0.0.1:1,over_http ${live},over_http`,
    'over-dead.example 127.0.0.1:1,over_http',
    'over-dead-debug.example,debug 127.0.0.1:1,over_http',
    `sub.example ${live},sub=always`,
    `down.example 127.0.0.1:1 ${live}`,
    'dead.example 127.0.0.1:1',
    'dead-debug.example,debug 127.0.0.1:1 127.0.0.1:2',
    `path.example,path_beg=/only ${live}`,
    `rewrite.example,path_beg=/old,replace_beg= ${live}`,
    `header.example,header=X-Route:yes,header=X-Drop: ${live}`,
    `signless.example,no_grip ${live}`,
    `cors.example,aco ${live},over_http`,
    `cors-debug.example,aco,debug ${live}`,
    `cors-signless.example,aco,no_grip ${live}`,
    'cors-dead.example,aco,debug 127.0.0.1:1',
    `basic.example,aco,jsonp_mode=basic ${live}`,
    `renamed.example,aco,jsonp_cb=cb,jsonp_body=data ${live}`,
    `fallback.example,aco,jsonp_mode=basic,jsonp_cb=cb,jsonp_body=data,jsonp_defcb=done,jsonp_defmethod=PUT ${live}`,
    `as-host.example,as_host=Other.example:8080 ${live}`,
    `target-host.example ${live},host=target.example:81`,
    `letters.example,header=X-A:é,header=X-B:€ ${live}`,
    `original.example,orig_headers ${live}`,
    `sockjs.example,sockjs=/sockjs ${live},over_http`,
    `sockjs-as.example,sockjs=/sockjs,sockjs_as_path=/sockjs/other ${live},over_http`,
    'sockjs-dead.example,sockjs=/sockjs 127.0.0.1:1',
    'under.example,path_beg=/foo test',
    '* test',
    '',
  ].join('\n');
}

function writeFiles(folder: string, ports: readonly number[], originPort: number): string {
  const [http, control, pull, sub, command] = ports;
  for (const name of ['run', 'log']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'routes'), routes(originPort));
  const file = join(folder, 'pushpin.conf');
  const zurl = 'ipc://{rundir}/{ipc_prefix}zurl';
  writeFileSync(
    file,
    `[global]
include={libdir}/internal.conf
rundir=${folder}/run
ipc_prefix=d-
port_offset=0

[runner]
services=condure,zurl,pushpin-proxy,pushpin-handler
http_port=127.0.0.1:${http}
logdir=${folder}/log
log_level=2
client_buffer_size=8192
client_maxconn=500

[proxy]
routesfile=routes
debug=false
auto_cross_origin=false
set_x_forwarded_protocol=proto-only
sig_iss=pushpin
sig_key=changeme
zurl_out_specs=${zurl}-in
zurl_out_stream_specs=${zurl}-in-stream
zurl_in_specs=${zurl}-out

[handler]
push_in_spec=tcp://127.0.0.1:${pull}
push_in_sub_specs=tcp://127.0.0.1:${sub}
push_in_http_addr=127.0.0.1
push_in_http_port=${control}
command_spec=tcp://127.0.0.1:${command}
stats_spec=ipc://{rundir}/{ipc_prefix}stats
message_rate=0
message_hwm=0
message_wait=5000
id_cache_ttl=60
connection_subscription_max=20
subscription_linger=60
`,
  );
  return file;
}

/**
 * Serving means more than listening: the processes of the original find each other some time later, and messages between
 * them are lost until then. So each way through is tried until it gives its answer.
 */
async function untilServing(doors: Doors, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_PATIENCE * 1000;
  const ways = [
    () => exchange(doors.controlPort, 'GET / HTTP/1.1\r\nHost: control\r\nConnection: close\r\n\r\n', 'API'),
    () => exchange(doors.httpPort, 'GET / HTTP/1.1\r\nHost: ready.test\r\n\r\n', 'test handler'),
    () => exchange(doors.httpPort, 'GET /ready HTTP/1.1\r\nHost: plain.example\r\n\r\n', 'no case'),
    () => streamOnce(doors),
  ];
  for (const way of ways) {
    for (;;) {
      try {
        await way();
        break;
      } catch (cause) {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error('the process ended', { cause });
        if (Date.now() > deadline) throw new Error('no answer in time', { cause });
        // Nothing tells when a foreign process opens its port; this is the pace of asking.
        await pause(25);
      }
    }
  }
}

async function exchange(port: number, request: string, expected: string): Promise<void> {
  const wire = await connect('start', port);
  try {
    wire.send(request);
    await wire.until(expected, 1);
  } finally {
    wire.drop();
  }
}

async function streamOnce(doors: Doors): Promise<void> {
  const wire = await connect('start', doors.httpPort);
  try {
    wire.send('GET /stream?channel=ready HTTP/1.1\r\nHost: ready.test\r\n\r\n');
    await wire.until('[stream opened]', 1);
    const deadline = Date.now() + 1000;
    while (!wire.has(PROBE_TEXT) && Date.now() < deadline) {
      await publishItems(doors.controlPort, [{ channel: 'ready', 'http-stream': { content: PROBE_TEXT } }]);
    }
    await wire.until(PROBE_TEXT, 1);
  } finally {
    wire.drop();
  }
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const deadline = Date.now() + 6000;
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  while (groupLives(child) && Date.now() < deadline) await pause(25);
  signalGroup(child, 'SIGKILL');
}

function groupLives(child: ChildProcess): boolean {
  return signalGroup(child, 0);
}

/** False when nothing of the group is left. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (child.pid === undefined) return false;
  try {
    return process.kill(-child.pid, signal);
  } catch {
    return false;
  }
}
