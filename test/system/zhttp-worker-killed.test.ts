/** A ZHTTP worker process that is killed at each point of an exchange: what the client sees, and that nothing is left. */
import { describe, expect, it } from 'vitest';
import { Child } from '../support/child.js';
import { Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { ZhttpStage } from '../support/zhttp-stage.js';

describe('a worker that is killed', () => {
  const opened = new Opened();

  async function start(): Promise<{ stage: ZhttpStage; child: Child }> {
    const stage = await ZhttpStage.start(opened);
    const child = opened.add(Child.node(['test/support/zhttp-child.mjs', stage.spec]), (one) => one.stop());
    await child.says(/^ready$/m);
    return { stage, child };
  }

  async function kill(child: Child): Promise<void> {
    child.signal('SIGKILL');
    await child.ended();
  }

  /** The place of the dead is free: whoever comes next is asked. */
  async function othersAreServed(stage: ZhttpStage): Promise<void> {
    const worker = await stage.worker('child');
    const client = await stage.get('/after');
    const session = await worker.session();
    await session.head();
    await session.send({ body: 'served' });
    expect((await client.readAnswer()).body.toString()).toBe('served');
    await stage.empty();
    expect(worker.count).toBe(1);
  }

  it('before it answers leaves its client waiting for a minute, because nobody knows whose request it had', async () => {
    const { stage, child } = await start();
    const client = await stage.get('/silent');
    await child.says(/^did \/silent$/m);
    await kill(child);
    stage.clock.advance(59_000);
    expect(client.receivedBytes).toBe(0);
    stage.clock.advance(2_000);
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([502, 'Error: zhttp service for route is unreachable.\n']);
    await turnUntil('the end of the session', () => stage.sessions.size === 0);
    // The sockets remember for another minute whom to cancel, should the request have lain unread.
    expect(stage.sockets.sessions()).toBe(1);
  });

  it('after the head breaks the answer off at once', async () => {
    const { stage, child } = await start();
    const client = await stage.get('/head');
    const head = await client.readUntil('\r\n\r\n');
    expect(head).toContain('HTTP/1.1 200 OK\r\n');
    await kill(child);
    await client.untilClosed();
    expect(client.pending).toBe('');
    await stage.empty();
    await othersAreServed(stage);
  });

  it('in the middle of the body breaks the answer off at once, without a last chunk', async () => {
    const { stage, child } = await start();
    const client = await stage.get('/body');
    await client.readUntil('half of it\r\n');
    await kill(child);
    await client.untilClosed();
    expect(client.pending).toBe('');
    await stage.empty();
    await othersAreServed(stage);
  });

  it('while it owes credits for an upload answers the client 502 at once', async () => {
    const { stage, child } = await start();
    const client = await stage.send(
      `POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n${'x'.repeat(300_000)}`,
    );
    // The thousand bytes that it has given credits for.
    await child.says(/^got data$/m);
    await kill(child);
    expect((await client.readAnswer()).status).toBe(502);
    await stage.empty();
    await othersAreServed(stage);
  });

  it('with an open WebSocket drops the client at once, without a close', async () => {
    const { stage, child } = await start();
    const client = stage.webSocket('/socket');
    expect(await client.sees(1)).toBe('text hello');
    await kill(child);
    expect(await client.ended()).toBe('close 1006');
    await stage.empty();
    expect(stage.counters.holds.ws).toBe(0);
    await othersAreServed(stage);
  });
});
