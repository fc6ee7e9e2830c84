/**
 * One end of the pipe between the main process and a worker. What is sent in one turn of the event loop leaves in one
 * write; what comes is handed on frame by frame.
 */
import type { Socket } from 'node:net';
import { deserialize, serialize } from 'node:v8';
import { joinedBytes } from '../../protocol/joined-bytes.js';
import { type FramePayload, FrameReader, plainFrame } from './frames.js';

/** The frame type of messages that are rare, as plain objects; all others are the business of their codecs. */
const PLAIN = 0;

export interface BusHandler<Message> {
  message(message: Message): void;
  /** A frame of another type. */
  frame(type: number, payload: FramePayload): void;
  /** The other process has gone. Called once. */
  lost(): void;
}

export class Bus<Sent, Received> {
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private turn: NodeJS.Immediate | undefined = undefined;
  private relief: (() => void)[] = [];
  private over = false;

  constructor(
    private readonly socket: Socket,
    handler: BusHandler<Received>,
  ) {
    const reader = new FrameReader((type, payload) => {
      if (type === PLAIN) handler.message(deserialize(payload.rest()) as Received);
      else handler.frame(type, payload);
    });
    socket.on('data', (bytes: Buffer) => reader.read(bytes));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.over = true;
      this.relieve();
      handler.lost();
    });
    // The other end is never half closed: it goes as a whole, with its process.
    socket.on('end', () => socket.destroy());
  }

  /** Bytes that the other process has not taken yet. */
  get queuedBytes(): number {
    return this.waitingBytes + this.socket.writableLength;
  }

  send(message: Sent): void {
    this.sendFrame(plainFrame(PLAIN, serialize(message)));
  }

  /** @param frame - whole, made by a `FrameWriter`; not changed afterwards */
  sendFrame(frame: Buffer): void {
    if (this.over) return;
    this.waiting.push(frame);
    this.waitingBytes += frame.length;
    this.turn ??= setImmediate(this.flush);
  }

  /** Calls `run` when everything that waits has been taken, or the other process has gone. */
  whenTaken(run: () => void): void {
    this.flush();
    if (this.over || this.socket.writableLength === 0) run();
    else this.relief.push(run);
  }

  /** Sends what waits and ends; resolves when it has been taken. */
  end(): Promise<void> {
    this.flush();
    return new Promise((resolve) => this.socket.end(() => resolve()));
  }

  private readonly flush = (): void => {
    if (this.turn !== undefined) clearImmediate(this.turn);
    this.turn = undefined;
    const { waiting } = this;
    if (waiting.length === 0 || this.over) return;
    this.waiting = [];
    this.waitingBytes = 0;
    this.socket.write(joinedBytes(waiting), this.taken);
  };

  /** Not by `drain`, which says nothing of writes that were small. */
  private readonly taken = (): void => {
    if (this.socket.writableLength === 0) this.relieve();
  };

  private relieve(): void {
    for (const run of this.relief.splice(0)) run();
  }
}
