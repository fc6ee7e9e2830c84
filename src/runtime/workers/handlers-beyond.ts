/**
 * ZeroMQ handlers as a worker reaches them: their sockets are bound once, in the main process, which is asked for each
 * answer.
 */
import type { AnswerCall, AnswerReceiver, HttpBackend, OriginRequest } from '../../backend/verdict.js';
import { wholeBody } from '../../backend/zhttpreq.js';
import type { Target } from '../../routes/route.js';
import type { MainMessage } from './messages.js';
import type { WorkerBus } from './worker-uplink.js';

export class HandlersBeyond implements HttpBackend {
  private readonly receivers = new Map<number, AnswerReceiver>();
  private lastId = 0;

  constructor(private readonly bus: WorkerBus) {}

  send(request: OriginRequest, target: Target, receiver: AnswerReceiver): AnswerCall {
    this.lastId += 1;
    const id = this.lastId;
    this.receivers.set(id, receiver);
    const cancel = (): void => {
      if (this.receivers.delete(id)) this.bus.send({ kind: 'cancel', id });
    };
    void wholeBody(request.body).then((body) => {
      if (this.receivers.has(id)) this.bus.send({ kind: 'ask', id, request: { ...request, body }, target });
    }, cancel);
    return { cancel, resume: () => {} };
  }

  /** What the main process has to say of a request. */
  take(message: Extract<MainMessage, { kind: 'answer' | 'no-answer' }>): void {
    const receiver = this.receivers.get(message.id);
    if (receiver === undefined) return;
    this.receivers.delete(message.id);
    if (message.kind === 'no-answer') {
      receiver.failed(message.failure);
      return;
    }
    const { code, reason, headers, body } = message.response;
    receiver.head(code, reason, headers);
    if (body.length > 0) receiver.data(body);
    receiver.end();
  }
}
