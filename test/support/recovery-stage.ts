/** A client whose origin numbers what it publishes on `c` and can be asked for what was missed, and the means to do both. */
import type { HoldfastOptions } from '../../src/index.js';
import type { Opened } from './closing.js';
import { turnUntil } from './deadline.js';
import { type EventsRequest, GRIP } from './events-origin.js';
import type { EventsClient } from './websocket-client.js';
import { Stage } from './websocket-stage.js';

/** What the origin is told when there is no recovery. */
export const LOST = 'lost-6f1d8c';

export function control(message: object): string {
  return `TEXT c:${JSON.stringify(message)}`;
}

/** Joins `c`, of which the client knows everything up to 41. */
export function following(extra: object = {}): string {
  const message = {
    type: 'subscribe',
    channel: 'c',
    'prev-id': '41',
    recover: '/missed?room=1',
    'recover-failed': LOST,
  };
  return control({ ...message, ...extra });
}

/** No `Grip-Channel` but this one says what the client knows after an answer. */
export function knows(id: string, channel = 'c'): Record<string, string> {
  return { 'Grip-Channel': `${channel}; prev-id=${id}` };
}

export class RecoveryStage {
  private constructor(readonly stage: Stage) {}

  /** @param controls - what the origin says to each client that opens */
  static async set(
    opened: Opened,
    controls: readonly string[],
    options: Omit<HoldfastOptions, 'clock'> & { readonly condition?: string } = {},
  ): Promise<RecoveryStage> {
    const settings = { ...options.settings, hold: { updateOnFirstSubscription: false, ...options.settings?.hold } };
    const stage = await Stage.set(
      opened,
      (request) => {
        if (request.method === 'GET') return;
        if (request.events[0] === 'OPEN') request.answer(['OPEN', ...controls], GRIP);
        else request.answer(request.events.filter((event) => event.startsWith('CLOSE')));
      },
      { ...options, settings },
    );
    return new RecoveryStage(stage);
  }

  open(): Promise<EventsClient> {
    return this.stage.open();
  }

  /** What was asked for what was missed. */
  get links(): readonly EventsRequest[] {
    return this.stage.origin.requests.filter(({ method }) => method === 'GET');
  }

  /** The `index`-th of them, counted from 0; the time passes until it comes. */
  async link(index: number): Promise<EventsRequest> {
    await turnUntil(`fetch ${index} of a link`, () => {
      if (this.links.length <= index) this.stage.clock.advance(50);
      return this.links.length > index;
    });
    const request = this.links[index];
    if (request === undefined) throw new Error('unreachable');
    return request;
  }

  /** Publishes text `id`; out of order too, as it comes when publishers do not wait for each other. */
  publish(id: string, prevId: string | undefined, extra: object = {}, format: object = {}): unknown {
    const numbered = { id, ...(prevId === undefined ? {} : { 'prev-id': prevId }), 'no-seq': true };
    const formats = { 'ws-message': { content: id, ...format } };
    return this.stage.holdfast.publish({ channel: 'c', ...numbered, formats, ...extra });
  }

  /** Everything the origin has been told in messages. */
  get told(): readonly string[] {
    return this.stage.origin.requests
      .filter(({ method }) => method === 'POST')
      .flatMap(({ events }) => events)
      .filter((event) => event !== 'OPEN');
  }
}
