/** Opening of ZeroMQ sockets: folders for ipc files are made, their permissions set, failures explained. */
import { chmodSync } from 'node:fs';
import { HoldfastError } from '../errors/holdfast-error.js';
import { preparePath } from './ipc-path.js';

/** What can be bound; every socket of the package. */
export interface Bindable {
  bind(address: string): Promise<void>;
  close(): void;
}

/** What can be connected. */
export interface Connectable {
  connect(address: string): void;
  close(): void;
}

const IPC = 'ipc://';

/**
 * @param wantedBy - the setting or the route, for the message
 * @param fileMode - permissions of an ipc file; undefined leaves it as it is made
 * @throws HoldfastError HOLDFAST_LISTEN_FAILED; the socket is closed
 */
export async function bindSocket(socket: Bindable, spec: string, wantedBy: string, fileMode?: number): Promise<void> {
  const path = spec.startsWith(IPC) ? spec.slice(IPC.length) : undefined;
  try {
    if (path !== undefined) await preparePath(path);
    await socket.bind(spec);
    if (path !== undefined && fileMode !== undefined) chmodSync(path, fileMode);
  } catch (cause) {
    throw failure(socket, 'unable to bind to', spec, wantedBy, cause);
  }
}

/**
 * Connects to whoever is bound there, now or later.
 * @param wantedBy - the setting, for the message
 * @throws HoldfastError HOLDFAST_LISTEN_FAILED when this can be no address; the socket is closed
 */
export function connectSocket(socket: Connectable, spec: string, wantedBy: string): void {
  try {
    socket.connect(spec);
  } catch (cause) {
    throw failure(socket, 'cannot connect to', spec, wantedBy, cause);
  }
}

/** Whether a socket could not be bound because somebody has its address. */
export function isTaken({ cause }: HoldfastError): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
}

function failure(
  socket: { close(): void },
  what: string,
  spec: string,
  wantedBy: string,
  cause: unknown,
): HoldfastError {
  socket.close();
  const why = cause instanceof Error ? cause.message : String(cause);
  return new HoldfastError('HOLDFAST_LISTEN_FAILED', `${what} ${spec} (${wantedBy}): ${why}`, { cause });
}
