/** Who gets an item and in which order: holds before and after a publish, doubles, and items out of sequence. */
import { describe, expect, it } from 'vitest';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { LineLog, subscribed } from '../support/events.js';
import { ManualClock } from '../support/manual-clock.js';
import { holding } from '../support/origin.js';

interface ItemIds {
  readonly id?: string;
  readonly 'prev-id'?: string;
}

function stream(channel: string, content: string, ids: ItemIds = {}): object {
  return { channel, ...ids, formats: { 'http-stream': { content } } };
}

async function post(uri: string, ...items: readonly object[]): Promise<void> {
  const answer = await fetch(`${uri}/publish/`, { method: 'POST', body: JSON.stringify({ items }) });
  expect([answer.status, await answer.text()]).toEqual([200, 'Published\n']);
}

/** A chunk of the chunked coding. */
function chunk(content: string): string {
  return `${content.length.toString(16)}\r\n${content}\r\n`;
}

/** A poll that is asked again hears nothing meanwhile: its origin tells it what it missed. Here nobody could. */
const settings = { hold: { updateOnFirstSubscription: false } };

describe('a hold', () => {
  const opened = new Opened();

  it('made before a publish gets the item, and one made after it does not, two hundred times', async () => {
    const { holdfast, port } = await opened.proxied(holding('stream', 'test', 'open\n'));
    for (let turn = 0; turn < 200; turn += 1) {
      const before = await opened.get(port, '/before');
      await before.readUntil('open\n\r\n');
      const after = await opened.client(port);
      holdfast.publish(stream('test', `item ${turn}\n`));
      after.write('GET /after HTTP/1.1\r\nHost: a\r\n\r\n');
      await after.readUntil('open\n\r\n');
      holdfast.publish(stream('test', 'end\n'));
      expect(await before.readUntil('end\n\r\n')).toBe(chunk(`item ${turn}\n`) + chunk('end\n'));
      expect(await after.readUntil('end\n\r\n')).toBe(chunk('end\n'));
      before.close();
      after.close();
    }
  });

  it('made before a publish to the control port gets the item, two hundred times', async () => {
    const { holdfast, port } = await opened.proxied(holding('response', 'test'), { settings });
    const uri = controlUri(holdfast);
    const client = await opened.client(port);
    for (let turn = 0; turn < 200; turn += 1) {
      const open = holdfast.counters.holds.response;
      const held = turn === 0 ? subscribed(holdfast, 'test') : undefined;
      client.write('GET /poll HTTP/1.1\r\nHost: a\r\n\r\n');
      await held;
      await turnUntil('the hold', () => holdfast.counters.holds.response > open);
      await post(uri, { channel: 'test', formats: { 'http-response': { body: `answer ${turn}` } } });
      expect((await client.readAnswer()).body.toString()).toBe(`answer ${turn}`);
    }
  });
});

describe('items', () => {
  const opened = new Opened();

  async function start() {
    const clock = new ManualClock();
    const logger = new LineLog();
    const { holdfast, port } = await opened.proxied(holding('stream', 'test', 'open\n'), { clock, logger });
    const client = await opened.get(port, '/');
    await client.readUntil('open\n\r\n');
    return { clock, client, holdfast, logger, uri: controlUri(holdfast) };
  }

  it('with one id are delivered once while it is remembered, and again afterwards', async () => {
    const { clock, client, holdfast, uri } = await start();
    await post(uri, stream('test', 'first\n', { id: 'a' }), stream('test', 'double\n', { id: 'a' }));
    await post(uri, stream('test', 'again\n', { id: 'a' }));
    await post(uri, stream('test', 'other\n', { id: 'b' }));
    expect(await client.readUntil('other\n\r\n')).toBe(chunk('first\n') + chunk('other\n'));
    expect(holdfast.counters.dropped.duplicate).toBe(2);
    clock.advance(61_500);
    await post(uri, stream('test', 'later\n', { id: 'a' }));
    expect(await client.readUntil('later\n\r\n')).toBe(chunk('later\n'));
  });

  it('with one id on different channels are different items', async () => {
    const { client, uri } = await start();
    await post(uri, stream('elsewhere', 'x', { id: 'a' }), stream('test', 'mine\n', { id: 'a' }));
    expect(await client.readUntil('mine\n\r\n')).toBe(chunk('mine\n'));
  });

  it('that come out of order are put in order', async () => {
    const { client, uri } = await start();
    await post(uri, stream('test', '1\n', { id: '1' }));
    await post(uri, stream('test', '4\n', { id: '4', 'prev-id': '3' }));
    await post(uri, stream('test', '3\n', { id: '3', 'prev-id': '2' }));
    await post(uri, stream('test', '2\n', { id: '2', 'prev-id': '1' }));
    expect(await client.readUntil('4\n\r\n')).toBe(['1\n', '2\n', '3\n', '4\n'].map(chunk).join(''));
  });

  it('whose predecessor never comes go out after their time, in the order they came', async () => {
    const { clock, client, logger, uri } = await start();
    await post(uri, stream('test', '1\n', { id: '1' }));
    expect(await client.readUntil('1\n\r\n')).toBe(chunk('1\n'));
    await post(
      uri,
      stream('test', '3\n', { id: '3', 'prev-id': '2' }),
      stream('test', '4\n', { id: '4', 'prev-id': '3' }),
    );
    await post(uri, stream('elsewhere', 'x'));
    clock.advance(4_500);
    expect(logger.count('publish channel=test')).toBe(1);
    clock.advance(2_000);
    expect(await client.readUntil('4\n\r\n')).toBe(chunk('3\n') + chunk('4\n'));
  });

  it('that ask not to be put in order are not', async () => {
    const { client, uri } = await start();
    await post(uri, stream('test', '1\n', { id: '1' }));
    await post(uri, { ...stream('test', '3\n', { id: '3', 'prev-id': '2' }), 'no-seq': true });
    expect(await client.readUntil('3\n\r\n')).toBe(chunk('1\n') + chunk('3\n'));
  });

  it('for a channel without subscribers are told to nobody and remembered by nobody', async () => {
    const { holdfast, logger } = await start();
    expect(holdfast.publish(stream('nobody', 'x'))).toEqual({ kind: 'sent', receivers: 0 });
    expect(holdfast.publish(stream('test', 'x'))).toEqual({ kind: 'sent', receivers: 1 });
    expect(logger.count('publish channel=nobody receivers=0')).toBe(1);
  });

  it('reach every kind of hold on their channel in the format that is meant for it', async () => {
    const origin = await opened.origin((request, response) => {
      const mode = request.url === '/stream' ? 'stream' : 'response';
      return holding(mode, 'both', 'open\n')(request, response);
    });
    const holdfast = await opened.holdfast({ routes: [`* ${origin.target}`] });
    const streaming = await opened.get(clientPort(holdfast), '/stream');
    await streaming.readUntil('open\n\r\n');
    const polling = await opened.get(clientPort(holdfast), '/poll');
    await turnUntil('the hold', () => holdfast.counters.holds.response === 1);
    const formats = { 'http-stream': { content: 'for streams\n' }, 'http-response': { body: 'for polls' } };
    expect(holdfast.publish({ channel: 'both', formats })).toEqual({ kind: 'sent', receivers: 2 });
    expect((await polling.readAnswer()).body.toString()).toBe('for polls');
    expect(await streaming.readUntil('\n\r\n')).toBe(chunk('for streams\n'));
  });
});
