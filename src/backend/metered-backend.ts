/** Counts the requests of a backend that does not do it itself. */
import type { OriginMeter } from '../observe/origin-meter.js';
import type { HeaderList } from '../protocol/headers.js';
import type { Target } from '../routes/route.js';
import { resultOf } from './origin-result.js';
import type { AnswerCall, AnswerReceiver, Failure, HttpBackend, OriginRequest } from './verdict.js';

export class MeteredBackend implements HttpBackend {
  constructor(
    readonly backend: HttpBackend,
    private readonly meter: OriginMeter,
  ) {}

  send(request: OriginRequest, target: Target, receiver: AnswerReceiver): AnswerCall {
    const metered = new MeteredCall(this.meter, receiver);
    metered.call = this.backend.send(request, target, metered);
    return metered;
  }
}

class MeteredCall implements AnswerReceiver, AnswerCall {
  call: AnswerCall | undefined = undefined;
  private state: 'open' | 'answered' | 'over' = 'open';
  private readonly since: number;

  constructor(
    private readonly meter: OriginMeter,
    private readonly receiver: AnswerReceiver,
  ) {
    this.since = meter.begins();
  }

  resume(): void {
    this.call?.resume();
  }

  cancel(): void {
    if (this.state === 'open') this.meter.ends('cancelled');
    this.state = 'over';
    this.call?.cancel();
  }

  head(code: number, reason: string, headers: HeaderList): void {
    if (this.state === 'open') {
      this.state = 'answered';
      this.meter.answered(this.since, code);
    }
    this.receiver.head(code, reason, headers);
  }

  data(chunk: Buffer): boolean {
    return this.receiver.data(chunk);
  }

  end(): void {
    this.state = 'over';
    this.receiver.end();
  }

  failed(failure: Failure): void {
    if (this.state === 'open') this.meter.ends(resultOf(failure));
    else if (this.state === 'answered') this.meter.breaks();
    this.state = 'over';
    this.receiver.failed(failure);
  }
}
