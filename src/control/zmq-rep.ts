/**
 * Commands over ZeroMQ (specification 8.3). A ROUTER that speaks the envelope of REQ, so that answers may come in any
 * order: `[identity…, empty, request]` in, `[identity…, empty, reply]` out.
 */
import type { Router } from 'zeromq';
import type { Counters } from '../observe/counters.js';
import type { Logger } from '../observe/logger.js';
import type { ReadableRate } from '../observe/readable-rate.js';
import { bindSocket } from '../zeromq/bind.js';
import { hardLimitOf } from '../zeromq/hard-limit.js';
import type { ZeroMq } from '../zeromq/load-zeromq.js';
import { receiveAll } from '../zeromq/receive-all.js';
import { type CommandRequest, parseCommand, replyOf } from './command-messages.js';
import type { CommandOutcome, Commands } from './commands.js';

/** Requests that may be under way, and as many again, and answers to one client, that may wait in a socket. */
const MOST = 100;
/** Parts before the empty one: one for the connection, and one for each device that the request came through. */
const MAX_ENVELOPE = 16;

/** A request and what has to stand before its reply. */
interface Asked extends CommandRequest {
  readonly envelope: readonly Buffer[];
}

export interface ZmqRepParts {
  readonly zeromq: ZeroMq;
  readonly commands: Commands;
  readonly log: Logger;
  readonly warnings: ReadableRate;
  readonly counters: Counters;
  /** A larger request is skipped. */
  readonly maxRequestBytes: number;
  /** Permissions of ipc files. */
  readonly fileMode: number | undefined;
}

export class ZmqRep {
  private readonly sockets: Router[] = [];

  constructor(private readonly parts: ZmqRepParts) {}

  /** @throws HoldfastError HOLDFAST_LISTEN_FAILED naming `setting` */
  async bind(spec: string, setting: string): Promise<string> {
    const { zeromq, maxRequestBytes, fileMode } = this.parts;
    const socket = new zeromq.Router({
      receiveHighWaterMark: MOST,
      sendHighWaterMark: MOST,
      maxMessageSize: hardLimitOf(maxRequestBytes),
      // A reply that a client has no room for is told to us instead of dropped.
      mandatory: true,
      sendTimeout: 0,
      linger: 0,
    });
    await bindSocket(socket, spec, `setting ${setting}`, fileMode);
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
        .catch((error: unknown) => this.unsent(error))
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
    const end = frames.slice(0, MAX_ENVELOPE + 1).findIndex(({ length }) => length === 0);
    const [message, ...more] = frames.slice(end + 1, end + 3);
    if (end < 1 || message === undefined || more.length > 0) return this.refused('command-format');
    if (message.length > this.parts.maxRequestBytes) return this.refused('command-size');
    const request = parseCommand(message);
    return request === undefined ? this.refused('command-format') : { ...request, envelope: frames.slice(0, end + 1) };
  }

  /** Nobody is answered then, as by the original. */
  private refused(kind: 'command-format' | 'command-size'): undefined {
    const { counters, warnings, maxRequestBytes } = this.parts;
    counters.dropped['invalid-request'] += 1;
    const what =
      kind === 'command-format'
        ? 'with invalid format'
        : `of more than ${maxRequestBytes} bytes (control.max_body_bytes)`;
    warnings.warn(kind, `IN command: received message ${what}, skipping`);
    return undefined;
  }

  private unsent(error: unknown): void {
    const { counters, warnings, log } = this.parts;
    if (codeOf(error) !== 'EAGAIN') {
      log.debug(`a reply could not be sent: ${String(error)}`);
      return;
    }
    counters.dropped['unread-reply'] += 1;
    warnings.warn('unread-reply', `IN command: a client does not read its replies, ${MOST} wait, dropping`);
  }

  private run({ envelope, id, command }: Asked, answer: (frames: Buffer[]) => void): void {
    const reply = (outcome: CommandOutcome): void => answer([...envelope, replyOf(id, outcome)]);
    if (command.kind === 'failed') reply(command);
    else this.parts.commands.run(command, reply);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
