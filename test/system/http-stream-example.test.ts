/** The example `http-stream`: an ordinary HTTP backend in a process of its own, and the exact bytes its client gets. */
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';

const HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n';

describe('the example http-stream', () => {
  const opened = new Opened();

  async function start() {
    const backend = opened.add(Child.node(['examples/http-stream/server.js', '0']), (child) => child.stop());
    const holdfast = await opened.holdfast({ routes: [`* 127.0.0.1:${await backend.port()}`] });
    return { backend, holdfast, port: clientPort(holdfast) };
  }

  async function publish(uri: string, content: string): Promise<Response> {
    const items = [{ channel: 'test', formats: { 'http-stream': { content } } }];
    return fetch(`${uri}/publish`, { method: 'POST', body: JSON.stringify({ items }) });
  }

  it('sends the head in the order of the original, the welcome, and what is published, byte for byte', async () => {
    const { holdfast, port } = await start();
    const client = await opened.get(port, '/');
    const opening = `${HEAD}16\r\nwelcome to the stream\n\r\n`;
    expect(await client.readAsLongAs(opening)).toBe(opening);

    const answer = await publish(controlUri(holdfast), 'hello there\n');
    expect([answer.status, await answer.text()]).toEqual([200, 'Published\n']);

    const chunk = 'c\r\nhello there\n\r\n';
    expect(await client.readAsLongAs(chunk)).toBe(chunk);
    expect(client.pending).toBe('');
  });

  it('keeps the client when the backend has ended', async () => {
    const { backend, holdfast, port } = await start();
    const client = await opened.get(port, '/');
    await client.readUntil('welcome to the stream\n\r\n');
    await backend.stop();
    await publish(controlUri(holdfast), 'still here\n');
    expect(await client.readUntil('\n\r\n')).toBe('b\r\nstill here\n\r\n');
    expect(client.closed).toBe(false);
  });

  it('is published to with the curl command of its comment', async () => {
    const { holdfast, port } = await start();
    const client = await opened.get(port, '/');
    await client.readUntil('welcome to the stream\n\r\n');
    const body = '{"items":[{"channel":"test","formats":{"http-stream":{"content":"hello there\\n"}}}]}';
    const curl = opened.add(Child.start('curl', ['-sS', '-d', body, `${controlUri(holdfast)}/publish`]), (child) =>
      child.stop(),
    );
    expect(await curl.ended()).toMatchObject({ code: 0, stdout: 'Published\n' });
    expect(await client.readUntil('\n\r\n')).toBe('c\r\nhello there\n\r\n');
  });
});
