/** Clients that do not read what is published to them, and more clients than there is room for. */
import { describe, expect, it } from 'vitest';
import { AttackStage, chunk, OK_ANSWER } from '../support/attack-stage.js';
import { Opened, PARSERS } from '../support/closing.js';
import { CollectedLog } from '../support/collected-log.js';
import { within } from '../support/deadline.js';
import { keptBytes } from '../support/memory.js';
import type { RawClient } from '../support/raw-client.js';

const LINE = `${'x'.repeat(49_999)}\n`;
const LINES = 1_000;
const OUTBOX = 200_000;

/** Publishes fifty megabytes at the pace of a reader, who gets all of them. */
async function publishTo(stage: AttackStage, reader: RawClient): Promise<void> {
  const expected = chunk(LINE).length;
  for (let line = 0; line < LINES; line += 1) {
    stage.say('news', LINE);
    expect((await reader.read(expected)).length).toBe(expected);
  }
}

describe('a client that never reads while fifty megabytes are published', () => {
  const opened = new Opened();

  it('is closed when its outbox is full, is counted, and costs its neighbours nothing', async () => {
    const stage = await AttackStage.start(opened, {
      settings: { hold: { outboxBytes: OUTBOX, outboxPolicy: 'close' } },
    });
    const reader = await stage.stream();
    const slow = await stage.stream();
    slow.pause();
    const before = keptBytes();
    await publishTo(stage, reader);
    const { counters } = stage.holdfast;
    expect(counters.holds.stream).toBe(2);
    expect(counters.dropped['outbox-full']).toBe(1);
    expect(keptBytes() - before).toBeLessThan(10_000_000);
    // What it finds when it reads again is a broken answer, not one that seems to be complete.
    slow.resume();
    await slow.untilClosed();
    expect(slow.pending.endsWith('0\r\n\r\n')).toBe(false);
    expect(reader.closed).toBe(false);
    await stage.undisturbed();
  });

  it('loses what does not fit when the policy is to drop, every loss is counted, and the stream stays whole', async () => {
    const stage = await AttackStage.start(opened, {
      settings: { hold: { outboxBytes: OUTBOX, outboxPolicy: 'drop' } },
    });
    const reader = await stage.stream();
    const slow = await stage.stream();
    slow.pause();
    const before = keptBytes();
    await publishTo(stage, reader);
    const { counters } = stage.holdfast;
    expect(counters.holds.stream).toBe(3);
    const dropped = counters.dropped['outbox-full'];
    expect(dropped).toBeGreaterThan(LINES / 2);
    expect(keptBytes() - before).toBeLessThan(10_000_000);
    slow.resume();
    const whole = chunk(LINE);
    for (let line = 0; line < LINES - dropped; line += 1) expect(await slow.readAsLongAs(whole)).toBe(whole);
    stage.say('news', 'again\n');
    expect(await slow.readAsLongAs(chunk('again\n'))).toBe(chunk('again\n'));
    await stage.undisturbed();
  });
});

describe.each(PARSERS)('a client that reads nothing of a large answer (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  it('slows its origin down and nobody else', async () => {
    const stage = await AttackStage.start(opened);
    const size = 50_000_000;
    let written = 0;
    stage.origin.reply('/large', ({ connection }) => {
      connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const more = (): void => {
        while (written < size) {
          written += LINE.length;
          if (!connection.write(LINE)) {
            connection.socket.once('drain', more);
            return;
          }
        }
      };
      more();
    });
    const client = await stage.client();
    client.pause();
    client.write('GET /large HTTP/1.1\r\nHost: example.com\r\n\r\n');
    await stage.origin.request('/large');
    let last = -1;
    while (written > last) {
      last = written;
      await stage.undisturbed();
      await stage.undisturbed();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(written).toBeLessThan(30_000_000);
    client.resume();
    await client.readUntil('\r\n\r\n');
    for (let read = 0; read < size; read += LINE.length) await client.read(LINE.length);
    expect(written).toBe(size);
  });
});

describe.each(PARSERS)('the most connections (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  it('are a limit: one more is closed at once, and is taken again when another has gone', async () => {
    const stage = await AttackStage.start(opened, { settings: { http: { maxConnections: 4 } } });
    const ask = 'GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n';
    const clients = [await stage.client(), await stage.client(), await stage.client()];
    for (const client of clients) {
      client.write(ask);
      expect(await client.readAsLongAs(OK_ANSWER)).toBe(OK_ANSWER);
    }
    const refused = await stage.client();
    await refused.untilClosed();
    expect(refused.receivedBytes).toBe(0);
    expect(stage.holdfast.counters.refusedConnections).toBe(1);
    stage.say('neighbour', 'still here\n');
    clients[0]?.close();
    const taken = async (): Promise<string> => {
      for (;;) {
        const client = await stage.client();
        client.write(ask);
        const answer = await client.readAsLongAs(OK_ANSWER).catch(() => undefined);
        if (answer !== undefined) return answer;
      }
    };
    expect(await within('room for another client', taken())).toBe(OK_ANSWER);
    expect(stage.holdfast.counters.holds.stream).toBe(1);
  });

  it('are counted over all addresses', async () => {
    const log = new CollectedLog('warn');
    const address = { host: '127.0.0.1', port: 0 };
    const settings = { http: { maxConnections: 2, listen: [address, address] } };
    const holdfast = await opened.holdfast({ settings, logger: log });
    const [one = address, other = address] = holdfast.addresses.http;
    for (const { port } of [one, other]) await (await opened.get(port, '/')).readAnswer();
    for (const { port } of [one, other]) await (await opened.client(port)).untilClosed();
    expect(holdfast.counters).toMatchObject({ openConnections: 2, refusedConnections: 2 });
    expect(log.lines).toEqual(['warn closed a connection at once: 2 are open (http.max_connections)']);
  });
});
