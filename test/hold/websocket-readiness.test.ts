/** A held WebSocket whose channels are known to another process: what its origin says behind a subscription waits. */
import { describe, expect, it } from 'vitest';
import { RecordingUplink } from '../support/recording-uplink.js';
import { RecordingWebSocket } from '../support/recording-websocket.js';
import { sampleHolds } from '../support/sample-hold-parts.js';
import { nextTurn } from '../support/sample-hub.js';
import { textItem } from '../support/sample-items.js';

function setUp() {
  const uplink = new RecordingUplink();
  const { parts, hub, counters } = sampleHolds({ uplink });
  return { hold: new RecordingWebSocket(parts), hub, counters, uplink };
}

const subscribe = (channel: string): object => ({ type: 'subscribe', channel });

describe('what an origin says behind a subscription', () => {
  it('waits until the channel is connected, and goes out in its order then', async () => {
    const { hold, hub } = setUp();
    hold.say('before');
    hold.control(subscribe('a'));
    hold.say('one');
    hold.say('two');
    expect(hold.calls).toEqual(['text before']);
    hub.opened('a', undefined);
    expect(hold.calls).toEqual(['text before', 'text one', 'text two']);
    hub.receive(textItem('a', 'item'));
    hold.say('three');
    await nextTurn();
    expect(hold.calls.slice(3)).toEqual(['text three', 'text item']);
  });

  it('waits again behind each further subscription', () => {
    const { hold, hub, uplink } = setUp();
    hold.control(subscribe('a'));
    hold.say('one');
    hold.control(subscribe('b'));
    hold.say('two');
    expect(uplink.calls).toEqual(['open a']);
    hub.opened('a', undefined);
    expect(hold.calls).toEqual(['text one']);
    hold.say('three');
    hub.opened('b', undefined);
    expect(hold.calls).toEqual(['text one', 'text two', 'text three']);
    expect([hub.count('a', 'ws'), hub.count('b', 'ws')]).toEqual([1, 1]);
  });

  it('does not wait for a channel that somebody has already', () => {
    const { hold, hub } = setUp();
    hold.subscribe('a');
    hub.opened('a', undefined);
    hold.control(subscribe('a'));
    hold.say('one');
    expect(hold.calls).toEqual(['text one']);
  });

  it('is followed by its breaking off', () => {
    const { hold, hub } = setUp();
    hold.control(subscribe('a'));
    hold.say('last');
    hold.drop();
    expect(hold.calls).toEqual([]);
    hub.opened('a', undefined);
    expect(hold.calls.slice(0, 2)).toEqual(['text last', 'break']);
  });

  it('is followed by its close', () => {
    const { hold, hub } = setUp();
    hold.control(subscribe('a'));
    hold.say('last');
    hold.close(4000, 'bye');
    expect(hold.calls).toEqual([]);
    hub.opened('a', undefined);
    expect(hold.calls).toEqual(['text last', 'close 4000 bye']);
    expect(hub.channelCount).toBe(0);
  });

  it('is followed by its going, when it detaches', () => {
    const { hold, hub } = setUp();
    hold.control(subscribe('a'));
    hold.control({ type: 'detach' });
    hold.say('too late');
    hub.opened('a', undefined);
    expect(hold.recordedOrigin.calls).toEqual(['closed 1000', 'gone']);
    expect(hold.calls).not.toContain('text too late');
    expect(hub.count('a', 'ws')).toBe(1);
  });

  it('is dropped with the client, and the channel is closed', () => {
    const { hold, hub, counters, uplink } = setUp();
    hold.control(subscribe('a'));
    hold.say('nobody');
    hold.connectionClosed();
    expect(counters.holds.ws).toBe(0);
    hub.opened('a', undefined);
    expect([hold.calls, hub.channelCount]).toEqual([[], 0]);
    expect(uplink.calls).toEqual(['open a', 'close a']);
  });
});
