/** Waits until a server does everything it is there for: a stream is held and gets what is published. */
import { setTimeout as pause } from 'node:timers/promises';
import { Fleet } from '../client/fleet.js';
import { HttpPublisher } from '../client/http-publisher.js';
import { Tally } from '../client/load.js';
import type { ServerPorts } from '../client/messages.js';
import { Sockets } from '../client/socket.js';
import { micros } from '../clock.js';
import { messageText, SMALLEST_MESSAGE } from '../payload.js';
import type { RunningProcess } from './processes.js';

/** Milliseconds. The processes of the original find each other some time after they listen. */
const PATIENCE = 25_000;
const ATTEMPT = 1_000;
const LOOK = 20;
/** From addresses no client process uses. */
const INDEX = 251;

/** @throws Error with what the server wrote, when it ends or is not ready in time */
export async function untilReady(server: RunningProcess, ports: ServerPorts): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    if (server.ending !== undefined) break;
    if (await attempt(ports)) return;
    await pause(LOOK);
  }
  const why = server.ending ?? `not ready within ${PATIENCE / 1_000} s`;
  throw new Error(`the server ${why}\n${server.output.trimEnd()}`);
}

async function attempt(ports: ServerPorts): Promise<boolean> {
  const sockets = new Sockets(INDEX);
  let arrived = false;
  let failed = false;
  const fleet = new Fleet(
    sockets,
    {
      transport: 'stream',
      port: ports.http,
      inFlight: 1,
      messageBytes: SMALLEST_MESSAGE,
      unread: 0,
      pathOf: () => '/stream?ch=ready',
    },
    new Tally(),
    {
      message: () => {
        arrived = true;
      },
      closed: () => {
        failed = true;
      },
    },
  );
  const publisher = new HttpPublisher(sockets, ports.control, 1);
  void fleet.grow(1);
  const deadline = Date.now() + ATTEMPT;
  while (!arrived && !failed && Date.now() < deadline) {
    if (fleet.open === 1) {
      publisher.publish('ready', 'http-stream', messageText(0, micros(), SMALLEST_MESSAGE), () => {});
    }
    await pause(LOOK);
  }
  fleet.stop();
  publisher.close();
  return arrived;
}
