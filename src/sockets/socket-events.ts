/**
 * A socket's events, told to its listener by functions that all sockets share: none is made for each. Who listens may
 * change while the socket lasts (a connection, a handshake that waits, a hold); its owner stays.
 */
import type { Socket } from 'node:net';

/** Who is told. */
export interface SocketListener {
  read(bytes: Buffer): void;
  /** The other side has sent its end. */
  ended(): void;
  /** What was written has been taken. */
  drained(): void;
  closed(): void;
}

/** Whose server it came to. */
export interface SocketOwner {
  /** The sweep comes by. */
  look(): void;
  /** The socket is closed; its listener has heard of it. */
  removed(): void;
}

const kListener = Symbol('holdfast listener');
const kOwner = Symbol('holdfast owner');
type OwnSocket = Socket & { [kListener]?: SocketListener; [kOwner]?: SocketOwner };

/** From now on `listener` is told what happens, and nobody else who was told by this. */
export function listenTo(socket: OwnSocket, listener: SocketListener): void {
  const isNew = socket[kListener] === undefined;
  socket[kListener] = listener;
  if (!isNew) return;
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('drain', onDrain);
  socket.on('close', onClose);
  socket.on('error', onError);
}

/** What is read from here on is for somebody who listens in a way of his own; the end is still told. */
export function letGo(socket: OwnSocket): void {
  socket.off('data', onData);
  socket.off('end', onEnd);
  socket.off('drain', onDrain);
}

export function giveOwner(socket: OwnSocket, owner: SocketOwner): void {
  socket[kOwner] = owner;
}

export function ownerOf(socket: OwnSocket): SocketOwner | undefined {
  return socket[kOwner];
}

function onData(this: OwnSocket, bytes: Buffer): void {
  this[kListener]?.read(bytes);
}

function onEnd(this: OwnSocket): void {
  this[kListener]?.ended();
}

function onDrain(this: OwnSocket): void {
  this[kListener]?.drained();
}

function onClose(this: OwnSocket): void {
  this[kListener]?.closed();
  this[kOwner]?.removed();
}

/** The socket closes after it, which is all there is to know. */
function onError(this: OwnSocket): void {
  this.destroy();
}
