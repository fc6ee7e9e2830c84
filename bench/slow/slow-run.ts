/** Streams of which some are never read, published to at full rate: what the others notice, and what becomes of the slow. */
import { setTimeout as pause } from 'node:timers/promises';
import { Clients, shareOf } from '../clients.js';
import { micros } from '../clock.js';
import { memoryUse } from '../measure/memory.js';
import { Meter } from '../measure/meter.js';
import { FanOutRun } from '../scenarios/fan-out-run.js';
import { holdsShare } from '../scenarios/holds.js';
import { httpPublisher } from '../scenarios/publisher.js';
import { faultsOf } from '../scenarios/scenario.js';
import { startOrigin } from '../servers/origin-process.js';
import type { Processes, RunningProcess } from '../servers/processes.js';
import type { Counted, Listening } from './library-process.js';

export interface SlowOptions {
  readonly streams: number;
  /** Those that read nothing after the head. */
  readonly slow: number;
  readonly seconds: number;
  readonly clients: number;
  readonly messageBytes: number;
  readonly outboxBytes: number;
}

export interface SlowSample {
  /** Seconds since publishing began. */
  readonly at: number;
  /** kB. */
  readonly pss: number;
  readonly streams: number;
  readonly outboxFull: number;
}

export interface SlowResult {
  readonly slow: number;
  readonly published: number;
  /** Microseconds from a publish to the last of those that read. */
  readonly lastP50: number | undefined;
  readonly lastP99: number | undefined;
  readonly samples: readonly SlowSample[];
  /** Slow clients that found their connection closed. */
  readonly closed: number;
  readonly counted: Counted;
  readonly faults: Readonly<Record<string, number>>;
}

const MODULE = new URL('./library-process.js', import.meta.url);
const CHANNEL = 'slow';
const WINDOW = 8;
const INTERVAL = 1_000;
/** Milliseconds in which a slow client that reads again finds out that it was closed. */
const FIND_OUT = 3_000;
/** CPU seconds. */
const WARM_UP = 1;

export async function slowRun(processes: Processes, options: SlowOptions): Promise<SlowResult> {
  try {
    const origin = await startOrigin(processes);
    const server = processes.fork(MODULE, [String(origin), String(options.outboxBytes)]);
    const listening = (await answerOf(server)) as Listening;
    const clients = new Clients(processes, options.clients);
    return await measure(server, listening, clients, options);
  } finally {
    await processes.stopAll();
  }
}

async function measure(
  server: RunningProcess,
  { http, control }: Listening,
  clients: Clients,
  options: SlowOptions,
): Promise<SlowResult> {
  const ports = { http, control, pull: 0 };
  const { streams, slow, messageBytes, seconds } = options;
  await clients.start(ports, (index, count) =>
    holdsShare(streams, index, count, {
      transport: 'stream',
      channels: { prefix: CHANNEL, own: false },
      messageBytes,
      unread: shareOf(slow, index, count),
    }),
  );
  const publisher = httpPublisher(ports);
  const run = new FanOutRun(clients, publisher, {
    channel: CHANNEL,
    format: 'http-stream',
    messageBytes,
    parts: clients.count,
    from: 0,
  });
  await run.windowed(new Meter(server.pid).warmUp(WARM_UP), WINDOW);
  run.mark();
  const samples: SlowSample[] = [];
  const start = micros();
  const publishing = run.windowed(pause(seconds * 1_000), WINDOW);
  let over = false;
  void publishing.finally(() => {
    over = true;
  });
  while (!over) {
    const { streams: held, outboxFull } = await countersOf(server);
    samples.push({ at: (micros() - start) / 1e6, pss: memoryUse(server.pid).pss, streams: held, outboxFull });
    await pause(INTERVAL);
  }
  await publishing;
  publisher.close();
  const counted = await countersOf(server);
  const total = await clients.all({ kind: 'report' });
  await clients.all({ kind: 'change', change: { kind: 'read' } });
  await pause(slow === 0 ? 0 : FIND_OUT);
  const end = await clients.all({ kind: 'report' });
  await clients.all({ kind: 'stop' });
  return {
    slow,
    published: run.published,
    lastP50: run.last.percentile(0.5),
    lastP99: run.last.percentile(0.99),
    samples,
    closed: end.count('slow closed'),
    counted,
    faults: { ...faultsOf(total), ...run.faults },
  };
}

async function countersOf(server: RunningProcess): Promise<Counted> {
  const answer = answerOf(server);
  server.child.send({ kind: 'count' });
  return (await answer) as Counted;
}

function answerOf(server: RunningProcess): Promise<unknown> {
  const { child } = server;
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error(`the server ${server.ending ?? 'ended'}: ${server.output.trim()}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message);
    });
  });
}
