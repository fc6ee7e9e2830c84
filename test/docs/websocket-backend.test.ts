/** The backend of twenty lines in docs/websockets.md: what the page prints is what runs. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { Child, PROJECT } from '../support/child.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { within } from '../support/deadline.js';

describe('the backend of twenty lines', () => {
  const opened = new Opened();

  it('stands in the page as it is', () => {
    const page = readFileSync(join(PROJECT, 'docs/websockets.md'), 'utf8');
    const file = readFileSync(join(PROJECT, 'examples/websocket-backend.mjs'), 'utf8');
    expect(page).toContain(`\`\`\`js\n${file}\`\`\``);
  });

  it('answers what clients say, and lets publishers reach them', async () => {
    const backend = opened.add(Child.node(['examples/websocket-backend.mjs', '0']), (child) => child.stop());
    const holdfast = await opened.holdfast({ routes: [`* 127.0.0.1:${await backend.port()},over_http`] });
    const socket = opened.add(new WebSocket(`ws://127.0.0.1:${clientPort(holdfast)}/`), (one) => one.terminate());
    await within('the opening', once(socket, 'open'));
    for (const said of ['hello', '', 'ünïcode', 'x'.repeat(300)]) {
      const answer = once(socket, 'message');
      socket.send(said);
      expect(String((await within('the answer', answer))[0])).toBe(`you said ${said}`);
    }
    const published = once(socket, 'message');
    const items = [{ channel: 'room', formats: { 'ws-message': { content: 'to the room' } } }];
    await fetch(`${controlUri(holdfast)}/publish/`, { method: 'POST', body: JSON.stringify({ items }) });
    expect(String((await within('what is published', published))[0])).toBe('to the room');
    const closed = once(socket, 'close');
    socket.close(1000);
    await within('the close', closed);
  });
});
