/** Pinghub when its clients are in several processes: one bus all the same. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { Listener } from '../support/pinghub-stage.js';
import { itemFor, Several } from '../support/several.js';
import { Watcher } from '../support/watcher.js';

describe('pinghub in several workers', () => {
  const opened = new Opened();

  it('has one order for all, whoever publishes and wherever the sockets are', async () => {
    const several = await Several.start(opened, 2, '--route', '* pinghub');
    const listeners: Listener[] = [];
    for (const worker of several.workers()) {
      for (let index = 0; index < 2; index += 1) {
        listeners.push(await several.at(worker, () => Listener.on(opened, `ws://127.0.0.1:${several.port}/a`)));
      }
    }
    const publisher = await several.publisher();
    for (let number = 0; number < 100; number += 1) {
      for (const [index, { socket }] of listeners.entries()) socket.send(`socket ${index} ${number}`);
      const answer = await fetch(`http://127.0.0.1:${several.port}/a`, { method: 'POST', body: `post ${number}` });
      expect([answer.status, await answer.text()]).toEqual([200, 'OK\n']);
      await publisher.publish([itemFor('pinghub:/a', `control ${number}`)]);
    }
    const total = 100 * (listeners.length + 2);
    const [first] = listeners;
    const expected = await first?.hears(total);
    for (const listener of listeners) expect(await listener.hears(total)).toEqual(expected);
    for (const from of ['socket 0', 'socket 3', 'post', 'control']) {
      const own = expected?.filter((text) => text.startsWith(`${from} `));
      expect(own).toEqual(Array.from({ length: 100 }, (_, number) => `${from} ${number}`));
    }
  });

  it('misses nothing that is posted after a socket has opened', async () => {
    const several = await Several.start(opened, 2, '--route', '* pinghub');
    for (let round = 0; round < 50; round += 1) {
      const path = `/round/${round}`;
      const listener = await Listener.on(opened, `ws://127.0.0.1:${several.port}${path}`);
      await fetch(`http://127.0.0.1:${several.port}${path}`, { method: 'POST', body: 'now' });
      expect(await listener.hears(1)).toEqual(['now']);
      listener.socket.terminate();
    }
  });

  it('counts what all workers took, and what nobody heard', async () => {
    const several = await Several.start(opened, 2, '--route', '* pinghub', '--set', 'metrics.listen=127.0.0.1:0');
    const [, port] = await several.child.says(/metrics: http:\/\/127\.0\.0\.1:(\d+)\/metrics/);
    for (const worker of several.workers()) {
      const listener = await several.at(worker, () => Listener.on(opened, `ws://127.0.0.1:${several.port}/a`));
      listener.socket.send('');
      listener.socket.send('x');
      await listener.hears(2);
    }
    for (let number = 0; number < 3; number += 1) {
      await fetch(`http://127.0.0.1:${several.port}/nobody`, { method: 'POST', body: 'x' });
    }
    const page = await new Watcher(Number(port)).until(
      'the posts',
      (one) =>
        one.value('holdfast_pinghub_messages_total{kind="post"}') === 3 &&
        one.value('holdfast_pinghub_messages_total{kind="socket"}') === 2,
    );
    expect(page.nonZero('holdfast_pinghub_messages_total')).toEqual({
      '{kind="post"}': 3,
      '{kind="socket"}': 2,
      '{kind="empty"}': 2,
    });
    expect(page.nonZero('holdfast_unheard_items_total')).toEqual({ '{way="backend"}': 3 });
  });

  it('shares a Unix socket, too', async () => {
    const { mkdtempSync, rmSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    const { join } = await import('node:path');
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'workers-')), (path) => rmSync(path, { recursive: true }));
    const path = join(folder, 'clients');
    await Several.start(opened, 2, '--route', '* pinghub', '--set', `http.unix=${path}`);
    const [one, other] = [
      await Listener.on(opened, `ws+unix://${path}:/a`),
      await Listener.on(opened, `ws+unix://${path}:/a`),
    ];
    one.socket.send('x');
    expect(await other.hears(1)).toEqual(['x']);
  });
});
