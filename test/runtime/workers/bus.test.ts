import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Bus } from '../../../src/runtime/workers/bus.js';
import { type FramePayload, FrameWriter } from '../../../src/runtime/workers/frames.js';
import { Opened } from '../../support/closing.js';
import { Watch, within } from '../../support/deadline.js';
import { socketPair } from '../../support/socket-pair.js';

type Message = Readonly<Record<string, unknown>>;

/** One end of a bus that keeps what it hears. */
class End {
  /** Messages as they came, frames as `[type, text]`, the loss as `lost`. */
  readonly heard: unknown[] = [];
  /** How many reads brought something. */
  reads = 0;
  readonly bus: Bus<Message, Message>;
  private readonly watch = new Watch();

  constructor(readonly socket: Socket) {
    const hear = (what: unknown): void => {
      this.heard.push(what);
      this.watch.changed();
    };
    socket.on('data', () => {
      this.reads += 1;
    });
    this.bus = new Bus(socket, {
      message: hear,
      frame: (type: number, payload: FramePayload) => hear([type, payload.text()]),
      lost: () => hear('lost'),
    });
  }

  until(count: number): Promise<void> {
    return this.watch.until(
      `${count} things on the bus`,
      () => this.heard.length >= count,
      () => `; heard ${JSON.stringify(this.heard)}`,
    );
  }
}

function frame(type: number, text: string): Buffer {
  const writer = new FrameWriter();
  writer.begin(type);
  writer.text(text);
  return writer.end();
}

describe('a bus', () => {
  const opened = new Opened();

  async function pair(): Promise<readonly [End, End]> {
    const [near, far] = await socketPair(opened);
    return [new End(near), new End(far)];
  }

  it('carries messages and frames in the order they were sent', async () => {
    const [near, far] = await pair();
    near.bus.send({ kind: 'a', list: [1, undefined, Buffer.from('x')], when: new Map([['b', 2n]]) });
    near.bus.sendFrame(frame(5, 'grüß'));
    near.bus.send({ kind: 'c' });
    await far.until(3);
    expect(far.heard).toEqual([
      { kind: 'a', list: [1, undefined, Buffer.from('x')], when: new Map([['b', 2n]]) },
      [5, 'grüß'],
      { kind: 'c' },
    ]);
    far.bus.send({ kind: 'back' });
    await near.until(1);
    expect(near.heard).toEqual([{ kind: 'back' }]);
  });

  it('writes once what is sent in one turn', async () => {
    const [near, far] = await pair();
    const { write } = near.socket;
    const writes: number[] = [];
    near.socket.write = ((bytes: Buffer, done: () => void) => {
      writes.push(bytes.length);
      return write.call(near.socket, bytes, done as never);
    }) as typeof write;
    for (let count = 0; count < 100; count += 1) near.bus.sendFrame(frame(1, 'x'));
    expect(writes).toEqual([]);
    expect(near.bus.queuedBytes).toBe(100 * frame(1, 'x').length);
    await far.until(100);
    expect(writes).toEqual([100 * frame(1, 'x').length]);
    expect(far.reads).toBe(1);
  });

  it('tells when everything is taken, a little as well as much, and at once when nothing waits', async () => {
    const [near, far] = await pair();
    let at = 'nothing';
    near.bus.whenTaken(() => {
      at = 'at once';
    });
    expect(at).toBe('at once');
    near.bus.sendFrame(frame(1, 'small'));
    await within('the small frame to be taken', new Promise<void>((resolve) => near.bus.whenTaken(resolve)));
    expect(near.bus.queuedBytes).toBe(0);

    far.socket.pause();
    const large = 'y'.repeat(20_000_000);
    near.bus.sendFrame(frame(2, large));
    let taken = false;
    near.bus.whenTaken(() => {
      taken = true;
    });
    near.bus.sendFrame(frame(3, 'behind'));
    const all = new Promise<void>((resolve) => near.bus.whenTaken(resolve));
    expect(near.bus.queuedBytes).toBeGreaterThan(16_000_000);
    expect(taken).toBe(false);
    far.socket.resume();
    await within('the large frame to be taken', all);
    expect(taken).toBe(true);
    await far.until(3);
    expect(far.heard[1]).toEqual([2, large]);
    expect(far.heard[2]).toEqual([3, 'behind']);
  });

  it('is lost once when the other end goes, waits for nobody then, and sends nothing more', async () => {
    const [near, far] = await pair();
    far.socket.pause();
    near.bus.sendFrame(frame(2, 'y'.repeat(20_000_000)));
    const relieved = new Promise<void>((resolve) => near.bus.whenTaken(resolve));
    far.socket.destroy();
    await within('the relief', relieved);
    await near.until(1);
    expect(near.heard).toEqual(['lost']);
    const { queuedBytes } = near.bus;
    near.bus.send({ kind: 'late' });
    expect(near.bus.queuedBytes).toBe(queuedBytes);
    await within('the end', near.bus.end());
    expect(near.heard).toEqual(['lost']);
  });

  it('sends what waits before it ends', async () => {
    const [near, far] = await pair();
    near.bus.send({ kind: 'last' });
    await near.bus.end();
    await far.until(2);
    expect(far.heard).toEqual([{ kind: 'last' }, 'lost']);
  });
});
