/** Publishers that are faster than those who take their items: the control port and ZeroMQ make them wait. */
import { describe, expect, it } from 'vitest';
import { Commands } from '../../src/control/commands.js';
import { HttpControl } from '../../src/control/http-control.js';
import { PublishDoor } from '../../src/control/publish-door.js';
import { ZmqPull } from '../../src/control/zmq-in.js';
import { loadZeroMq } from '../../src/zeromq/load-zeromq.js';
import { Opened } from '../support/closing.js';
import { Dam } from '../support/dam.js';
import { turnUntil } from '../support/deadline.js';
import { Publisher } from '../support/publisher.js';
import { pushTo } from '../support/push.js';
import { RecordingSubscriber } from '../support/recording-subscriber.js';
import { sampleHub } from '../support/sample-hub.js';

function itemWith(text: string): object {
  return { channel: 'a', formats: { 'http-stream': { content: text } } };
}

describe('while items cannot be taken', () => {
  const opened = new Opened();

  function door() {
    const sample = sampleHub();
    const subscriber = new RecordingSubscriber();
    sample.hub.subscribe('a', subscriber);
    const dam = new Dam();
    const publishDoor = new PublishDoor({ ...sample, askAll: () => {}, onPublish: () => {}, congestion: dam });
    return { ...sample, door: publishDoor, dam, subscriber };
  }

  async function control() {
    const parts = door();
    const limits = { maxHeadBytes: 8_192, maxBodyBytes: 100_000, maxConnections: 10, reportTimeout: 5 };
    const port = opened.add(
      new HttpControl(
        { ...limits, setting: 'control.listen', warnings: parts.warnings },
        parts.door,
        new Commands({ ...parts, connections: { find: (_ids, _refresh, done) => done([]) }, uris: () => new Map() }),
        parts.log,
      ),
      (one) => one.close(),
    );
    const address = await port.listen('127.0.0.1', 0);
    const client = await opened.client(address.port);
    const publisher = new Publisher(client);
    const publish = (text: string, target?: string): void => publisher.begin([itemWith(text)], target);
    return { ...parts, client, publish };
  }

  it('the control port takes the items and answers when there is room again', async () => {
    const { client, publish, dam, subscriber } = await control();
    publish('1');
    expect((await client.readAnswer()).body.toString()).toBe('Published\n');
    dam.congested = true;
    publish('2');
    await turnUntil('the publisher waits', () => dam.waiters === 1);
    await turnUntil('the item is there', () => subscriber.received.length === 2);
    expect(client.pending).toBe('');
    publish('3');
    dam.open();
    for (const answer of [await client.readAnswer(), await client.readAnswer()]) expect(answer.status).toBe(200);
    await turnUntil('the last item', () => subscriber.received.length === 3);
    expect(subscriber.received).toEqual(['1', '2', '3']);
  });

  it('a report waits, too', async () => {
    const { client, publish, dam } = await control();
    dam.congested = true;
    publish('1', '/publish?report=1');
    await turnUntil('the publisher waits', () => dam.waiters === 1);
    expect(client.pending).toBe('');
    dam.open();
    const { items } = JSON.parse((await client.readAnswer()).body.toString()) as { items: unknown[] };
    expect(items).toMatchObject([{ result: 'sent', reached: { 'http-stream': 1 } }]);
  });

  it('a PULL socket is not read', async () => {
    const { door: publishDoor, dam, subscriber, counters } = door();
    const pull = opened.add(new ZmqPull(await loadZeroMq('a test'), publishDoor, 1_000_000, undefined), (one) =>
      one.close(),
    );
    const push = pushTo(opened, await pull.bind('tcp://127.0.0.1:0', 'zeromq.pull'));
    const send = (text: string): Promise<void> => push.send(`J${JSON.stringify(itemWith(text))}`);
    dam.congested = true;
    for (const text of ['1', '2', '3']) await send(text);
    await turnUntil('the reader waits', () => dam.waiters === 1);
    expect(counters.published).toBe(1);
    dam.open();
    await turnUntil('the others came', () => subscriber.received.length === 3);
    expect([subscriber.received, dam.waiters]).toEqual([['1', '2', '3'], 0]);
  });
});
