/**
 * Junk on the ZeroMQ sockets: it is counted, warned about at a readable rate and skipped, and the good item behind it
 * arrives. Nothing is ever answered there.
 */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Publisher, type Push } from 'zeromq';
import { AttackStage, chunk } from '../support/attack-stage.js';
import { Opened, pullEndpoint } from '../support/closing.js';
import { CollectedLog } from '../support/collected-log.js';
import { within } from '../support/deadline.js';
import { PULL_ENGINES, type PullEngine } from '../support/pull-engines.js';
import { pushTo } from '../support/push.js';
import { GOOD, JUNK, tnetItem } from '../support/zeromq-messages.js';

const ANYWHERE = 'tcp://127.0.0.1:*';

function listening(opened: Opened, pullEngine: PullEngine, logger = new CollectedLog()): Promise<AttackStage> {
  const settings = { zeromq: { pull: [ANYWHERE], sub: [ANYWHERE], pullEngine } };
  return AttackStage.start(opened, { logger, settings });
}

describe.each(PULL_ENGINES)('the PULL socket of %s', (engine) => {
  const opened = new Opened();

  function pushing(stage: AttackStage): Push {
    return pushTo(opened, pullEndpoint(stage.holdfast));
  }

  it('counts junk, skips it, and takes what comes behind', async () => {
    const log = new CollectedLog('warn');
    const stage = await listening(opened, engine, log);
    const push = pushing(stage);
    const client = await stage.stream();
    for (const bytes of JUNK) await push.send(bytes);
    await push.send(GOOD);
    expect(await client.readAsLongAs(chunk('good\n'))).toBe(chunk('good\n'));
    const { counters } = stage.holdfast;
    expect(counters.dropped['invalid-item']).toBe(JUNK.length);
    expect(counters.published).toBe(1);
    // One line for each kind of fault, however often it comes.
    expect(log.lines).toEqual([
      'warn IN pull: received message with invalid format (tnetstring parse failed), skipping',
      "warn IN pull: received message with invalid format: publish item object does not contain 'channel', skipping",
    ]);
    await stage.undisturbed();
  });

  it.each([
    ['two parts', [GOOD, GOOD]],
    ['an empty part in front', ['', GOOD]],
    ['a thousand parts', Array.from({ length: 1_000 }, () => GOOD)],
  ])('takes one part at a time: %s', async (_what, parts) => {
    const log = new CollectedLog('warn');
    const stage = await listening(opened, engine, log);
    const push = pushing(stage);
    const taken = once(stage.holdfast, 'publish');
    await push.send(parts);
    await push.send(GOOD);
    await within('the good item', taken);
    expect(stage.holdfast.counters.dropped['invalid-item']).toBe(1);
    expect(stage.holdfast.counters.published).toBe(1);
    expect(log.lines).toEqual(['warn IN pull: received message with parts != 1, skipping']);
  });

  it.each([...GOOD.keys()].filter((at) => at % 7 === 0))(
    'is not confused by an item cut off at byte %i',
    async (at) => {
      const stage = await listening(opened, engine);
      const push = pushing(stage);
      const taken = once(stage.holdfast, 'publish');
      await push.send(GOOD.subarray(0, at));
      await push.send(GOOD);
      await within('the good item', taken);
      expect([stage.holdfast.counters.dropped['invalid-item'], stage.holdfast.counters.published]).toEqual([1, 1]);
    },
  );

  it('takes ten thousand pieces of junk in one go', async () => {
    const stage = await listening(opened, engine);
    const push = pushing(stage);
    const taken = once(stage.holdfast, 'publish');
    for (let count = 0; count < 10_000; count += 1) await push.send(JUNK[count % JUNK.length] ?? GOOD);
    await push.send(GOOD);
    await within('the good item', taken);
    expect(stage.holdfast.counters.dropped['invalid-item']).toBe(10_000);
    await stage.undisturbed();
  });

  it('is not stopped by clients of another protocol', async () => {
    const stage = await listening(opened, engine);
    const port = Number(pullEndpoint(stage.holdfast).split(':').at(-1));
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\xff\0\0\0\0\0\0\0\x01\x7f\x09NULL', '\0'.repeat(100_000)]) {
      const client = await opened.client(port);
      client.write(Buffer.from(bytes, 'latin1'));
    }
    const push = pushing(stage);
    const taken = once(stage.holdfast, 'publish');
    await push.send(GOOD);
    await within('the good item', taken);
    await stage.undisturbed();
  });
});

describe('the SUB socket', () => {
  const opened = new Opened();

  it('counts junk and wrong numbers of parts, and delivers by topic alone', async () => {
    const log = new CollectedLog('warn');
    const stage = await listening(opened, 'holdfast', log);
    const publisher = opened.add(new Publisher({ linger: 0 }), (socket) => socket.close());
    publisher.connect(stage.holdfast.addresses.sub[0] ?? '');
    const client = await stage.stream();
    // Until the subscription has reached the publisher, what it sends goes nowhere.
    const first = once(stage.holdfast, 'publish');
    let arrived = false;
    void first.then(() => {
      arrived = true;
    });
    while (!arrived) {
      await publisher.send(['news', tnetItem('first\n', 'other')]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await client.readUntil(chunk('first\n'));
    const before = stage.holdfast.counters.published;
    for (const bytes of JUNK) await publisher.send(['news', bytes]);
    await publisher.send('news');
    await publisher.send(['news', GOOD, GOOD]);
    // A prefix of the topic is subscribed to as well; it is a channel of its own, and nobody listens there.
    await publisher.send(['newsletter', tnetItem('letter\n', 'news')]);
    await publisher.send(['news', tnetItem('last\n', '__proto__')]);
    const rest = await client.readUntil(chunk('last\n'));
    expect(rest.replaceAll(chunk('first\n'), '')).toBe(chunk('last\n'));
    expect(stage.holdfast.counters.dropped['invalid-item']).toBe(JUNK.length + 2);
    expect(stage.holdfast.counters.published - before).toBeGreaterThanOrEqual(2);
    expect(log.lines).toContain('warn IN sub: received message with parts != 2, skipping');
    await stage.undisturbed();
  });
});
