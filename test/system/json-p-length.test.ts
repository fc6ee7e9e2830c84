/** How the length of an answer is told when it is wrapped into a call (specification 3.11). */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { type RawConnection, RawOrigin, type RawReply } from '../support/raw-origin.js';

const EMPTY = 'Upstream response could not be JSON-P encoded.\n';

describe('an answer that is wrapped', () => {
  const opened = new Opened();

  async function setUp(reply: RawReply, properties = ''): Promise<{ origin: RawOrigin; port: number }> {
    const origin = opened.add(await RawOrigin.start(), (one) => one.stop());
    origin.reply('/', reply);
    const holdfast = await opened.holdfast({ routes: [`*,aco${properties} ${origin.target}`] });
    return { origin, port: clientPort(holdfast) };
  }

  function script(body: string): string {
    return `HTTP/1.1 200 OK\r\nContent-Type: application/javascript\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  }

  it.each([
    ['extended', '', '/**/cb({"code": 200, "reason": "OK", "headers": {"Content-Length":"5"}, "body": "hello"});\n'],
    ['basic', ',jsonp_mode=basic', '/**/cb(hello);\n'],
  ])('has a length when its own is known, however it comes, in %s mode', async (_mode, properties, body) => {
    const { origin, port } = await setUp(
      ({ connection }) => connection.write('HTTP/1.1 200 OK\r\nContent-Le'),
      properties,
    );
    const client = await opened.get(port, '/?callback=cb');
    const { connection } = await origin.request('/');
    await said(connection, 'ngth: 5\r\n\r\nhe');
    await said(connection, 'l');
    connection.write('lo');
    const expected = script(body);
    expect(await client.readAsLongAs(expected)).toBe(expected);
  });

  it('leaves the connection of an HTTP/1.0 client open', async () => {
    const { port } = await setUp('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1', ',jsonp_mode=basic');
    const client = await opened.client(port);
    for (let time = 1; time <= 2; time += 1) {
      client.write('GET /?callback=cb HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
      expect((await client.readAnswer()).body.toString()).toBe('/**/cb(1);\n');
    }
  });

  it('cannot be made of nothing in basic mode', async () => {
    const { port } = await setUp('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', ',jsonp_mode=basic');
    const client = await opened.get(port, '/?callback=cb');
    const expected = `HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: ${EMPTY.length}\r\n\r\n${EMPTY}`;
    expect(await client.readAsLongAs(expected)).toBe(expected);
  });

  it('goes through in chunks as it comes when it is long', async () => {
    const { origin, port } = await setUp(({ connection }) => {
      connection.write(`HTTP/1.1 200 OK\r\nContent-Length: 65540\r\n\r\n${'x'.repeat(10)}`);
    });
    const client = await opened.get(port, '/?callback=cb');
    const head = await client.readUntil('\r\n\r\n');
    expect(head).toContain('Transfer-Encoding: chunked\r\n');
    await client.readUntil('xxxxxxxxxx\r\n');
    (await origin.request('/')).connection.write('y'.repeat(65_530));
    expect(await client.readUntil('0\r\n\r\n')).toMatch(/yyy"}\);\n\r\n0\r\n\r\n$|yyy\r\n5\r\n"}\);\n\r\n0\r\n\r\n$/);
  });

  it('that breaks off in the middle of what was waited for is not given for whole', async () => {
    const { origin, port } = await setUp(({ connection }) => {
      connection.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe');
    });
    const client = await opened.get(port, '/?callback=cb');
    (await origin.request('/')).connection.socket.destroy();
    await client.untilClosed();
    expect(client.pending).not.toContain('"});');
    expect(client.pending).not.toContain('0\r\n\r\n');
  });

  /** Resolves when the bytes have left on their own. */
  function said(connection: RawConnection, bytes: string): Promise<void> {
    return new Promise((resolve) => {
      connection.socket.write(bytes, 'latin1', () => setImmediate(resolve));
    });
  }
});
