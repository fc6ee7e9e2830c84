/**
 * The private HTTP port for those who watch: metrics, whether the process lives, whether it serves. Each answer ends its
 * connection, as the original's does (specification 14.2), so that nobody keeps one of the few.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { HoldfastError } from '../../errors/holdfast-error.js';
import type { ReadableRate } from '../../observe/readable-rate.js';
import { listenOn } from '../../sockets/open-sockets.js';
import { listenAt } from '../../sockets/unix-socket.js';

export const MAX_CONNECTIONS = 16;
const MAX_HEAD_BYTES = 8_192;
/** Milliseconds that a request may take to come in, and that a connection may stay without traffic. */
const PATIENCE = 10_000;
/** Looks for requests that take too long, in that time. */
const LOOKS = 10;

const SETTING = 'metrics.listen';
const HINT = 'metrics are at /metrics, health at /healthz, readiness at /readyz\n';
const TEXT = 'text/plain; charset=utf-8';

export type WatchAddress = { readonly host: string; readonly port: number } | { readonly path: string };

export interface Page {
  readonly type: string;
  readonly text: string;
}

export interface MetricsServerParts {
  readonly warnings: ReadableRate;
  readonly metrics: () => Promise<Page>;
  /** Why clients are not served, one line each; none: they are. */
  readonly troubles: () => readonly string[];
  /** Milliseconds that a request may take to come in; default 10,000. */
  readonly patience?: number;
}

export class MetricsServer {
  private readonly server: Server;

  constructor(private readonly parts: MetricsServerParts) {
    const { warnings, patience = PATIENCE } = parts;
    this.server = createServer(
      {
        maxHeaderSize: MAX_HEAD_BYTES,
        headersTimeout: patience,
        requestTimeout: patience,
        connectionsCheckingInterval: patience / LOOKS,
      },
      (request, response) => void this.answer(request, response),
    );
    this.server.maxConnections = MAX_CONNECTIONS;
    this.server.setTimeout(patience, (socket) => socket.destroy());
    this.server.on('drop', () => {
      warnings.warn('metrics-connections', `metrics: closed a connection at once: ${MAX_CONNECTIONS} are open`);
    });
  }

  /**
   * Resolves with the address that is listened on; port 0 lets the system choose.
   * @throws HoldfastError HOLDFAST_LISTEN_FAILED naming the setting
   */
  async listen(address: WatchAddress): Promise<WatchAddress> {
    const { warnings } = this.parts;
    if ('port' in address) return listenOn(this.server, address, { setting: SETTING, warnings });
    try {
      await listenAt(this.server, address.path);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const text = `cannot listen on ipc://${address.path} (setting ${SETTING}): ${why}`;
      throw new HoldfastError('HOLDFAST_LISTEN_FAILED', text, { cause: error });
    }
    this.server.on('error', ({ message }) => warnings.warn('metrics-accept', `metrics: cannot accept: ${message}`));
    return address;
  }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private async answer({ method, url = '/' }: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('Connection', 'close');
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      write(response, 405, `Method not allowed: ${method}.\n`);
      return;
    }
    switch (url.split('?', 1)[0]) {
      case '/':
      case '/metrics':
        await this.answerMetrics(response);
        return;
      case '/healthz':
        write(response, 200, 'ok\n');
        return;
      case '/readyz': {
        const troubles = this.parts.troubles();
        if (troubles.length === 0) write(response, 200, 'ready\n');
        else write(response, 503, troubles.map((trouble) => `${trouble}\n`).join(''));
        return;
      }
      default:
        write(response, 404, `Not Found: ${HINT}`);
    }
  }

  private async answerMetrics(response: ServerResponse): Promise<void> {
    try {
      const { type, text } = await this.parts.metrics();
      write(response, 200, text, type);
    } catch (error) {
      this.parts.warnings.warn('metrics-failed', `metrics: they cannot be written: ${String(error)}`);
      write(response, 500, 'The metrics cannot be written; the log says why.\n');
    }
  }
}

function write(response: ServerResponse, code: number, text: string, type = TEXT): void {
  response.writeHead(code, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
