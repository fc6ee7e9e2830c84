/** The example `express-websocket`: Express with the packages `grip` and `express-grip`, and clients of the package `ws`. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Child } from '../support/child.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { within } from '../support/deadline.js';
import { Relay } from '../support/relay.js';

describe('the example express-websocket', () => {
  const opened = new Opened();

  /** Starts the app on a free port; Holdfast finds it through the relay, before and after a restart. */
  async function startApp(control: string, relay: Relay): Promise<Child> {
    const environment = { CONTROL_URI: control };
    const app = opened.add(Child.node(['examples/express-websocket/app.js', '0'], { environment }), (child) =>
      child.stop(),
    );
    relay.targetPort = await app.port();
    return app;
  }

  async function start() {
    const relay = opened.add(await Relay.start(), (one) => one.stop());
    const holdfast = await opened.holdfast({ routes: [`* 127.0.0.1:${relay.port},over_http`] });
    const control = controlUri(holdfast);
    return { relay, control, app: await startApp(control, relay), port: clientPort(holdfast) };
  }

  async function connect(port: number): Promise<WebSocket> {
    const socket = opened.add(new WebSocket(`ws://127.0.0.1:${port}/websocket`), (one) => one.terminate());
    await within('the opening of a WebSocket', once(socket, 'open'));
    return socket;
  }

  async function nextMessage(socket: WebSocket): Promise<string> {
    const [content] = await within('a message at a WebSocket client', once(socket, 'message'));
    return String(content);
  }

  it('lets two clients hear what one of them says', async () => {
    const { port } = await start();
    const [one, two] = [await connect(port), await connect(port)];
    const heard = Promise.all([nextMessage(one), nextMessage(two)]);
    one.send('hello everybody');
    expect(await heard).toEqual(['hello everybody', 'hello everybody']);

    const answered = Promise.all([nextMessage(one), nextMessage(two)]);
    two.send('hello back');
    expect(await answered).toEqual(['hello back', 'hello back']);
  });

  it('can be restarted without its clients noticing', async () => {
    const { app, relay, control, port } = await start();
    const [one, two] = [await connect(port), await connect(port)];
    await app.stop();
    await startApp(control, relay);

    const heard = Promise.all([nextMessage(one), nextMessage(two)]);
    one.send('the app was away');
    expect(await heard).toEqual(['the app was away', 'the app was away']);
    expect([one.readyState, two.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN]);
  });

  it('closes in order when the client does', async () => {
    const { port } = await start();
    const socket = await connect(port);
    socket.close(1000, 'done');
    const [code] = await within('the close of the WebSocket', once(socket, 'close'));
    // The library's answer names no code of its own.
    expect([1000, 1005]).toContain(code);
  });

  it('answers ordinary requests as before', async () => {
    const { port } = await start();
    const answer = await fetch(`http://127.0.0.1:${port}/hello`);
    expect([answer.status, await answer.text()]).toEqual([200, 'hello world\n']);
  });
});
