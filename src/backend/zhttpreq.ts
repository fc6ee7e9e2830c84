/**
 * Handlers on ZeroMQ (specification 9.3): a DEALER is bound to the address of the route, workers connect REP (or ROUTER)
 * sockets to it, and each request is one message out and one message back.
 */
import { randomUUID } from 'node:crypto';
import type { Dealer } from 'zeromq';
import { HoldfastError } from '../errors/holdfast-error.js';
import type { Counters } from '../observe/counters.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import type { HeaderList } from '../protocol/headers.js';
import { reasonOf } from '../protocol/status-reasons.js';
import { decodeZhttpResponse, encodeZhttpRequest } from '../protocol/zhttp.js';
import type { Target } from '../routes/route.js';
import { Timed, type Wheel } from '../time/wheel.js';
import { bindSocket } from '../zeromq/bind.js';
import type { ZeroMq } from '../zeromq/load-zeromq.js';
import { receiveAll } from '../zeromq/receive-all.js';
import { MAX_MESSAGE, RouteSockets, type RouteSocketsParts } from './route-sockets.js';
import { type SendingHandler, SendingQueue } from './sending-queue.js';
import type { AnswerCall, AnswerReceiver, Failure, HttpBackend, OriginRequest } from './verdict.js';
import { answerFrame } from './zhttp/answer-length.js';
import { failureOf } from './zhttp/conditions.js';
import { lengthHeader, targetFields } from './zhttp/target-fields.js';

/** Bytes of a request body and of an answer's. */
const MAX_BODY = 1_000_000;
/** Milliseconds without an answer. */
const TIMEOUT = 60_000;

const NOTHING = Buffer.alloc(0);

export interface ZhttpReqParts extends RouteSocketsParts {
  readonly zeromq: ZeroMq;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
  /** Goes into every packet as `from`. */
  readonly instanceId: string;
}

export class ZhttpReq implements HttpBackend {
  private readonly sockets: RouteSockets<BoundSocket>;

  constructor(private readonly parts: ZhttpReqParts) {
    this.sockets = new RouteSockets(parts, 'zhttpreq');
  }

  /** Binds the address of a `zhttpreq` target; several routes may share it. `fileMode`: permissions of an ipc file. */
  async bind(spec: string, wantedBy: string, fileMode?: number): Promise<void> {
    if (this.sockets.get(spec) !== undefined) return;
    const dealer = new this.parts.zeromq.Dealer({
      sendHighWaterMark: 100,
      receiveHighWaterMark: 101_000,
      maxMessageSize: MAX_MESSAGE,
      linger: 0,
    });
    await bindSocket(dealer, spec, wantedBy, fileMode);
    this.sockets.add(spec, new BoundSocket(spec, dealer, this.parts));
  }

  /** The routes have these addresses from now on; others are closed when nothing goes through them. */
  retain(specs: ReadonlySet<string>): void {
    this.sockets.retain(specs);
  }

  /** There are addresses that no route has any more, still bound. */
  get leaving(): boolean {
    return this.sockets.leaving;
  }

  send(request: OriginRequest, target: Target, receiver: AnswerReceiver): AnswerCall {
    const call = new ReqCall(receiver, this.parts.wheel, request.method);
    const socket = target.kind === 'zhttpreq' ? this.sockets.get(target.spec) : undefined;
    if (socket === undefined) queueMicrotask(() => call.fail({ kind: 'unreachable' }));
    else void this.dispatch(socket, request, target, call);
    return call;
  }

  async close(): Promise<void> {
    this.sockets.close();
  }

  private async dispatch(socket: BoundSocket, request: OriginRequest, target: Target, call: ReqCall): Promise<void> {
    let body: Buffer;
    try {
      body = await wholeBody(request.body);
    } catch {
      call.cancel();
      return;
    }
    if (body.length > MAX_BODY) {
      call.fail({ kind: 'other', detail: `the request body exceeds the ${MAX_BODY} bytes of zhttpreq` });
      return;
    }
    if (call.over) return;
    const id = randomUUID();
    const packet = encodeZhttpRequest({
      from: this.parts.instanceId,
      id,
      method: request.method,
      uri: `${request.scheme}://${request.authority}${request.path}`,
      headers: [['Host', request.authority], ...request.headers, ...lengthHeader(request.method, body.length)],
      ...(body.length > 0 ? { body } : {}),
      maxSize: MAX_BODY,
      ...targetFields(target),
    });
    socket.send(id, packet, call);
  }
}

/** A DEALER with the calls that wait for an answer on it. */
class BoundSocket implements SendingHandler {
  private readonly calls = new Map<string, ReqCall>();
  private readonly queue: SendingQueue;

  constructor(
    private readonly spec: string,
    private readonly dealer: Dealer,
    private readonly parts: ZhttpReqParts,
  ) {
    this.queue = new SendingQueue(dealer, this);
    void receiveAll(dealer, (frames) => this.accept(frames));
  }

  /** Requests that wait for their answer. */
  get size(): number {
    return this.calls.size;
  }

  send(id: string, packet: Buffer, call: ReqCall): void {
    const { calls, queue } = this;
    if (!queue.hasRoomFor(packet)) {
      this.parts.counters.dropped['queue-full'] += 1;
      this.parts.warnings.warn('zhttpreq-queue', () => {
        const waiting = `${queue.size} requests with ${queue.bytes} bytes wait for a worker`;
        return `zhttpreq/${this.spec}: ${waiting}, others are refused`;
      });
      call.fail({ kind: 'unreachable' });
      return;
    }
    calls.set(id, call);
    call.onOver = () => {
      calls.delete(id);
      queue.drop(id);
    };
    queue.add(id, packet);
  }

  sent(id: string): void {
    this.calls.get(id)?.wasSent();
  }

  refused(id: string): void {
    this.calls.get(id)?.fail({ kind: 'unreachable' });
  }

  close(): void {
    this.dealer.close();
    for (const call of [...this.calls.values()]) call.cancel();
  }

  private accept(frames: Buffer[]): void {
    const payload = frames.length === 2 && frames[0]?.length === 0 ? frames[1] : undefined;
    if (payload === undefined) {
      this.refuse(`a message with ${frames.length} parts`);
      return;
    }
    try {
      const packet = decodeZhttpResponse(payload);
      const call = typeof packet.id === 'string' ? this.calls.get(packet.id) : undefined;
      if (call === undefined) return;
      const { type, more, code, reason, headers = [], body = NOTHING } = packet;
      if (type === 'error') call.fail(failureOf(packet.condition));
      else if (type !== 'data' || more === true || code === undefined) {
        this.broken(call, 'an answer that is not one whole response');
      } else if (code < 200 || code > 999) this.broken(call, `an answer with the status ${code}`);
      else if (body.length > MAX_BODY) this.broken(call, `an answer of ${body.length} bytes, more than ${MAX_BODY}`);
      else call.complete(code, reason ?? reasonOf(code), headers, body);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.refuse(error.message);
    }
  }

  /** The worker has answered, with nothing that the client could get. */
  private broken(call: ReqCall, what: string): void {
    this.refuse(what);
    call.fail({ kind: 'other', detail: `zhttpreq/${this.spec}: ${what}` });
  }

  private refuse(what: string): void {
    this.parts.counters.dropped['invalid-item'] += 1;
    this.parts.warnings.warn('zhttpreq', `zhttpreq/${this.spec}: received an invalid packet, skipping: ${what}`);
  }
}

/** One request that waits for its answer. */
class ReqCall extends Timed implements AnswerCall {
  over = false;
  private sent = false;
  onOver: (() => void) | undefined = undefined;

  constructor(
    private readonly receiver: AnswerReceiver,
    private readonly wheel: Wheel,
    /** Of the request. */
    private readonly method: string,
  ) {
    super();
    wheel.start(this, TIMEOUT);
  }

  complete(code: number, reason: string, headers: HeaderList, body: Buffer): void {
    if (!this.finish()) return;
    const frame = answerFrame(this.method, code, headers, body.length);
    this.receiver.head(code, reason, frame.headers);
    if (body.length > 0 && !frame.bodiless) this.receiver.data(body);
    this.receiver.end();
  }

  fail(failure: Failure): void {
    if (this.finish()) this.receiver.failed(failure);
  }

  /** It does not wait for a worker any more, but for what one says. */
  wasSent(): void {
    this.sent = true;
  }

  cancel(): void {
    this.finish();
  }

  resume(): void {}

  onTime(): void {
    this.fail({ kind: 'unreachable', timedOut: this.sent });
  }

  private finish(): boolean {
    if (this.over) return false;
    this.over = true;
    this.wheel.stop(this);
    this.onOver?.();
    return true;
  }
}

/** Reads a body to its end, and a little beyond the limit of these handlers at most. */
export async function wholeBody(body: OriginRequest['body']): Promise<Buffer> {
  if (Buffer.isBuffer(body)) return body;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body.parts) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_BODY) break;
  }
  return Buffer.concat(chunks);
}
