/** The end of the process while clients are held, wait, send and misbehave: held ones end in order, nobody holds it up. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { describe, expect, it } from 'vitest';
import { AttackStage } from '../support/attack-stage.js';
import { Opened, PARSERS } from '../support/closing.js';
import { within } from '../support/deadline.js';
import { responseHold } from '../support/raw-origin.js';

describe.each(PARSERS)('closing (parser: %s)', (parser) => {
  const opened = new Opened(parser);

  it('ends streams cleanly and answers those who wait with what their origin had for them', async () => {
    const stage = await AttackStage.start(opened);
    stage.origin.reply('/poll', responseHold('news'));
    const stream = await stage.stream();
    const poll = await stage.client();
    poll.write('GET /poll HTTP/1.1\r\nHost: a\r\n\r\n');
    while (stage.holdfast.counters.holds.response === 0) await new Promise((resolve) => setImmediate(resolve));
    stage.say('news', 'last\n');
    await stage.holdfast.close();
    await Promise.all([stream.untilClosed(), poll.untilClosed()]);
    expect(stream.pending).toBe('5\r\nlast\n\r\n0\r\n\r\n');
    expect(poll.pending).toBe('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
    expect(stage.holdfast.counters.openConnections).toBe(0);
  });

  it('is held up by no client, however much it sends and however little it reads', async () => {
    const stage = await AttackStage.start(opened, { settings: { hold: { outboxBytes: 50_000_000 } } });
    stage.origin.reply('/slow', () => {});
    const deaf = await stage.stream();
    deaf.pause();
    for (let time = 0; time < 100; time += 1) stage.say('news', 'x'.repeat(200_000));
    const waiting = await stage.client();
    waiting.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await stage.origin.request('/slow');
    const half = await stage.client();
    half.write('GET /half');
    const port = stage.holdfast.addresses.http[0]?.port ?? 0;
    const loud = opened.add(createConnection({ port, host: '127.0.0.1', allowHalfOpen: true }), (socket) =>
      socket.destroy(),
    );
    loud.on('error', () => {});
    await once(loud, 'connect');
    const flood = setInterval(() => loud.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'), 2);
    await within('the end of everything', stage.holdfast.close(), 5_000);
    clearInterval(flood);
    expect(stage.holdfast.counters.openConnections).toBe(0);
    expect(stage.holdfast.counters.holds).toEqual({ response: 0, stream: 0, ws: 0 });
  });
});
