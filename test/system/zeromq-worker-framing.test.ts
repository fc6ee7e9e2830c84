/** A ZeroMQ worker that lies about the length of its body: the client gets what there is, framed as it is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Reply } from 'zeromq';
import { decodeTnetstring, encodeTnetstring, type TnetMap } from '../../src/protocol/tnetstring.js';
import { clientPort, Opened } from '../support/closing.js';

describe('a worker behind zhttpreq', () => {
  const opened = new Opened();

  async function answering(headers: [string, string][]): Promise<number> {
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
    const address = `ipc://${folder}/worker`;
    const holdfast = await opened.holdfast({ routes: [`* zhttpreq/${address}`] });
    const socket = opened.add(new Reply({ linger: 0 }), (one) => one.close());
    socket.connect(address);
    const work = async (): Promise<void> => {
      for await (const [message] of socket) {
        const request = decodeTnetstring((message as Buffer).subarray(1)) as TnetMap;
        const answer = new Map<string, never>(
          Object.entries({ id: request.get('id'), code: 200, reason: 'OK', headers, body: 'hello world\n' }) as never,
        );
        await socket.send(Buffer.concat([Buffer.from('T'), encodeTnetstring(answer)]));
      }
    };
    void work().catch(() => {});
    return clientPort(holdfast);
  }

  it.each(['abc', '-1', '3', '50'])('that announces %s bytes', async (length) => {
    const port = await answering([['Content-Length', length]]);
    const client = await opened.get(port, '/');
    const expected = 'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello world\n';
    expect(await client.readAsLongAs(expected)).toBe(expected);
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await client.readAsLongAs(expected)).toBe(expected);
  });

  it('answers HEAD without a body', async () => {
    const port = await answering([]);
    const client = await opened.client(port);
    client.write('HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.readAnswer(true)).status).toBe(200);
    expect((await client.readAnswer()).body.toString()).toBe('hello world\n');
  });
});
