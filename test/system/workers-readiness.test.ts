/** A client that has seen its head or its 101 misses nothing that is published from then on, whichever worker has it. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { EventsOrigin, GRIP, subscribe } from '../support/events-origin.js';
import type { Publisher } from '../support/publisher.js';
import { RawClient } from '../support/raw-client.js';
import { itemFor, Several } from '../support/several.js';
import { frame, knock } from '../support/websocket-client.js';

/** Clients at a time. */
const ABREAST = 6;

/** Runs `one` for each number below `count`, `ABREAST` at a time, each lane with a publisher of its own. */
async function inLanes(
  several: Several,
  count: number,
  one: (index: number, publisher: Publisher) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: ABREAST }, async () => {
      const publisher = await several.publisher();
      while (next < count) {
        next += 1;
        await one(next, publisher);
      }
    }),
  );
}

describe('a client of several workers', () => {
  const opened = new Opened();

  it('misses nothing once it has seen the head of its stream, on a channel that nobody had before', async () => {
    const several = await Several.start(opened, 3, '--route', '* test');
    let got = 0;
    await inLanes(several, 400, async (index, publisher) => {
      const client = await RawClient.get(several.port, `/stream?channel=s${index}`);
      await client.readUntil('\r\n\r\n');
      publisher.begin([itemFor(`s${index}`, `item ${index}`)]);
      await client.readUntil(`item ${index}\n`);
      await publisher.answer();
      client.close();
      got += 1;
    });
    expect(got).toBe(400);
  });

  it('misses nothing once it has seen its 101, or an answer behind a later subscription', async () => {
    const origin = opened.add(
      await EventsOrigin.start((request) => {
        const channel = request.url.slice(1);
        if (request.events[0] === 'OPEN') request.answer(['OPEN', subscribe(`first-${channel}`)], GRIP);
        else if (request.events[0]?.startsWith('TEXT')) request.answer([subscribe(`then-${channel}`), 'TEXT m:done']);
        else request.answer();
      }),
      (one) => one.stop(),
    );
    const several = await Several.start(opened, 3, '--route', `* ${origin.target},over_http`);
    let got = 0;
    await inLanes(several, 150, async (index, publisher) => {
      const client = await knock(several.port, `/c${index}`);
      await client.readUntil('\r\n\r\n');
      publisher.begin([itemFor(`first-c${index}`, `item ${index}`)]);
      await client.readUntil(`item ${index}`);
      await publisher.answer();
      client.write(frame('text', 'more'));
      await client.readUntil('done');
      publisher.begin([itemFor(`then-c${index}`, `other ${index}`)]);
      await client.readUntil(`other ${index}`);
      await publisher.answer();
      client.close();
      got += 1;
    });
    expect(got).toBe(150);
  });
});
