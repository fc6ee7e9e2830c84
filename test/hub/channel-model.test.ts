import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Channel } from '../../src/hub/channel.js';
import { Publication } from '../../src/hub/publication.js';
import { SUBSCRIBER_KINDS, type SubscriberKind, Subscription } from '../../src/hub/subscriber.js';
import { RecordingSubscriber, textEncoding } from '../support/recording-subscriber.js';
import { streamAction, textItem } from '../support/sample-items.js';

const CROWD = 1_000;

/** What a subscriber does when it is handed a certain item. */
type Reaction = 'leaves' | 'throws another out' | 'brings another in' | 'publishes';

/** One subscriber and what must be true of it. */
interface Seat {
  readonly subscriber: RecordingSubscriber;
  readonly subscription: Subscription;
  /** Number of the first item it may get. */
  readonly from: number;
  /** What it had got when it left. */
  gotUntilLeaving: number | undefined;
}

/** The channel with its crowd, and a plain list of what was published. */
class Model {
  readonly channel = new Channel('c');
  present: Seat[] = [];
  private readonly seats: Seat[] = [];
  /** By number: whether the item is an action, which only streams notice. */
  private readonly actions: boolean[] = [];

  get published(): number {
    return this.actions.length;
  }

  join(kind: SubscriberKind, plain: boolean, reaction?: { readonly at: number; readonly does: Reaction }): void {
    const onItem = (text: string): void => {
      if (reaction === undefined || Number.parseInt(text, 10) !== reaction.at) return;
      this.react(reaction.does, seat);
    };
    // A subscriber that reacts is handed each item: shared bytes must not be answered with changes of the channel.
    const encoding = reaction === undefined && kind !== 'response' ? textEncoding : undefined;
    const subscriber = new RecordingSubscriber({ kind, encoding, onItem });
    const subscription = new Subscription(this.channel, subscriber, plain);
    const seat: Seat = { subscriber, subscription, from: this.published, gotUntilLeaving: undefined };
    this.channel.add(subscription);
    this.seats.push(seat);
    this.present.push(seat);
  }

  leave(seat: Seat): void {
    if (seat.gotUntilLeaving !== undefined) return;
    this.channel.remove(seat.subscription);
    seat.gotUntilLeaving = seat.subscriber.received.length;
    this.present = this.present.filter((one) => one !== seat);
  }

  publish(action: boolean): void {
    const item = action ? streamAction('c', 'hint') : textItem('c', String(this.published));
    this.actions.push(action);
    this.channel.append(new Publication(item));
  }

  /** What a subscriber records for everything from its arrival on. */
  private expected(seat: Seat): string[] {
    const action = seat.subscriber.kind === 'stream' ? '<hint>' : '<nothing>';
    return this.actions.slice(seat.from).map((isAction, at) => (isAction ? action : String(seat.from + at)));
  }

  /** Those who stayed have everything; those who left have its beginning, and nothing since. */
  check(): void {
    for (const seat of this.seats) {
      const { received } = seat.subscriber;
      const expected = this.expected(seat);
      if (seat.gotUntilLeaving !== undefined) expect(received).toHaveLength(seat.gotUntilLeaving);
      expect(received).toEqual(expected.slice(0, seat.gotUntilLeaving));
    }
  }

  private react(does: Reaction, self: Seat): void {
    if (does === 'leaves') this.leave(self);
    else if (does === 'publishes') this.publish(false);
    else if (does === 'brings another in') this.join(self.subscriber.kind, true);
    else {
      const other = this.present[(this.published * 7_919) % this.present.length];
      if (other !== undefined) this.leave(other);
    }
  }
}

const kinds = fc.constantFrom(...SUBSCRIBER_KINDS);
const reactions = fc.constantFrom<Reaction>('leaves', 'throws another out', 'brings another in', 'publishes');

const joins: fc.Arbitrary<(model: Model) => void> = fc
  .record({
    kind: kinds,
    plain: fc.boolean(),
    reaction: fc.option(fc.record({ ahead: fc.nat(4), does: reactions }), { nil: undefined }),
  })
  .map(({ kind, plain, reaction }) => (model: Model) => {
    model.join(kind, plain, reaction && { at: model.published + reaction.ahead, does: reaction.does });
  });
const leaves = fc.nat().map((choice) => (model: Model) => {
  const seat = model.present[choice % model.present.length];
  if (seat !== undefined) model.leave(seat);
});
const publishes = fc.boolean().map((action) => (model: Model) => model.publish(action));
const slices = fc.integer({ min: 1, max: CROWD }).map((budget) => (model: Model) => void model.channel.flush(budget));
const settles = fc.nat().map((choice) => (model: Model) => {
  const seat = model.present[choice % model.present.length];
  if (seat !== undefined) model.channel.catchUp(seat.subscription);
});

const steps = fc.oneof(
  { weight: 3, arbitrary: joins },
  { weight: 5, arbitrary: leaves },
  { weight: 3, arbitrary: publishes },
  { weight: 2, arbitrary: slices },
  { weight: 1, arbitrary: settles },
);

function crowd(model: Model, size: number): void {
  for (let i = 0; i < size; i += 1) model.join(SUBSCRIBER_KINDS[i % 3] as SubscriberKind, i % 4 !== 0);
}

describe('one channel', () => {
  it.each([
    ['a thousand subscribers', CROWD, 40],
    ['a handful of subscribers', 4, 400],
  ])(
    'has one total order for %s that come and leave at random: from its arrival on each gets everything, once',
    (_, size, runs) => {
      fc.assert(
        fc.property(fc.array(steps, { minLength: 1, maxLength: 80, size: 'max' }), (script) => {
          const model = new Model();
          crowd(model, size);
          for (const step of script) step(model);
          model.channel.flush(Number.POSITIVE_INFINITY);
          expect(model.channel.dirty).toBe(false);
          model.check();
        }),
        { numRuns: runs },
      );
    },
  );
});
