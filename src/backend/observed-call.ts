/** A request to an origin on behalf of a client that is watched: its steps are announced, its bytes counted. */
import { headerBytes, responseHeadBytes } from '../observe/stats/traffic.js';
import { type OriginPurpose, type OriginStep, steps } from '../observe/steps.js';
import type { Visit } from '../observe/visit.js';
import { type HeaderList, setHeader } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import type { Target } from '../routes/route.js';
import type { AnswerCall, AnswerReceiver, Failure, HttpBackend, OriginRequest } from './verdict.js';

const NOTHING = Buffer.alloc(0);

/** Where it goes, and for whom. */
export interface ObservedWay {
  readonly backend: HttpBackend;
  readonly target: Target;
  /** Undefined: nobody watches. */
  readonly visit: Visit | undefined;
  readonly purpose: OriginPurpose;
}

/** Sends a request the way of its backend. */
export function sendObserved(
  { backend, target, visit, purpose }: ObservedWay,
  request: OriginRequest,
  receiver: AnswerReceiver,
): AnswerCall {
  if (visit === undefined) return backend.send(request, target, receiver);
  const call = new ObservedCall(visit, purpose, target, request, receiver);
  return call.start(backend, target, request);
}

/** The step of a request, announced; `headers` gets what listeners set. */
export function beginStep(
  visit: Visit,
  purpose: OriginPurpose,
  target: Target,
  { method, uri, headers }: { readonly method: string; readonly uri: string; readonly headers: HeaderList },
): OriginStep {
  const origin = { request: visit.request, purpose, target: target.name, method, uri };
  if (steps['origin:start'].hasSubscribers) {
    const set = (name: string, value: string | undefined): void => setHeader(headers, name, value);
    steps['origin:start'].publish({ origin, setHeader: set });
  }
  return origin;
}

class ObservedCall implements AnswerReceiver, AnswerCall {
  private readonly origin: OriginStep;
  private readonly headers: HeaderList;
  private call: AnswerCall | undefined = undefined;
  private size = 0;
  private over = false;

  constructor(
    private readonly visit: Visit,
    private readonly purpose: OriginPurpose,
    target: Target,
    request: OriginRequest,
    private readonly receiver: AnswerReceiver,
  ) {
    const { method, scheme, authority, path } = request;
    this.headers = [...request.headers];
    const uri = `${scheme}://${authority}${path}`;
    this.origin = beginStep(visit, purpose, target, { method, uri, headers: this.headers });
    // Events of a WebSocket are counted as its messages.
    if (purpose !== 'events') {
      visit.traffic.serverHeaderSent += method.length + path.length + headerBytes(this.headers);
    }
  }

  start(backend: HttpBackend, target: Target, request: OriginRequest): AnswerCall {
    const { headers } = this;
    const body = this.purpose === 'events' ? request.body : this.counted(request.body);
    this.call = backend.send({ ...request, headers, body }, target, this);
    return this;
  }

  head(code: number, reason: string, headers: HeaderList): void {
    if (steps['origin:head'].hasSubscribers) steps['origin:head'].publish({ origin: this.origin, code });
    if (this.purpose !== 'events') this.visit.traffic.serverHeaderReceived += responseHeadBytes(code, reason, headers);
    this.receiver.head(code, reason, headers);
  }

  data(chunk: Buffer): boolean {
    this.size += chunk.length;
    if (this.purpose !== 'events') this.visit.traffic.serverContentReceived += chunk.length;
    return this.receiver.data(chunk);
  }

  end(): void {
    if (!this.over && steps['origin:end'].hasSubscribers) {
      steps['origin:end'].publish({ origin: this.origin, size: this.size });
    }
    this.over = true;
    this.receiver.end();
  }

  failed(failure: Failure): void {
    this.fault(failure.kind);
    this.receiver.failed(failure);
  }

  cancel(): void {
    this.fault('cancelled');
    this.call?.cancel();
  }

  resume(): void {
    this.call?.resume();
  }

  private fault(fault: string): void {
    if (this.over) return;
    this.over = true;
    if (steps['origin:error'].hasSubscribers) steps['origin:error'].publish({ origin: this.origin, fault });
  }

  private counted(body: OriginRequest['body']): OriginRequest['body'] {
    const { traffic } = this.visit;
    if (Buffer.isBuffer(body)) {
      traffic.serverContentSent += body.length;
      return body;
    }
    const { parts, length } = body;
    return { parts: countedParts(parts, (bytes) => (traffic.serverContentSent += bytes)), length };
  }
}

async function* countedParts(parts: AsyncIterable<Buffer>, count: (bytes: number) => void): AsyncIterable<Buffer> {
  for await (const part of parts) {
    count(part.length);
    yield part;
  }
}

/** How a handshake for a WebSocket ended. */
export type HandshakeEnd =
  | { readonly kind: 'opened' }
  | { readonly kind: 'refused'; readonly response: CompleteResponse }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** The step of a handshake is over. */
export function endStep(origin: OriginStep, result: HandshakeEnd | 'cancelled'): void {
  if (result === 'cancelled' || result.kind === 'failed') {
    const fault = result === 'cancelled' ? result : result.failure.kind;
    if (steps['origin:error'].hasSubscribers) steps['origin:error'].publish({ origin, fault });
    return;
  }
  const { code, body } = result.kind === 'opened' ? { code: 101, body: NOTHING } : result.response;
  if (steps['origin:head'].hasSubscribers) steps['origin:head'].publish({ origin, code });
  if (steps['origin:end'].hasSubscribers) steps['origin:end'].publish({ origin, size: body.length });
}
