/** What clients do between coming and going: one function for each kind of visit. A visit that goes wrong throws. */
import { setTimeout as pause } from 'node:timers/promises';
import { SMALL_BODY } from '../bodies.js';
import { micros } from '../clock.js';
import { fillingOf, MessageReader, messageText } from '../payload.js';
import { Guest, type GuestParts } from './guest.js';
import type { Format, HttpPublisher } from './http-publisher.js';
import { getRequest, Requester } from './requester.js';

export interface VisitParts extends GuestParts {
  readonly publisher: HttpPublisher;
}

/** @param id - different for each visit */
export type Visit = (parts: VisitParts, id: string) => Promise<void>;

const MESSAGES = 5;
const UNREAD_MESSAGES = 20;
const POLLS = 2;
/** Milliseconds. */
const UNREAD_TIME = 1_000;
const STAY = 2_000;
const BEFORE_PUBLISH = 50;
const AGAIN_AFTER = 500;
const POLL_PATIENCE = 10_000;

/** Resolves when the server has taken it in, or refused it. */
function publish(parts: VisitParts, channel: string, number: number, format: Format = 'http-stream'): Promise<void> {
  const { publisher, messageBytes, tally } = parts;
  return new Promise((resolve) => {
    publisher.publish(channel, format, messageText(number, micros(), messageBytes), (ok) => {
      if (!ok) tally.add('publishes refused');
      resolve();
    });
  });
}

/** A stream that gets some messages, stays a while, and goes. */
function streaming(goes: 'in order' | 'without a word'): Visit {
  return async (parts, id) => {
    const guest = await Guest.open(parts, 'stream', `/stream?ch=${id}`);
    for (let number = 0; number < MESSAGES; number += 1) {
      await publish(parts, id, number);
      await guest.next();
      await pause(Math.random() * (STAY / MESSAGES));
    }
    if (goes === 'in order') guest.leave();
    else guest.vanish();
  };
}

/** A stream whose client does not read for a while, and then finds everything in order. */
const slowReading: Visit = async (parts, id) => {
  const guest = await Guest.open(parts, 'stream', `/stream?ch=${id}`, true);
  for (let number = 0; number < UNREAD_MESSAGES; number += 1) await publish(parts, id, number);
  await pause(UNREAD_TIME);
  guest.resume();
  for (let number = 0; number < UNREAD_MESSAGES; number += 1) await guest.next();
  guest.leave();
};

/** A WebSocket whose messages the origin sends back. */
const echoing: Visit = async (parts) => {
  const guest = await Guest.open(parts, 'ws', '/ws');
  for (let number = 0; number < MESSAGES; number += 1) {
    guest.send(messageText(number, micros(), parts.messageBytes));
    await guest.next();
    await pause(Math.random() * (STAY / MESSAGES));
  }
  guest.leave();
};

const polling: Visit = async (parts, id) => {
  const requester = new Requester(parts.sockets, parts.ports.http);
  try {
    // A channel for each: what was published again for one must not answer the next.
    for (let number = 0; number < POLLS; number += 1) await pollOnce(parts, requester, `${id}-${number}`, number);
  } finally {
    requester.close();
  }
};

function pollOnce(parts: VisitParts, requester: Requester, channel: string, number: number): Promise<void> {
  const { messageBytes, tally } = parts;
  return new Promise((resolve, reject) => {
    let got = -1;
    const messages = new MessageReader(messageBytes, fillingOf(messageBytes), {
      message: (which) => {
        got = which;
      },
      wrong: () => tally.add('wrong bytes'),
    });
    let timer: NodeJS.Timeout;
    // Nothing tells when a poll is registered: what came before it is published again.
    const publishAfter = (delay: number): void => {
      timer = setTimeout(() => {
        publishAfter(AGAIN_AFTER);
        void publish(parts, channel, number, 'http-response');
      }, delay);
    };
    const end = (why: string): void => {
      clearTimeout(timer);
      clearTimeout(late);
      if (why === '') resolve();
      else reject(new Error(why));
    };
    const late = setTimeout(() => end('lost'), POLL_PATIENCE);
    publishAfter(BEFORE_PUBLISH);
    requester.send(getRequest(`/poll?ch=${channel}`), {
      body: (bytes, from, to) => messages.read(bytes, from, to),
      done: (status, why) => end(status !== 200 ? `status ${status} ${why}` : got === number ? '' : 'out of order'),
    });
  });
}

const asking: Visit = ({ sockets, ports, tally }) => {
  const requester = new Requester(sockets, ports.http);
  return new Promise((resolve, reject) => {
    let received = 0;
    requester.send(getRequest('/small'), {
      body: (_bytes, from, to) => {
        received += to - from;
      },
      done: (status, why) => {
        requester.close();
        if (status !== 200) reject(new Error(`status ${status} ${why}`));
        else if (received !== SMALL_BODY.length) tally.add('wrong bytes');
        resolve();
      },
    });
  });
};

/** One after the other, again and again: the mixture of a round. */
export const VISITS: readonly { readonly kind: string; readonly visit: Visit }[] = [
  { kind: 'stream', visit: streaming('in order') },
  { kind: 'poll', visit: polling },
  { kind: 'echo', visit: echoing },
  { kind: 'stream', visit: streaming('without a word') },
  { kind: 'request', visit: asking },
  { kind: 'stream', visit: streaming('in order') },
  { kind: 'poll', visit: polling },
  { kind: 'slow reader', visit: slowReading },
  { kind: 'stream', visit: streaming('without a word') },
  { kind: 'echo', visit: echoing },
];
