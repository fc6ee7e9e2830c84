/** A receiver of spans: an HTTP server that takes what OTLP/HTTP sends it as JSON, and answers as the test says. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Opened } from './closing.js';
import { Watch } from './deadline.js';

type Value = string | number | boolean | undefined;

/** A span as it came, its attributes by name. */
export interface ReceivedSpan {
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'other';
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it has none. */
  readonly parentId: string;
  readonly attributes: Readonly<Record<string, Value>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, Value>> }[];
  /** Ids of the spans it is linked to. */
  readonly links: readonly string[];
  readonly failed: boolean;
  /** Of the process that made it. */
  readonly resource: Readonly<Record<string, Value>>;
}

interface Attribute {
  readonly key: string;
  readonly value: { stringValue?: string; intValue?: number | string; boolValue?: boolean; doubleValue?: number };
}

interface SentSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes?: readonly Attribute[];
  readonly events?: readonly { readonly name: string; readonly attributes?: readonly Attribute[] }[];
  readonly links?: readonly { readonly spanId: string }[];
  readonly status?: { readonly code?: number };
}

interface SentTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

const KINDS = ['other', 'internal', 'server', 'client', 'producer'] as const;
const FAILED = 2;

export class SpanReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** Heads of the requests, in order. */
  readonly requests: { readonly url: string; readonly headers: IncomingMessage['headers'] }[] = [];
  /** Answers what comes from now on; what it answers otherwise than with 200 is not taken. */
  answer: (response: ServerResponse) => void = takes;
  private readonly watch = new Watch();
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
    server.on('request', (incoming, response) => {
      this.take(incoming, response).catch(() => response.destroy());
    });
  }

  static async start(opened: Opened): Promise<SpanReceiver> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return opened.add(new SpanReceiver(server), (one) => one.stop());
  }

  /** What `tracing.otlp_endpoint` is set to. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The spans with this name, once there are so many. */
  async named(name: string, count = 1): Promise<ReceivedSpan[]> {
    const found = (): ReceivedSpan[] => this.spans.filter((span) => span.name === name);
    const seen = (): string => `; there are ${JSON.stringify(this.spans.map((span) => span.name))}`;
    await this.watch.until(`span ${name} (${count})`, () => found().length >= count, seen);
    return found();
  }

  /** The first span with this name. */
  async one(name: string): Promise<ReceivedSpan> {
    const [span] = await this.named(name);
    if (span === undefined) throw new Error('unreachable');
    return span;
  }

  /** Resolves when so many requests have come. */
  async asked(count: number): Promise<void> {
    await this.watch.until(`request ${count} at the receiver`, () => this.requests.length >= count);
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private async take(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    this.requests.push({ url: incoming.url ?? '', headers: incoming.headers });
    this.answer(response);
    if (response.statusCode === 200 && response.writableEnded) {
      this.spans.push(...spansOf(JSON.parse(Buffer.concat(chunks).toString()) as SentTraces));
    }
    this.watch.changed();
  }
}

function takes(response: ServerResponse): void {
  response.setHeader('Content-Type', 'application/json').end('{}');
}

function spansOf({ resourceSpans }: SentTraces): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => received(span, byName(resource.attributes)))),
  );
}

function received(span: SentSpan, resource: ReceivedSpan['resource']): ReceivedSpan {
  const { name, traceId, spanId, parentSpanId: parentId = '', attributes, events = [], links = [], status } = span;
  return {
    ...{ name, traceId, spanId, parentId, resource },
    kind: KINDS[span.kind] ?? 'other',
    attributes: byName(attributes),
    events: events.map((event) => ({ name: event.name, attributes: byName(event.attributes) })),
    links: links.map((link) => link.spanId),
    failed: status?.code === FAILED,
  };
}

function byName(attributes: readonly Attribute[] = []): Record<string, Value> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain({ stringValue, intValue, boolValue, doubleValue }: Attribute['value']): Value {
  return stringValue ?? (intValue === undefined ? undefined : Number(intValue)) ?? boolValue ?? doubleValue;
}
