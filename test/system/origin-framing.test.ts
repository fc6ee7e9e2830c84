/** Origins whose framing cannot be trusted, or means nothing: what the client gets of their answers. */

import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { ORIGIN_CLIENTS } from '../support/origin-clients.js';

describe.each(ORIGIN_CLIENTS)('an origin, with the client %s', (client) => {
  const opened = new Opened(client);

  /** An origin that answers everything with these bytes and keeps the connection. */
  async function proxied(bytes: string) {
    const server: Server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write(bytes));
    });
    opened.add(server, (one) => one.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const holdfast = await opened.holdfast({ routes: [`* 127.0.0.1:${port}`] });
    return { holdfast, port: clientPort(holdfast) };
  }

  it.each(['gzip', 'gzip, chunked', 'chunked, gzip'])('that uses the coding %s is not relayed', async (coding) => {
    const { port } = await proxied(`HTTP/1.1 200 OK\r\nTransfer-Encoding: ${coding}\r\n\r\n4\r\nzzzz\r\n0\r\n\r\n`);
    const client = await opened.get(port, '/');
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([502, 'Error while proxying to origin.\n']);
  });

  it.each(['204 No Content', '304 Not Modified'])('that gives %s a length has answered in full', async (status) => {
    const { holdfast, port } = await proxied(`HTTP/1.1 ${status}\r\nContent-Length: 5\r\nX-A: 1\r\n\r\n`);
    const client = await opened.get(port, '/');
    const expected = `HTTP/1.1 ${status}\r\nX-A: 1\r\n\r\n`;
    expect(await client.readAsLongAs(expected)).toBe(expected);
    expect(holdfast.counters.originFailures).toBe(0);
  });
});
