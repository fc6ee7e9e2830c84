/** What the log says at the start, in plain words: who listens where, which routes are in force, what to try next. */
import type { ListenAddress, Settings } from '../config/settings.js';
import type { Running } from '../runtime/holdfast.js';
import { workerCount } from '../runtime/workers/several-processes.js';

const WELL_KNOWN_KEY = 'changeme';

export function startupLines(version: string, source: string, settings: Settings, holdfast: Running): string[] {
  const { http, unix, control, pull, sub, rep, stats, metrics } = holdfast.addresses;
  const { file, lines: given } = settings.routes;
  const lines = [`Holdfast ${version}, settings from ${source}`];
  for (const address of http) lines.push(`clients: listening on http://${authority(address)}`);
  for (const path of unix) lines.push(`clients: listening on ${path}`);
  const workers = workerCount(settings);
  if (workers > 1) lines.push(`workers: ${workers} processes serve clients`);
  lines.push(
    control === undefined
      ? 'control port: off (control.listen)'
      : `control port: publish with POST http://${authority(control)}/publish/`,
  );
  for (const spec of pull) lines.push(`ZeroMQ PULL: publish to ${spec}`);
  for (const spec of sub)
    lines.push(`ZeroMQ SUB: ${settings.zeromq.subConnect ? 'connected to' : 'publish by topic to'} ${spec}`);
  for (const spec of rep) lines.push(`ZeroMQ REP: send commands to ${spec}`);
  for (const spec of stats) lines.push(`ZeroMQ PUB: stats at ${spec}`);
  if (metrics !== undefined) {
    const where = 'path' in metrics ? `ipc://${metrics.path}, path ` : `http://${authority(metrics)}`;
    lines.push(`metrics: ${where}/metrics, and beside it /healthz and /readyz`);
  }
  const count = holdfast.routeCount;
  const where = file === undefined ? `given on the command line (${given.length} lines)` : `from ${file}`;
  lines.push(`routes: ${count} ${count === 1 ? 'route' : 'routes'} ${where}`);
  if (settings.proxy.sigKey === WELL_KNOWN_KEY) {
    lines.push(
      `requests to origins are signed with the well-known key "${WELL_KNOWN_KEY}": set proxy.sig_key to a secret`,
    );
  }
  const [first] = http;
  if (first !== undefined) lines.push(`try: curl -i http://${authority({ ...first, host: reachable(first.host) })}/`);
  return lines;
}

function authority({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** An address of this machine for one that stands for all of them. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? 'localhost' : host;
}
