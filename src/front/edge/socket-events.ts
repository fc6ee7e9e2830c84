/** A socket's events, told to its connection by functions that all sockets share: none is made for each. */
import type { Socket } from 'node:net';

/** Who is told. */
export interface SocketListener {
  read(bytes: Buffer): void;
  /** The client has sent its end. */
  ended(): void;
  /** What was written has been taken. */
  drained(): void;
  closed(): void;
  /** The sweep comes by. */
  look(): void;
}

const kListener = Symbol('holdfast edge connection');
export type EdgeSocket = Socket & { [kListener]?: SocketListener };

export function listenTo(socket: EdgeSocket, listener: SocketListener): void {
  socket[kListener] = listener;
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('drain', onDrain);
  socket.on('close', onClose);
  socket.on('error', onError);
}

/** What comes from here on is somebody else's, all but the end of the connection. */
export function handOver(socket: EdgeSocket): void {
  socket.off('data', onData);
  socket.off('end', onEnd);
  socket.off('drain', onDrain);
}

export function listenerOf(socket: EdgeSocket): SocketListener | undefined {
  return socket[kListener];
}

function onData(this: EdgeSocket, bytes: Buffer): void {
  this[kListener]?.read(bytes);
}

function onEnd(this: EdgeSocket): void {
  this[kListener]?.ended();
}

function onDrain(this: EdgeSocket): void {
  this[kListener]?.drained();
}

function onClose(this: EdgeSocket): void {
  this[kListener]?.closed();
}

/** The socket closes after it, which is all there is to know. */
function onError(this: EdgeSocket): void {
  this.destroy();
}
