/** A SUB socket that loses no subscription: the package keeps libzmq's bound of a thousand that wait for a publisher. */
import type { SocketOptions, Subscriber } from 'zeromq';
import type { ZeroMq } from './load-zeromq.js';

/** libzmq's number for ZMQ_SNDHWM, which the package gives to sockets for messages only. */
const SEND_HIGH_WATER_MARK = 23;
/**
 * Subscriptions that may wait for one publisher. All of them do when it comes back, and libzmq drops what is beyond the
 * mark without a word. As many as 50,000 clients with 20 channels each have.
 */
const MOST_WAITING = 1_000_000;

export function makeSubscriber(zeromq: ZeroMq, options: SocketOptions<Subscriber>): Subscriber {
  class PatientSubscriber extends zeromq.Subscriber {
    constructor() {
      super(options);
      this.setInt32Option(SEND_HIGH_WATER_MARK, MOST_WAITING);
    }
  }
  return new PatientSubscriber();
}
