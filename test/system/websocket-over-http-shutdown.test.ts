/** The end of the proxy as the origin of a WebSocket sees it: whatever was under way, it hears of the end. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { opensOnly } from '../support/events-origin.js';
import { frame } from '../support/websocket-client.js';
import { Stage } from '../support/websocket-stage.js';

describe('closing the proxy', () => {
  const opened = new Opened();

  it('tells the origin of the end after a request that is under way', async () => {
    const stage = await Stage.set(opened, opensOnly);
    const client = await stage.openRaw();
    client.write(frame('text', 'x'));
    const request = await stage.origin.request(1);
    const closed = stage.holdfast.close();
    await client.untilClosed();
    request.answer();
    await closed;
    expect(stage.origin.story.at(-1)).toEqual(['DISCONNECT']);
  });
});
