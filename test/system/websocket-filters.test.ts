/** Filters of WebSocket subscriptions (spec 6, 11.4, 11.6): who is skipped, what is filled in, what is too much. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { GRIP, opening } from '../support/events-origin.js';
import { Stage } from '../support/websocket-stage.js';

function control(message: object): string {
  return `TEXT c:${JSON.stringify(message)}`;
}

function subscribing(...filters: string[]): string {
  return control({ type: 'subscribe', channel: 'a', filters });
}

const ALICE = control({ type: 'set-meta', name: 'user', value: 'alice' });

function item(content: string, meta: Record<string, string> = {}): object {
  return { channel: 'a', meta, formats: { 'ws-message': { content } } };
}

describe('a filter of a subscription', () => {
  const opened = new Opened();

  it('keeps an item from its sender, and others get it', async () => {
    const stage = await Stage.set(opened, opening([ALICE, subscribing('skip-self')], GRIP));
    const client = await stage.open();
    stage.holdfast.publish(item('of alice', { sender: 'alice' }));
    stage.holdfast.publish(item('of bob', { sender: 'bob' }));
    await client.sees(1);
    expect(client.heard).toEqual(['text of bob']);
    expect(stage.holdfast.counters.dropped.filtered).toBe(1);
  });

  it('fills in what the origin has told of the client', async () => {
    const stage = await Stage.set(opened, opening([ALICE, subscribing('var-subst')], GRIP));
    const client = await stage.open();
    stage.holdfast.publish(item('hello %(user)s'));
    await client.sees(1);
    expect(client.heard).toEqual(['text hello alice']);
  });

  it('knows the channels the client is subscribed to', async () => {
    const stage = await Stage.set(opened, opening([subscribing('require-sub')], GRIP));
    const client = await stage.open();
    stage.holdfast.publish(item('no', { require_sub: 'private' }));
    stage.holdfast.publish(item('yes', { require_sub: 'a' }));
    await client.sees(1);
    expect(client.heard).toEqual(['text yes']);
  });

  it('is replaced by another subscription to the same channel', async () => {
    const stage = await Stage.set(opened, opening([ALICE, subscribing('skip-self'), subscribing()], GRIP));
    const client = await stage.open();
    stage.holdfast.publish(item('of alice', { sender: 'alice' }));
    await client.sees(1);
    expect(client.heard).toEqual(['text of alice']);
  });

  it('may come five times; a sixth ends the connection', async () => {
    const stage = await Stage.set(opened, opening([subscribing('a', 'b', 'c', 'd', 'e', 'f')], GRIP));
    const client = await stage.openRaw();
    expect((await client.read(4)).toString('hex')).toBe('880203f3');
  });
});
