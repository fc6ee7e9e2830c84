/** Publishing through libzmq: PULL sockets for items, SUB sockets for items by topic (specification 8.1, 8.2). */
import type { Pull, Subscriber as SubSocket } from 'zeromq';
import type { ChannelObserver } from '../hub/hub.js';
import { bindSocket, connectSocket } from '../zeromq/bind.js';
import { hardLimitOf } from '../zeromq/hard-limit.js';
import type { ZeroMq } from '../zeromq/load-zeromq.js';
import { receiveAll } from '../zeromq/receive-all.js';
import { makeSubscriber } from '../zeromq/subscriber.js';
import type { PublishDoor } from './publish-door.js';
import { publishMessage, skipMessage } from './zmq-messages.js';

/** Messages of one publisher that may wait in a PULL socket (specification 8.1). */
const PULL_HIGH_WATER_MARK = 101_000;
/**
 * The same for SUB. The original's 1,000 loses more of a burst than no mark at all, because PUB drops what it cannot
 * send; 10,000 does not.
 */
const SUB_HIGH_WATER_MARK = 10_000;
/** TCP asks a publisher that we have connected to after 30 s of silence, and 6 times, 5 s apart (specification 1.3). */
const KEEP_ALIVE = { tcpKeepalive: 1, tcpKeepaliveIdle: 30, tcpKeepaliveCount: 6, tcpKeepaliveInterval: 5 } as const;

/** Binds PULL sockets and publishes what comes in; `ZmtpPull` does the same without libzmq. */
export class ZmqPull {
  private readonly sockets: Pull[] = [];

  constructor(
    private readonly zeromq: ZeroMq,
    private readonly door: PublishDoor,
    /** A larger message is skipped. */
    private readonly maxMessageBytes: number,
    /** Permissions of ipc files. */
    private readonly fileMode: number | undefined,
  ) {}

  /** @throws HoldfastError HOLDFAST_LISTEN_FAILED naming `setting` */
  async bind(spec: string, setting: string): Promise<string> {
    const socket = new this.zeromq.Pull({
      receiveHighWaterMark: PULL_HIGH_WATER_MARK,
      maxMessageSize: hardLimitOf(this.maxMessageBytes),
      linger: 0,
    });
    await bindSocket(socket, spec, `setting ${setting}`, this.fileMode);
    this.sockets.push(socket);
    void readAll(socket, this.door, (frames) => this.accept(frames));
    return socket.lastEndpoint ?? spec;
  }

  close(): void {
    for (const socket of this.sockets) socket.close();
  }

  private accept(frames: readonly Buffer[]): void {
    const [message] = frames;
    if (message === undefined || frames.length !== 1) skipMessage(this.door, 'pull', 'parts', this.maxMessageBytes);
    else if (message.length > this.maxMessageBytes) skipMessage(this.door, 'pull', 'size', this.maxMessageBytes);
    else publishMessage(this.door, 'pull', message, undefined);
  }
}

/** SUB sockets that follow the hub's channels: subscribed exactly while somebody listens. */
export class ZmqSub implements ChannelObserver {
  private sockets: SubSocket[] = [];

  constructor(
    private readonly zeromq: ZeroMq,
    private readonly door: PublishDoor,
    /** A larger message is skipped. */
    private readonly maxMessageBytes: number,
    /** Permissions of ipc files. */
    private readonly fileMode: number | undefined,
  ) {}

  /**
   * @param connect - connects to a publisher instead of waiting for it
   * @throws HoldfastError HOLDFAST_LISTEN_FAILED naming `setting`
   */
  async open(spec: string, connect: boolean, setting: string): Promise<string> {
    const socket = makeSubscriber(this.zeromq, {
      receiveHighWaterMark: SUB_HIGH_WATER_MARK,
      maxMessageSize: hardLimitOf(this.maxMessageBytes),
      linger: 0,
      ...(connect ? KEEP_ALIVE : {}),
    });
    if (connect) connectSocket(socket, spec, `setting ${setting}`);
    else await bindSocket(socket, spec, `setting ${setting}`, this.fileMode);
    this.sockets.push(socket);
    void readAll(socket, this.door, (frames) => this.accept(frames));
    return socket.lastEndpoint ?? spec;
  }

  channelOpened(name: string): void {
    for (const socket of this.sockets) socket.subscribe(name);
  }

  channelClosed(name: string): void {
    for (const socket of this.sockets) socket.unsubscribe(name);
  }

  close(): void {
    const { sockets } = this;
    // Channels go on closing after us.
    this.sockets = [];
    for (const socket of sockets) socket.close();
  }

  private accept(frames: readonly Buffer[]): void {
    const [topic, message] = frames;
    if (topic === undefined || message === undefined || frames.length !== 2) {
      skipMessage(this.door, 'sub', 'parts', this.maxMessageBytes);
    } else if (message.length > this.maxMessageBytes) {
      skipMessage(this.door, 'sub', 'size', this.maxMessageBytes);
    } else publishMessage(this.door, 'sub', message, topic.toString());
  }
}

/** What is not received while there is no room for it waits at the publisher. */
function readAll(
  socket: Pull | SubSocket,
  door: PublishDoor,
  take: (frames: readonly Buffer[]) => void,
): Promise<void> {
  return receiveAll(socket, (frames) => {
    take(frames);
    return door.congested ? new Promise((resolve) => door.whenClear(resolve)) : undefined;
  });
}
