/** The same pushpin.conf for every server under test: loopback, no limits of rate, no log line for each request. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ConfPorts {
  readonly http: number;
  readonly control: number;
  readonly pull: number;
  readonly sub: number;
  readonly command: number;
  readonly origin: number;
}

/** Held clients; the limit on descriptors is what bounds them. */
const MOST_CLIENTS = 1_000_000;

/**
 * Writes pushpin.conf and its routes into `folder`.
 * @param original - for the original: its own outgoing client, and as many clients as its descriptors allow
 * @returns the path of the file
 */
export function writeConf(
  folder: string,
  ports: ConfPorts,
  original: { readonly maxClients: number } | undefined,
): string {
  for (const name of ['run', 'log']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'routes'), `* 127.0.0.1:${ports.origin},over_http\n`);
  const zurl = 'ipc://{rundir}/{ipc_prefix}zurl';
  const lines = [
    '[global]',
    ...(original === undefined ? [] : ['include={libdir}/internal.conf']),
    `rundir=${folder}/run`,
    'ipc_prefix=b-',
    'port_offset=0',
    '[runner]',
    `services=${original === undefined ? 'connmgr,proxy,handler' : 'condure,zurl,pushpin-proxy,pushpin-handler'}`,
    `http_port=127.0.0.1:${ports.http}`,
    `logdir=${folder}/log`,
    'log_level=1',
    'client_buffer_size=8192',
    `client_maxconn=${original?.maxClients ?? MOST_CLIENTS}`,
    '[proxy]',
    'routesfile=routes',
    'sig_key=changeme',
    ...(original === undefined
      ? []
      : [`zurl_out_specs=${zurl}-in`, `zurl_out_stream_specs=${zurl}-in-stream`, `zurl_in_specs=${zurl}-out`]),
    '[handler]',
    `push_in_spec=tcp://127.0.0.1:${ports.pull}`,
    `push_in_sub_specs=tcp://127.0.0.1:${ports.sub}`,
    'push_in_http_addr=127.0.0.1',
    `push_in_http_port=${ports.control}`,
    ...(original === undefined
      ? []
      : [`command_spec=tcp://127.0.0.1:${ports.command}`, 'stats_spec=ipc://{rundir}/{ipc_prefix}stats']),
    'message_rate=0',
    'message_hwm=0',
  ];
  const file = join(folder, 'pushpin.conf');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}
