/** Publishing through libzmq: PULL sockets for items, SUB sockets for items by topic (specification 8.1, 8.2). */
import type { Pull, Subscriber as SubSocket } from 'zeromq';
import type { ChannelObserver } from '../hub/hub.js';
import { bindSocket } from '../zeromq/bind.js';
import type { ZeroMq } from '../zeromq/load-zeromq.js';
import { receiveAll } from '../zeromq/receive-all.js';
import type { PublishDoor } from './publish-door.js';
import { publishMessage, skipPullMessage } from './zmq-messages.js';

/** Messages that may wait in a socket. */
const HIGH_WATER_MARK = 101_000;

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
    const socket = new this.zeromq.Pull({ receiveHighWaterMark: HIGH_WATER_MARK, linger: 0 });
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
    if (message === undefined || frames.length !== 1) skipPullMessage(this.door, 'parts', this.maxMessageBytes);
    else if (message.length > this.maxMessageBytes) skipPullMessage(this.door, 'size', this.maxMessageBytes);
    else publishMessage(this.door, 'pull', message, undefined);
  }
}

/** SUB sockets that follow the hub's channels: subscribed exactly while somebody listens. */
export class ZmqSub implements ChannelObserver {
  private sockets: SubSocket[] = [];

  constructor(
    private readonly zeromq: ZeroMq,
    private readonly door: PublishDoor,
    /** Permissions of ipc files. */
    private readonly fileMode: number | undefined,
  ) {}

  /** @param connect - connects to a publisher instead of waiting for it */
  async open(spec: string, connect: boolean, setting: string): Promise<string> {
    const socket = new this.zeromq.Subscriber({
      receiveHighWaterMark: 0,
      linger: 0,
      ...(connect ? { tcpKeepalive: 1, tcpKeepaliveIdle: 30, tcpKeepaliveCount: 6, tcpKeepaliveInterval: 5 } : {}),
    });
    if (connect) socket.connect(spec);
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
      this.door.refused('sub-parts', 'IN sub: received message with parts != 2, skipping');
      return;
    }
    publishMessage(this.door, 'sub', message, topic.toString());
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
