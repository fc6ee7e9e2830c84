/**
 * Debian's Pushpin as a link of a chain: started on free ports in a folder of its own with the routes and keys that a
 * test names, and ended with everything it started.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Watch } from './deadline.js';
import { freePorts } from './free-ports.js';
import { RawClient } from './raw-client.js';

export interface PushpinOptions {
  readonly routes: readonly string[];
  readonly sigKey?: string;
  readonly upstreamKey?: string;
  /** Stats in JSON on a port of its own, reported every second; otherwise nobody can hear them. */
  readonly stats?: boolean;
  /** Further lines of the section `[handler]`. */
  readonly handler?: readonly string[];
  /** Further lines of the section `[proxy]`. */
  readonly proxy?: readonly string[];
}

/** Milliseconds from the start to the first message through all of its processes. */
const START_PATIENCE = 25_000;
const READY = 'ready.invalid';
/** Goes to an origin of ours: what asks origins is a process of its own. */
const READY_ORIGIN = `origin.${READY}`;

/** What is published to its control port; formats as the control port takes them. */
export interface PublishedItem {
  readonly channel: string;
  readonly formats: Readonly<Record<string, unknown>>;
}

export class Pushpin {
  private output = '';
  private readonly watch = new Watch();

  private constructor(
    readonly port: number,
    private readonly controlPort: number,
    /** Where its REP socket is. */
    readonly commandPort: number,
    /** Where its stats are. */
    readonly statsPort: number,
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (bytes) => {
        this.output += String(bytes);
        this.watch.changed();
      });
    }
    child.on('error', (error) => {
      this.output += String(error);
    });
    process.once('exit', this.kill);
  }

  static async start(options: PushpinOptions): Promise<Pushpin> {
    const folder = mkdtempSync(join(tmpdir(), 'chain-'));
    const ports = await freePorts(6);
    const [port = 0, controlPort = 0, , , commandPort = 0, statsPort = 0] = ports;
    const origin = createServer((_request, response) => void response.end('ready'));
    await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
    const { port: originPort } = origin.address() as AddressInfo;
    const routes = [`${READY} test`, `${READY_ORIGIN} 127.0.0.1:${originPort}`, ...options.routes];
    const config = writeFiles(folder, ports, { ...options, routes });
    // A process group of its own makes it possible to end exactly what this process started.
    const child = spawn('pushpin', ['-m', '--config', config], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      cwd: folder,
    });
    const pushpin = new Pushpin(port, controlPort, commandPort, statsPort, folder, child);
    try {
      await pushpin.untilServing();
    } catch (cause) {
      await pushpin.stop();
      throw new Error(`pushpin did not start:\n${pushpin.output}`, { cause });
    } finally {
      origin.close();
      origin.closeAllConnections();
    }
    return pushpin;
  }

  /** Publishes, and resolves when that was taken in. */
  async publish(...items: readonly PublishedItem[]): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${this.controlPort}/publish/`, {
      method: 'POST',
      body: JSON.stringify({ items }),
      headers: { Connection: 'close' },
    });
    if (!answer.ok) throw new Error(`not published: ${answer.status} ${await answer.text()}`);
    await answer.text();
  }

  /** Publishes again and again until `arrived`: nothing tells from outside that a hold has begun. */
  async publishUntil(what: string, arrived: () => boolean, item: PublishedItem): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!arrived()) {
      if (Date.now() > deadline) throw new Error(`${what} did not arrive through pushpin:\n${this.output}`);
      await this.publish(item);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** What its proxy and its handler have logged, as `LEVEL text`, without what was asked until it served. */
  get lines(): string[] {
    const lines = [...this.output.matchAll(/^\[(\w+)\] \S+ \S+ \[(?:proxy|handler)\] (.*)$/gm)];
    return lines.map(([, level, text]) => `${level} ${text}`).filter((line) => !line.includes(READY));
  }

  /** Resolves when `count` lines of its log contain `text`. */
  logs(text: string, count = 1): Promise<void> {
    return this.watch.until(
      `log line ${count} with "${text}" of pushpin`,
      () => this.lines.filter((line) => line.includes(text)).length >= count,
      () => `\n${this.lines.join('\n')}`,
    );
  }

  async stop(): Promise<void> {
    const deadline = Date.now() + 6_000;
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM');
    // The processes it started are not ours to wait for; they are gone when their group is empty.
    while (this.signalGroup(0) && Date.now() < deadline) await pause(25);
    this.kill();
    process.off('exit', this.kill);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private readonly kill = (): void => {
    this.signalGroup('SIGKILL');
  };

  /** False when nothing of the group is left. */
  private signalGroup(signal: NodeJS.Signals | 0): boolean {
    if (this.child.pid === undefined) return false;
    try {
      return process.kill(-this.child.pid, signal);
    } catch {
      return false;
    }
  }

  /** Its processes find each other some time after they listen; messages between them are lost until then. */
  private async untilServing(): Promise<void> {
    const deadline = Date.now() + START_PATIENCE;
    for (;;) {
      try {
        await this.streamOnce();
        await this.askOnce();
        return;
      } catch (cause) {
        if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error('it ended', { cause });
        if (Date.now() > deadline) throw new Error('nothing came through it in time', { cause });
        // Nothing tells when a foreign process opens its port; this is the pace of asking.
        await pause(50);
      }
    }
  }

  private async askOnce(): Promise<void> {
    const client = await RawClient.connect(this.port);
    const tooLate = setTimeout(() => client.close(), 1_000);
    try {
      client.write(`GET / HTTP/1.1\r\nHost: ${READY_ORIGIN}\r\nConnection: close\r\n\r\n`);
      const { status } = await client.readAnswer();
      if (status !== 200) throw new Error(`its origin is not reached: ${status}`);
    } finally {
      clearTimeout(tooLate);
      client.close();
    }
  }

  private async streamOnce(): Promise<void> {
    const client = await RawClient.connect(this.port);
    try {
      client.write(`GET /stream?channel=${READY} HTTP/1.1\r\nHost: ${READY}\r\n\r\n`);
      const deadline = Date.now() + 1_000;
      while (!client.pending.includes('{ready}')) {
        if (client.closed || Date.now() > deadline) throw new Error(`no stream yet: ${client.pending}`);
        await this.publish({ channel: READY, formats: { 'http-stream': { content: '{ready}' } } });
        await pause(10);
      }
    } finally {
      client.close();
    }
  }
}

function writeFiles(folder: string, ports: readonly number[], options: PushpinOptions): string {
  const [http, control, pull, sub, command, stats] = ports;
  for (const name of ['run', 'log']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'routes'), `${options.routes.join('\n')}\n`);
  const file = join(folder, 'pushpin.conf');
  const zurl = 'ipc://{rundir}/{ipc_prefix}zurl';
  writeFileSync(
    file,
    `[global]
include={libdir}/internal.conf
rundir=${folder}/run
ipc_prefix=c-
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
debug=true
sig_iss=pushpin
sig_key=${options.sigKey ?? ''}
upstream_key=${options.upstreamKey ?? ''}
${(options.proxy ?? []).join('\n')}
zurl_out_specs=${zurl}-in
zurl_out_stream_specs=${zurl}-in-stream
zurl_in_specs=${zurl}-out
stats_report_interval=1

[handler]
push_in_spec=tcp://127.0.0.1:${pull}
push_in_sub_specs=tcp://127.0.0.1:${sub}
push_in_http_addr=127.0.0.1
push_in_http_port=${control}
command_spec=tcp://127.0.0.1:${command}
stats_spec=${options.stats === true ? `tcp://127.0.0.1:${stats}` : 'ipc://{rundir}/{ipc_prefix}stats'}
stats_format=json
stats_report_interval=1
message_rate=0
message_hwm=0
message_wait=5000
id_cache_ttl=60
connection_subscription_max=20
subscription_linger=60
${(options.handler ?? []).map((line) => `${line}\n`).join('')}`,
  );
  return file;
}
