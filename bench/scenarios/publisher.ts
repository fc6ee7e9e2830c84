/** How the driver publishes to the channel all clients have: over HTTP, or over ZeroMQ. */
import type { Push } from 'zeromq';
import { type Format, HttpPublisher } from '../client/http-publisher.js';
import type { ServerPorts } from '../client/messages.js';
import { Requester } from '../client/requester.js';
import { Sockets } from '../client/socket.js';

/** From addresses no client process uses. */
const INDEX = 250;

export interface Publisher {
  /** Resolves when the next one may follow. @returns false when the server refused it */
  publish(channel: string, format: Format, content: string): Promise<boolean>;
  close(): void;
}

export function httpPublisher({ control }: ServerPorts): Publisher {
  const publisher = new HttpPublisher(new Sockets(INDEX), control, 1);
  return {
    publish: (channel, format, content) =>
      new Promise((resolve) => publisher.publish(channel, format, content, resolve)),
    close: () => publisher.close(),
  };
}

/** Publishes by `POST path` on the port for clients; channel and format have no meaning there. */
export function pathPublisher({ http }: ServerPorts, path: string): Publisher {
  const requester = new Requester(new Sockets(INDEX), http);
  const head = `POST ${path} HTTP/1.1\r\nHost: bench.example\r\nContent-Type: text/plain\r\nContent-Length:`;
  return {
    publish: (_channel, _format, content) =>
      new Promise((resolve) => {
        requester.send(`${head} ${content.length}\r\n\r\n${content}`, { done: (status) => resolve(status === 200) });
      }),
    close: () => requester.close(),
  };
}

export async function zmqPublisher({ pull }: ServerPorts): Promise<Publisher> {
  const zeromq = await import('zeromq');
  const push: Push = new zeromq.Push({ linger: 0 });
  push.connect(`tcp://127.0.0.1:${pull}`);
  return {
    publish: async (channel, format, content) => {
      await push.send(itemPacket(channel, format, content));
      return true;
    },
    close: () => push.close(),
  };
}

export async function hasZeroMq(): Promise<boolean> {
  return import('zeromq').then(
    () => true,
    () => false,
  );
}

/** An item as a tnetstring. */
export function itemPacket(channel: string, format: Format, content: string): string {
  const text = (value: string): string => `${Buffer.byteLength(value)}:${value},`;
  const map = (inside: string): string => `${Buffer.byteLength(inside)}:${inside}}`;
  const member = text(format === 'http-response' ? 'body' : 'content') + text(content);
  return map(text('channel') + text(channel) + text('formats') + map(text(format) + map(member)));
}
