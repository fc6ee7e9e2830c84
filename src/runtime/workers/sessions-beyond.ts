/**
 * SockJS sessions as a worker reaches those of others, and serves its own to them. Which worker has a session is a
 * function of its id and the number of workers: nobody has to be asked.
 */
import type { ClientExchange, ResponseHead } from '../../hold/client-connection.js';
import type { CompleteResponse } from '../../protocol/instruct.js';
import type { HandedRequest, SockjsElsewhere } from '../../proxy/sockjs/elsewhere.js';
import type { MainMessage } from './messages.js';
import type { WorkerBus } from './worker-uplink.js';

/** FNV-1a, 32 bits. */
const OFFSET_BASIS = 0x811c_9dc5;
const PRIME = 0x0100_0193;

/** Number of the worker that has a session, counted from 0. */
export function ownerOf(session: string, workers: number): number {
  let hash = OFFSET_BASIS;
  for (let at = 0; at < session.length; at += 1) hash = Math.imul(hash ^ session.charCodeAt(at), PRIME) >>> 0;
  return hash % workers;
}

export class SessionsBeyond implements SockjsElsewhere {
  private readonly asked = new Map<number, (response: CompleteResponse | undefined) => void>();
  private readonly serving = new Map<number, HandedExchange>();
  private lastId = 0;

  /**
   * @param number - of this worker, counted from 0
   * @param serve - serves what another worker has handed over
   */
  constructor(
    private readonly bus: WorkerBus,
    private readonly number: number,
    private readonly workers: number,
    private readonly serve: (request: HandedRequest, exchange: ClientExchange) => void,
  ) {}

  has(session: string): boolean {
    return ownerOf(session, this.workers) !== this.number;
  }

  ask(session: string, request: HandedRequest, done: (response: CompleteResponse | undefined) => void): () => void {
    this.lastId += 1;
    const id = this.lastId;
    this.asked.set(id, done);
    this.bus.send({ kind: 'elsewhere', id, owner: ownerOf(session, this.workers), request });
    return () => {
      if (this.asked.delete(id)) this.bus.send({ kind: 'left', id });
    };
  }

  take(message: Extract<MainMessage, { kind: 'served' | 'serve' | 'unserve' }>): void {
    const { id } = message;
    if (message.kind === 'served') {
      const done = this.asked.get(id);
      this.asked.delete(id);
      done?.(message.response);
    } else if (message.kind === 'serve') {
      const exchange = new HandedExchange((response) => {
        this.serving.delete(id);
        this.bus.send({ kind: 'served', id, response });
      });
      this.serving.set(id, exchange);
      this.serve(message.request, exchange);
    } else {
      const exchange = this.serving.get(id);
      this.serving.delete(id);
      exchange?.leave();
    }
  }
}

/** A client at another worker. Answers of SockJS over polling are whole; one in parts is put together all the same. */
class HandedExchange implements ClientExchange {
  readonly framing = 'until-close';
  readonly queuedBytes = 0;
  gone = false;
  onGone: (() => void) | undefined = undefined;
  onDrain: (() => void) | undefined = undefined;
  private head: ResponseHead = { code: 200, reason: '', headers: [] };
  private readonly chunks: Buffer[] = [];

  /** @param done - called once, with undefined for an answer that was broken off */
  constructor(private readonly done: (response: CompleteResponse | undefined) => void) {}

  answer(response: CompleteResponse): void {
    this.finish(response);
  }

  begin(head: ResponseHead): void {
    this.head = head;
  }

  write(bytes: Buffer): boolean {
    this.chunks.push(bytes);
    return true;
  }

  writeFramed(bytes: Buffer): boolean {
    return this.write(bytes);
  }

  end(): void {
    const { code, reason, headers } = this.head;
    this.finish({ code, reason, headers, body: Buffer.concat(this.chunks) });
  }

  abort(): void {
    this.finish(undefined);
  }

  release(): void {}

  /** The client has gone. */
  leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.onGone?.();
  }

  private finish(response: CompleteResponse | undefined): void {
    if (this.gone) return;
    this.gone = true;
    this.done(response);
  }
}
