/** Two ends of one TCP connection in this process. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Opened } from './closing.js';
import { within } from './deadline.js';

/** `near` is the end that was accepted. */
export async function socketPair(opened: Opened): Promise<[near: Socket, far: Socket]> {
  const server = opened.add(createServer(), (one) => one.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const far = opened.add(connect((server.address() as AddressInfo).port, '127.0.0.1'), (one) => one.destroy());
  const [near] = await within('the connection', accepted);
  return [opened.add(near, (one) => one.destroy()), far];
}
