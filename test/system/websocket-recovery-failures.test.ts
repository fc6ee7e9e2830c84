/** What becomes of a WebSocket when what it missed is not to be had, and when it goes while the origin is asked. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import type { EventsRequest } from '../support/events-origin.js';
import { control, following, knows, LOST, RecoveryStage } from '../support/recovery-stage.js';
import { closeFrame, closing, frame } from '../support/websocket-client.js';

const TOLD = `TEXT ${LOST}`;

/** A client whose item 43 waits because 42 has not come, and the question what it missed. */
async function asking(opened: Opened, controls: readonly string[] = [following()], options: object = {}) {
  const one = await RecoveryStage.set(opened, controls, options);
  const client = await one.open();
  one.publish('43', '42');
  return { one, client, link: await one.link(0) };
}

type Case = readonly [how: string, answer: (request: EventsRequest) => void];

const REFUSALS: readonly Case[] = [
  ['404', (request) => request.reply(404, {})],
  ['410', (request) => request.reply(410, {})],
  ['another type', (request) => request.reply(200, { 'Content-Type': 'text/plain', ...knows('42') }, 'TEXT\r\n')],
  ['no type', (request) => request.reply(200, knows('42'), 'TEXT\r\n')],
  ['no channel', (request) => request.answer(['TEXT 42'])],
  ['another channel', (request) => request.answer(['TEXT 42'], knows('42', 'd'))],
  ['a channel without an id', (request) => request.answer(['TEXT 42'], { 'Grip-Channel': 'c' })],
  ['instructions that make no sense', (request) => request.answer([], { ...knows('42'), 'Grip-Hold': 'nonsense' })],
  ['an event that is no message', (request) => request.answer(['TEXT 42', 'PING'], knows('42'))],
  ['a body that is broken', (request) => request.answer([Buffer.from('TEXT x\r\n')], knows('42'))],
];

describe('an origin that cannot tell what was missed', () => {
  const opened = new Opened();

  it.each(REFUSALS)('is told so once, in its own words, and items go on: %s', async (_how, answer) => {
    const { one, client, link } = await asking(opened);
    answer(link);
    expect(await client.sees(1)).toBe('text 43');
    one.publish('50', '49');
    await client.sees(2);
    await turnUntil('the word to the origin', () => one.told.length > 0);
    one.stage.clock.advance(60_000);
    expect(client.heard).toEqual(['text 43', 'text 50']);
    expect([one.told, one.links.length]).toEqual([[TOLD], 1]);
  });

  it('is told so when its answer is longer than one may be', async () => {
    const { one, client, link } = await asking(opened, [following()], {
      settings: { websocket: { maxResponseBytes: 1_000 } },
    });
    link.answer([`TEXT ${'x'.repeat(2_000)}`], knows('42'));
    await turnUntil('the word to the origin', () => one.told.length > 0);
    expect([await client.sees(1), one.told]).toEqual(['text 43', [TOLD]]);
  });

  it('is told so when the link leads nowhere', async () => {
    const one = await RecoveryStage.set(opened, [following({ recover: 'ftp://example.com/' })]);
    const client = await one.open();
    await turnUntil('the word to the origin', () => one.told.length > 0);
    one.publish('43', '42');
    expect([await client.sees(1), one.told, one.links.length]).toEqual(['text 43', [TOLD], 0]);
  });

  it('is told once for each text when a link was for several channels', async () => {
    const more = following({ channel: 'd', 'prev-id': '7', 'recover-failed': 'another' });
    const { one, client, link } = await asking(opened, [following(), more, following({ channel: 'e' })]);
    link.reply(404, {});
    await turnUntil('both words to the origin', () => one.told.length > 1);
    one.publish('99', '98', { channel: 'd' });
    expect([await client.sees(1), await client.sees(2)]).toEqual(['text 43', 'text 99']);
    expect(one.told).toEqual([TOLD, 'TEXT another']);
  });

  it('may begin anew when it has been told', async () => {
    const { one, client, link } = await asking(opened);
    one.stage.origin.script = (request) => {
      if (request.events[0] === TOLD) request.answer(['TEXT m:state at 50', following({ 'prev-id': '50' })]);
    };
    link.reply(404, {});
    expect([await client.sees(1), await client.sees(2)]).toEqual(['text 43', 'text state at 50']);
    one.publish('52', '51');
    const next = await one.link(1);
    expect(next.header('Grip-Last')).toBe('c; last-id=50');
    next.answer(['TEXT 51'], knows('51'));
    expect([await client.sees(3), await client.sees(4)]).toEqual(['text 51', 'text 52']);
  });

  it.each([
    [false, 'close 1011'],
    [true, 'close 1011 the origin answered 404'],
  ])('and wants to be told nothing loses the client, who sees why with debug %s', async (debug, seen) => {
    const { client, link } = await asking(opened, [following({ 'recover-failed': undefined })], {
      settings: { proxy: { debug } },
    });
    link.reply(404, {});
    expect(await client.ended()).toBe(seen);
    expect(client.heard).toEqual([seen]);
  });
});

describe('an origin that does not answer', () => {
  const opened = new Opened();

  it.each<Case>([
    ['an error', (request) => request.reply(500, {})],
    ['another place', (request) => request.reply(302, { Location: '/elsewhere', ...knows('42') })],
    ['half of an answer', (request) => request.half(knows('42'), 'TEXT 2\r\n42\r\n')],
  ])('is asked again after growing pauses, and then told: %s', async (_how, answer) => {
    const { one, client, link } = await asking(opened, [following()], { random: () => 0 });
    let failed = link;
    const pauses: number[] = [];
    for (let retry = 1; retry <= 5; retry += 1) {
      answer(failed);
      let waited = 0;
      await turnUntil('the next try', () => {
        if (one.links.length > retry) return true;
        one.stage.clock.advance(50);
        waited += 50;
        return false;
      });
      pauses.push(waited);
      failed = await one.link(retry);
      expect(failed.header('Grip-Last')).toBe('c; last-id=41');
    }
    for (const [retry, pause] of pauses.entries()) expect(pause).toBeGreaterThanOrEqual(1_000 * 2 ** retry);
    expect([client.heard, one.told]).toEqual([[], []]);
    answer(failed);
    await turnUntil('the word to the origin', () => one.told.length > 0);
    expect([await client.sees(1), one.told, one.links.length]).toEqual(['text 43', [TOLD], 6]);
  });

  it('and does later has lost nothing', async () => {
    const { one, client, link } = await asking(opened);
    link.reply(503, {});
    (await one.link(1)).answer(['TEXT 42'], knows('42'));
    await client.sees(2);
    expect(client.heard).toEqual(['text 42', 'text 43']);
    one.publish('45', '44');
    (await one.link(2)).reply(503, {});
    (await one.link(3)).answer(['TEXT 44'], knows('44'));
    await client.sees(4);
    expect([client.heard.slice(2), one.told]).toEqual([['text 44', 'text 45'], []]);
  });
});

describe('a client that goes', () => {
  const opened = new Opened();

  it('before its turn has come is not asked for', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    one.publish('43', '42');
    await one.stage.clock.awaited();
    client.socket.terminate();
    await one.stage.abandoned();
    one.stage.clock.advance(60_000);
    expect(await one.stage.farewells()).toBe(1);
    expect([one.links.length, one.stage.clock.pending]).toEqual([0, 0]);
  });

  it('while its origin is asked calls the question off', async () => {
    const { one, client, link } = await asking(opened);
    const ended = link.hungUp();
    client.socket.terminate();
    await one.stage.abandoned();
    await ended;
    one.stage.clock.advance(60_000);
    expect([one.links.length, one.stage.clock.pending]).toEqual([1, 0]);
  });

  it('between two tries ends them', async () => {
    const { one, client, link } = await asking(opened);
    link.reply(500, {});
    await one.stage.clock.awaited();
    client.socket.close(4000);
    await client.ended();
    await one.stage.abandoned();
    one.stage.clock.advance(60_000);
    expect([one.links.length, one.told, one.stage.clock.pending]).toEqual([1, ['CLOSE 4000'], 0]);
  });

  it('because it reads too slowly what it missed is closed for that', async () => {
    const one = await RecoveryStage.set(opened, [following()], { settings: { hold: { outboxBytes: 100_000 } } });
    const client = await one.stage.openRaw();
    client.pause();
    one.publish('43', '42');
    const messages = Array.from({ length: 15 }, () => `TEXT ${'x'.repeat(60_000)}`);
    let asked = 0;
    const { counters } = one.stage.holdfast;
    // The system takes some of it, however little the client reads.
    while (counters.dropped['outbox-full'] === 0) {
      (await one.link(asked)).answer(messages, knows(`0-${asked}`));
      asked += 1;
      await turnUntil('the next question, or the end', () => {
        one.stage.clock.advance(50);
        return one.links.length > asked || counters.dropped['outbox-full'] > 0;
      });
    }
    client.resume();
    await client.readUntil(closeFrame(1013));
    client.write(frame('close', closing(1013)));
    await client.untilClosed();
    expect(counters.dropped['outbox-full']).toBe(1);
  });

  it('because Holdfast ends leaves no question behind', async () => {
    const { one, client, link } = await asking(opened);
    const ended = link.hungUp();
    await one.stage.holdfast.close();
    await ended;
    expect(await client.ended()).toBe('close 1001');
  });
});

describe('a client', () => {
  const opened = new Opened();

  it('cannot say that recovery failed: what the origin hears of that is what it has chosen itself', async () => {
    const one = await RecoveryStage.set(opened, [following()]);
    const client = await one.open();
    const forged = `c:${JSON.stringify({ type: 'recover-failed', channel: 'c', 'last-id': '41' })}`;
    client.socket.send(forged);
    await turnUntil('the message at the origin', () => one.told.length > 0);
    expect(one.told).toEqual([`TEXT ${forged}`]);
    one.publish('42', '41');
    expect(await client.sees(1)).toBe('text 42');
  });

  it('that nobody reads for any more is closed when what it missed is not to be had', async () => {
    const { client, link } = await asking(opened, [following(), control({ type: 'detach' })]);
    link.reply(404, {});
    expect(await client.ended()).toBe('close 1011');
  });
});
