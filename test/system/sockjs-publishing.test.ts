/** Publishing to SockJS clients (spec 13, 11): GRIP works inside of sessions as on any WebSocket. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { elementEncoding, framedEncoding } from '../../src/hold/sockjs-frames.js';
import { Opened } from '../support/closing.js';
import { type EventsScript, GRIP, opening, subscribe } from '../support/events-origin.js';
import { answerOf, text } from '../support/sockjs-requests.js';
import { OPENED, SEND, SockjsStage, XHR } from '../support/sockjs-stage.js';
import type { StageOptions } from '../support/websocket-stage.js';

const FRAMED = '/echo/000/abc/websocket';

function item(format: object, more: object = {}): object {
  return { channel: 'a', formats: { 'ws-message': format }, ...more };
}

describe('a publish', () => {
  const opened = new Opened();
  const subscribing = opening([subscribe('a')], GRIP);

  afterEach(() => vi.restoreAllMocks());

  async function set(script: EventsScript = subscribing, options: StageOptions = {}) {
    const one = await SockjsStage.set(opened, script, options);
    return { one, ...one, holdfast: one.stage.holdfast };
  }

  it('reaches clients that poll and clients with frames, encoded for each of these once', async () => {
    const { stage, sockjs, holdfast } = await set();
    const ids = ['s1', 's2', 's3'];
    for (const id of ids) expect(await sockjs.post(`/echo/0/${id}/xhr`)).toBe(OPENED);
    const framed = [await stage.open(FRAMED), await stage.open(FRAMED)];
    const raw = await stage.open('/echo/websocket');
    const encodings = [vi.spyOn(elementEncoding, 'encode'), vi.spyOn(framedEncoding, 'encode')];
    expect(holdfast.publish(item({ content: 'n\u00e9ws' }))).toEqual({ kind: 'sent', receivers: 6 });
    for (const client of framed) expect(await client.sees(2)).toBe('text a["n\xc3\xa9ws"]');
    expect(await raw.sees(1)).toBe('text n\xc3\xa9ws');
    for (const id of ids) expect(await sockjs.post(`/echo/0/${id}/xhr`)).toBe(text('a["n\u00e9ws"]\n'));
    expect(holdfast.counters.delivered).toBe(6);
    for (const encoding of encodings) expect(encoding).toHaveBeenCalledTimes(1);
  });

  it('answers a poll that waits, in one answer with others of the same turn', async () => {
    const { one, holdfast } = await set();
    await one.open();
    const poll = await one.poll();
    holdfast.publish(item({ content: '1' }));
    holdfast.publish(item({ content: '2' }));
    holdfast.publish(item({ 'content-bin': '/wA=' }));
    holdfast.publish(item({ type: 'ping', content: 'not for SockJS' }));
    expect(await answerOf(poll)).toBe(text('a["1","2","\ufffd\\u0000"]\n'));
  });

  it('between polls waits for the next one, however many there are', async () => {
    const { one, sockjs, holdfast } = await set();
    await one.open();
    const numbers = Array.from({ length: 500 }, (_, index) => String(index));
    for (const content of numbers) holdfast.publish(item({ content }));
    await one.stage.turns(2);
    expect(await sockjs.post(XHR)).toBe(text(`a${JSON.stringify(numbers)}\n`));
  });

  it('of a ping is for raw WebSockets alone', async () => {
    const { stage, holdfast } = await set();
    const framed = await stage.open(FRAMED);
    const raw = await stage.open('/echo/websocket');
    holdfast.publish(item({ type: 'ping', content: 'p' }));
    holdfast.publish(item({ content: 'x' }));
    expect(await raw.sees(1)).toBe('ping p');
    expect(await framed.sees(2)).toBe('text a["x"]');
  });

  it.each([
    ['a code and a reason', { code: 4005, reason: 'r' }, 'c[4005,"r"]\n', 'close 4005 r'],
    ['no code', {}, 'c[0,"Connection closed"]\n', 'close 1000'],
  ])('closes with %s', async (_what, format, polled, framed) => {
    const { one, stage, holdfast, sockjs, origin } = await set();
    await one.open();
    const poll = await one.poll();
    const client = await stage.open(FRAMED);
    holdfast.publish(item({ content: 'last' }));
    expect(await answerOf(poll)).toBe(text('a["last"]\n'));
    holdfast.publish(item({ action: 'close', ...format }));
    expect(await client.ended()).toBe(framed);
    expect(await sockjs.post(XHR)).toBe(text(polled));
    expect(await sockjs.post(SEND, '["x"]')).toBe(text(polled));
    await origin.request(3);
    expect(origin.story.slice(2)).toEqual([['CLOSE'], ['CLOSE']]);
    expect(holdfast.publish(item({ content: 'late' }))).toEqual({ kind: 'sent', receivers: 0 });
  });

  it('passes the filters of the subscription', async () => {
    const control = { type: 'subscribe', channel: 'a', filters: ['skip-self', 'var-subst'] };
    const meta = { type: 'set-meta', name: 'user', value: 'alice' };
    const script = opening([`TEXT c:${JSON.stringify(meta)}`, `TEXT c:${JSON.stringify(control)}`], GRIP);
    const { one, stage, holdfast, sockjs } = await set(script);
    await one.open();
    const client = await stage.open(FRAMED);
    holdfast.publish(item({ content: 'of herself' }, { meta: { sender: 'alice' } }));
    holdfast.publish(item({ content: 'for %(user)s' }, { meta: { sender: 'bob' } }));
    expect(await client.sees(2)).toBe('text a["for alice"]');
    expect(await sockjs.post(XHR)).toBe(text('a["for alice"]\n'));
  });

  it('reaches nobody when the session is over', async () => {
    const { one, clock, holdfast } = await set();
    await one.open();
    expect(holdfast.publish(item({ content: 'x' }))).toEqual({ kind: 'sent', receivers: 1 });
    clock.advance(5_100);
    expect(holdfast.publish(item({ content: 'x' }))).toEqual({ kind: 'sent', receivers: 0 });
    expect(holdfast.counters.holds.ws).toBe(0);
  });

  it('reaches a client whose origin says it behind the prefix, and whose control messages stay here', async () => {
    const script = opening([subscribe('a'), 'TEXT m:hello', 'TEXT without prefix', 'BINARY m:bytes'], GRIP);
    const { one, sockjs } = await set(script);
    await one.open();
    expect(await sockjs.post(XHR)).toBe(text('a["hello","bytes"]\n'));
  });

  it('waits for a client that polls up to the bound of its outbox, and then ends it as slow', async () => {
    const { one, sockjs, holdfast } = await set(subscribing, { settings: { hold: { outboxBytes: 100 } } });
    await one.open();
    holdfast.publish(item({ content: 'x'.repeat(90) }));
    await one.stage.turns(2);
    holdfast.publish(item({ content: 'too much' }));
    await one.stage.settled(() => holdfast.counters.dropped['outbox-full'] === 1);
    expect(await sockjs.post(XHR)).toBe(text(`a["${'x'.repeat(90)}"]\n`));
    expect(await sockjs.post(XHR)).toBe(text('c[1013,""]\n'));
  });

  it('is dropped and counted for such a client where that is the policy', async () => {
    const hold = { outboxBytes: 100, outboxPolicy: 'drop' } as const;
    const { one, sockjs, holdfast } = await set(subscribing, { settings: { hold } });
    await one.open();
    holdfast.publish(item({ content: 'x'.repeat(90) }));
    await one.stage.turns(2);
    holdfast.publish(item({ content: 'too much' }));
    await one.stage.settled(() => holdfast.counters.dropped['outbox-full'] === 1);
    expect(await sockjs.post(XHR)).toBe(text(`a["${'x'.repeat(90)}"]\n`));
    holdfast.publish(item({ content: 'y' }));
    await one.stage.turns(2);
    expect(await sockjs.post(XHR)).toBe(text('a["y"]\n'));
  });
});
