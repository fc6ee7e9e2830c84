/**
 * Every metric: its name, its meaning, and where its value is found. The first five are Pushpin's, with its texts
 * (specification 14.2); docs/operations.md says what to do with them all.
 */
import type { Latencies } from '../../observe/histogram.js';
import type { ProcessReading, Reading } from '../../observe/reading.js';
import { CLIENT_STATES, TRANSPORTS } from '../../observe/survey.js';

export type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [labels: Labels, value: number];

interface Named {
  readonly name: string;
  readonly help: string;
}

export type Metric =
  | (Named & {
      readonly type: 'counter' | 'gauge';
      readonly labels: readonly string[];
      readonly samples: (reading: Reading) => readonly Sample[];
    })
  | (Named & { readonly type: 'histogram'; readonly latencies: (reading: Reading) => Latencies });

const NO_LABELS: Labels = {};

/** The names that Pushpin has too; `metrics.prefix` stands before them. */
export const PUSHPIN_METRICS: readonly Metric[] = [
  counter('request_received', 'Number of requests received', ({ counters }) => counters.requests),
  gauge('connection_connected', 'Number of concurrent connections', ({ counters }) => counters.openConnections),
  counter(
    'connection_minute',
    'Number of minutes clients have been connected',
    ({ counters }) => counters.connectionMinutes,
  ),
  counter('message_received', 'Number of messages received by the publish API', ({ counters }) => counters.published),
  counter('message_sent', 'Number of messages sent to clients', ({ counters }) => counters.delivered),
];

export const OWN_METRICS: readonly Metric[] = [
  gauge('holdfast_ready', 'Whether clients are served: 1 when /readyz answers 200', ({ ready }) => (ready ? 1 : 0)),
  gauge('holdfast_uptime_seconds', 'Seconds since the start', ({ uptime }) => uptime),
  gauge('holdfast_routes', 'Routes in force', ({ routes }) => routes),
  {
    type: 'gauge',
    name: 'holdfast_connections',
    help: 'Open client connections by transport and by what they are busy with',
    labels: ['transport', 'state'],
    samples: ({ processes }) =>
      TRANSPORTS.flatMap((transport) =>
        CLIENT_STATES.map((state): Sample => {
          const open = sumOver(processes, ({ survey }) => survey?.clients[transport][state]);
          return [{ transport, state }, open];
        }),
      ),
  },
  counters(
    'holdfast_connections_accepted_total',
    'Client connections accepted',
    'transport',
    (reading) => reading.counters.acceptedConnections,
  ),
  counter(
    'holdfast_connections_refused_total',
    'Client connections closed at once because http.max_connections were open',
    (reading) => reading.counters.refusedConnections,
  ),
  counters(
    'holdfast_requests_total',
    'Requests of clients by what they speak; a WebSocket is one',
    'transport',
    (reading) => reading.counters.requestsBy,
  ),
  counter(
    'holdfast_request_errors_total',
    'Requests answered with an error of our own',
    (reading) => reading.counters.requestErrors,
  ),
  counter(
    'holdfast_bad_requests_total',
    'What clients sent that was no acceptable HTTP or WebSocket',
    (reading) => reading.counters.badRequests,
  ),
  gauges('holdfast_holds', 'Clients held by mode', 'mode', (reading) => reading.counters.holds),
  gauge('holdfast_channels', 'Open channels', (reading) => reading.channels),
  gauges(
    'holdfast_subscriptions',
    'Subscriptions of holds to channels by mode',
    'mode',
    (reading) => reading.counters.subscriptions,
  ),
  counters(
    'holdfast_published_items_total',
    'Items published by the way they came in',
    'way',
    (reading) => reading.counters.publishedBy,
  ),
  counters(
    'holdfast_unheard_items_total',
    'Items published that nobody was subscribed to by the way they came in',
    'way',
    (reading) => reading.counters.unheard,
  ),
  counter('holdfast_delivered_items_total', 'Items written to clients', (reading) => reading.counters.delivered),
  counters(
    'holdfast_dropped_items_total',
    'Items and deliveries that went nowhere by reason',
    'reason',
    (reading) => reading.counters.dropped,
  ),
  {
    type: 'histogram',
    name: 'holdfast_publish_to_write_seconds',
    help: 'From taking an item in until it was written to its last subscriber',
    latencies: (reading) => reading.counters.publishLatencies,
  },
  counters(
    'holdfast_origin_requests_total',
    'Requests to origins by the class of the answer, or by what went wrong before there was one',
    'result',
    (reading) => reading.counters.originResults,
  ),
  gauge(
    'holdfast_origin_requests_open',
    'Requests to origins whose answer has not begun',
    (reading) => reading.counters.openOriginRequests,
  ),
  counter(
    'holdfast_origin_answers_broken_total',
    'Answers of origins that broke off after their head',
    (reading) => reading.counters.brokenAnswers,
  ),
  {
    type: 'histogram',
    name: 'holdfast_origin_head_seconds',
    help: 'From a request to an origin until the head of its answer',
    latencies: (reading) => reading.counters.originLatencies,
  },
  gauge(
    'holdfast_zhttp_sessions',
    'Open sessions with ZeroMQ handlers of zhttp targets',
    (reading) => reading.counters.zhttpSessions,
  ),
  counters(
    'holdfast_pinghub_messages_total',
    'Messages that the built-in Pinghub took by what they were',
    'kind',
    ({ counters: { pinghub } }) => ({ post: pinghub.posts, socket: pinghub.messages, empty: pinghub.echoes }),
  ),
  gauge('holdfast_outbox_bytes', 'Bytes that wait for clients to take them', ({ processes }) =>
    sumOver(processes, ({ survey }) => survey?.outboxBytes),
  ),
  ofProcesses(
    'gauge',
    'holdfast_event_loop_lag_seconds',
    'How late the event loop was in the last 15 to 30 seconds',
    'quantile',
    ({ lag }) => ({ '0.5': lag.median, '0.99': lag.high, '1': lag.most }),
  ),
  ofProcesses('counter', 'holdfast_process_cpu_seconds_total', 'Time of a processor used', 'mode', ({ cpu }) => cpu),
  ofProcesses('gauge', 'holdfast_process_memory_bytes', 'Memory by kind', 'kind', ({ memory }) => ({
    rss: memory.rss,
    heap_total: memory.heapTotal,
    heap_used: memory.heapUsed,
    external: memory.external,
    array_buffers: memory.arrayBuffers,
  })),
  gauges('holdfast_workers', 'Worker processes; 0 where one process does everything', 'state', ({ workers }) => ({
    configured: workers.configured,
    serving: workers.serving,
  })),
  counter(
    'holdfast_worker_restarts_total',
    'Worker processes that were started again',
    ({ workers }) => workers.restarts,
  ),
  gauges(
    'holdfast_worker_queue_bytes',
    'Bytes that a worker has not taken from the main process',
    'process',
    (reading) => Object.fromEntries(reading.workers.queuedBytes),
  ),
];

type Numbers = Readonly<Record<string, number>>;

function counter(name: string, help: string, value: (reading: Reading) => number): Metric {
  return { type: 'counter', name, help, labels: [], samples: (reading) => [[NO_LABELS, value(reading)]] };
}

function gauge(name: string, help: string, value: (reading: Reading) => number): Metric {
  return { type: 'gauge', name, help, labels: [], samples: (reading) => [[NO_LABELS, value(reading)]] };
}

function counters(name: string, help: string, label: string, values: (reading: Reading) => Numbers): Metric {
  return { type: 'counter', name, help, labels: [label], samples: (reading) => labelled(label, values(reading)) };
}

function gauges(name: string, help: string, label: string, values: (reading: Reading) => Numbers): Metric {
  return { type: 'gauge', name, help, labels: [label], samples: (reading) => labelled(label, values(reading)) };
}

function labelled(label: string, values: Numbers): Sample[] {
  return Object.entries(values).map(([key, value]) => [{ [label]: key }, value]);
}

/** A metric that each process has values of its own for. */
function ofProcesses(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  label: string,
  values: (vitals: ProcessReading['vitals']) => Numbers,
): Metric {
  return {
    type,
    name,
    help,
    labels: ['process', label],
    samples: ({ processes }) =>
      [...processes].flatMap(([process, { vitals }]) =>
        Object.entries(values(vitals)).map(([key, value]): Sample => [{ process, [label]: key }, value]),
      ),
  };
}

function sumOver(processes: Reading['processes'], value: (process: ProcessReading) => number | undefined): number {
  let sum = 0;
  for (const process of processes.values()) sum += value(process) ?? 0;
  return sum;
}
