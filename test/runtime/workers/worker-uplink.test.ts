import { describe, expect, it } from 'vitest';
import { FrameReader, FrameWriter } from '../../../src/runtime/workers/frames.js';
import { writeItem } from '../../../src/runtime/workers/item-frames.js';
import { CHANNEL, FRAMES, type WorkerMessage } from '../../../src/runtime/workers/messages.js';
import { type WorkerBus, WorkerUplink } from '../../../src/runtime/workers/worker-uplink.js';
import { RecordingSubscriber } from '../../support/recording-subscriber.js';
import { nextTurn, sampleHub } from '../../support/sample-hub.js';
import { streamItem } from '../../support/sample-items.js';

/** A worker's hub, what it says to the main process, and the main process's words to it. */
function worker() {
  /** `opened a 0 1 0` with the numbers of subscribers, or a message. */
  const said: (string | WorkerMessage)[] = [];
  const names = ['counted', 'opened', 'closed'];
  const reader = new FrameReader((_type, payload) => {
    const channel = payload.text();
    said.push(`${names[payload.u8()]} ${channel} ${payload.u32()} ${payload.u32()} ${payload.u32()}`);
  });
  const bus = {
    send: (message: WorkerMessage) => said.push(message),
    sendFrame: (frame: Buffer) => reader.read(frame),
  } as unknown as WorkerBus;
  const uplink = new WorkerUplink(bus);
  const { hub } = sampleHub({}, uplink);
  uplink.attach(hub);
  const take = (type: number, write: (writer: FrameWriter) => void): void => {
    const writer = new FrameWriter();
    writer.begin(type);
    write(writer);
    new FrameReader((_type, payload) => uplink.frame(type, payload)).read(writer.end());
  };
  return {
    hub,
    said,
    opened: (channel: string, lastId?: string) =>
      take(FRAMES.opened, (writer) => {
        writer.text(channel);
        writer.u8(lastId === undefined ? 0 : 1);
        if (lastId !== undefined) writer.text(lastId);
      }),
    item: (channel: string, text: string, report = 0, id?: string) =>
      take(FRAMES.item, (writer) => {
        writer.u32(report);
        writer.number(0);
        writer.text('');
        writeItem(writer, streamItem(channel, text, { id }));
      }),
  };
}

describe('the uplink of a worker', () => {
  it('tells of an opening at once, with the subscriber that is its reason', () => {
    const { hub, said } = worker();
    hub.subscribe('a', new RecordingSubscriber());
    expect(said).toEqual(['opened a 0 1 0']);
    expect([CHANNEL.counted, CHANNEL.opened, CHANNEL.closed]).toEqual([0, 1, 2]);
  });

  it('tells numbers once a turn, however often they have changed', async () => {
    const { hub, said } = worker();
    const first = hub.subscribe('a', new RecordingSubscriber());
    for (let count = 0; count < 9; count += 1) hub.subscribe('a', new RecordingSubscriber({ kind: 'ws' }));
    hub.subscribe('b', new RecordingSubscriber({ kind: 'response' }));
    hub.unsubscribe(first);
    await nextTurn();
    expect(said).toEqual(['opened a 0 1 0', 'opened b 1 0 0', 'counted a 0 0 9', 'counted b 1 0 0']);
    await nextTurn();
    expect(said).toHaveLength(4);
  });

  it('tells of a close at once, and no number of a channel that is closed', async () => {
    const { hub, said } = worker();
    hub.unsubscribe(hub.subscribe('a', new RecordingSubscriber()));
    expect(said).toEqual(['opened a 0 1 0', 'closed a 0 0 0']);
    await nextTurn();
    expect(said).toHaveLength(2);
  });

  it('takes the answer to an opening for this one and no earlier one', () => {
    const { hub, opened } = worker();
    hub.unsubscribe(hub.subscribe('a', new RecordingSubscriber()));
    hub.subscribe('a', new RecordingSubscriber());
    opened('a', 'old');
    expect([hub.isReady('a'), hub.lastId('a')]).toEqual([false, undefined]);
    opened('a', 'new');
    expect([hub.isReady('a'), hub.lastId('a')]).toEqual([true, 'new']);
  });

  it('takes no harm from the answer for a channel that is closed by now', () => {
    const { hub, opened, said } = worker();
    hub.unsubscribe(hub.subscribe('a', new RecordingSubscriber()));
    opened('a', '7');
    expect(hub.channelCount).toBe(0);
    hub.subscribe('a', new RecordingSubscriber());
    expect(hub.isReady('a')).toBe(false);
    opened('a', '8');
    expect([hub.isReady('a'), hub.lastId('a')]).toEqual([true, '8']);
    expect(said).toHaveLength(3);
  });

  it('hands items to the subscribers and keeps the last id', async () => {
    const { hub, opened, item } = worker();
    const subscriber = new RecordingSubscriber();
    hub.subscribe('a', subscriber);
    opened('a', '1');
    item('a', 'two', 0, '2');
    item('b', 'nobody', 0, '3');
    await nextTurn();
    expect([subscriber.received, hub.lastId('a')]).toEqual([['two'], '2']);
  });

  it('tells what became of an item when nothing more can happen to it', async () => {
    const { hub, item, said } = worker();
    hub.subscribe('a', new RecordingSubscriber({ encoding: undefined }));
    item('a', 'x', 41);
    item('b', 'x', 42);
    await nextTurn();
    await nextTurn();
    const reached = { response: 0, stream: 1, ws: 0 };
    const none = { response: 0, stream: 0, ws: 0 };
    expect(said.filter((one) => typeof one !== 'string')).toEqual([
      { kind: 'settled', report: 42, counts: { expected: 0, reached: none, filtered: 0, dropped: [] } },
      { kind: 'settled', report: 41, counts: { expected: 1, reached, filtered: 0, dropped: [] } },
    ]);
  });

  it('tells when an id has turned out wrong here, and not when it was told so', () => {
    const { hub, said, opened } = worker();
    hub.subscribe('a', new RecordingSubscriber());
    opened('a', '1');
    hub.dropLastId('a');
    expect([hub.lastId('a'), said]).toEqual([undefined, ['opened a 0 1 0']]);
    hub.forgetLastId('a');
    expect(said.at(-1)).toEqual({ kind: 'forget', channel: 'a' });
  });
});
