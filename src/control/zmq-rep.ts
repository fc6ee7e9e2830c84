/**
 * Commands over ZeroMQ (specification 8.3). A ROUTER that speaks the envelope of REQ, so that answers may come in any
 * order: `[identity…, empty, request]` in, `[identity…, empty, reply]` out.
 */
import type { Router } from 'zeromq';
import type { Logger } from '../observe/logger.js';
import { bindSocket } from '../zeromq/bind.js';
import type { ZeroMq } from '../zeromq/load-zeromq.js';
import { receiveAll } from '../zeromq/receive-all.js';
import { type CommandRequest, parseCommand, replyOf } from './command-messages.js';
import type { CommandOutcome, Commands } from './commands.js';

/** Requests that may be under way, and as many again, and answers to one client, that may wait in a socket. */
const MOST = 100;
/** Largest request; a larger one ends its connection. */
const MAX_REQUEST_BYTES = 10_000_000;

/** A request and what has to stand before its reply. */
interface Asked extends CommandRequest {
  readonly envelope: readonly Buffer[];
}

export class ZmqRep {
  private readonly sockets: Router[] = [];

  constructor(
    private readonly zeromq: ZeroMq,
    private readonly commands: Commands,
    private readonly log: Logger,
    /** Permissions of ipc files. */
    private readonly fileMode: number | undefined,
  ) {}

  /** @throws HoldfastError HOLDFAST_LISTEN_FAILED naming `setting` */
  async bind(spec: string, setting: string): Promise<string> {
    const socket = new this.zeromq.Router({
      receiveHighWaterMark: MOST,
      sendHighWaterMark: MOST,
      maxMessageSize: MAX_REQUEST_BYTES,
      linger: 0,
    });
    await bindSocket(socket, spec, `setting ${setting}`, this.fileMode);
    this.sockets.push(socket);
    void this.serve(socket);
    return socket.lastEndpoint ?? spec;
  }

  close(): void {
    for (const socket of this.sockets) socket.close();
  }

  private serve(socket: Router): Promise<void> {
    // A socket of the package sends one message at a time.
    let sent: Promise<void> = Promise.resolve();
    let underWay = 0;
    let relieved: (() => void) | undefined;
    const answer = (frames: Buffer[]): void => {
      sent = sent
        .then(() => (socket.closed ? undefined : socket.send(frames)))
        .catch((error: unknown) => this.log.debug(`a reply could not be sent: ${String(error)}`))
        .finally(() => {
          underWay -= 1;
          relieved?.();
        });
    };
    return receiveAll(socket, async (frames) => {
      const request = this.read(frames);
      if (request === undefined) return;
      underWay += 1;
      this.run(request, answer);
      // What is not received waits at those who ask.
      while (underWay >= MOST) {
        await new Promise<void>((resolve) => {
          relieved = resolve;
        });
      }
    });
  }

  private read(frames: readonly Buffer[]): Asked | undefined {
    const end = frames.findIndex(({ length }) => length === 0);
    const [message, ...more] = frames.slice(end + 1);
    const request = end < 1 || message === undefined || more.length > 0 ? undefined : parseCommand(message);
    if (request !== undefined) return { ...request, envelope: frames.slice(0, end + 1) };
    this.log.debug('IN command: received message with invalid format, skipping');
    return undefined;
  }

  private run({ envelope, id, command }: Asked, answer: (frames: Buffer[]) => void): void {
    const reply = (outcome: CommandOutcome): void => answer([...envelope, replyOf(id, outcome)]);
    if (command.kind === 'failed') reply(command);
    else this.commands.run(command, reply);
  }
}
