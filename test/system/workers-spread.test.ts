/** New clients when workers are full: they go to those that have room, and are refused when nobody has. */
import { describe, expect, it } from 'vitest';
import { Opened, PARSERS } from '../support/closing.js';
import type { RawClient } from '../support/raw-client.js';
import { itemFor, Several } from '../support/several.js';

/** Of all workers, and those at which one of two counts as full. */
const CONNECTIONS = 64;
const FULL = 30;

describe.each(PARSERS)('two workers that are full at thirty clients (parser: %s)', (parser) => {
  const opened = new Opened();

  const start = (): Promise<Several> =>
    Several.start(
      opened,
      2,
      ...['--route', '* test', '--set', `http.max_connections=${CONNECTIONS}`, '--set', `http.parser=${parser}`],
    );

  async function answered(several: Several, count: number): Promise<RawClient[]> {
    const clients: RawClient[] = [];
    for (let at = 0; at < count; at += 1) {
      const client = await opened.get(several.port, '/');
      await client.readAnswer();
      clients.push(client);
    }
    return clients;
  }

  /** Fills a worker, and resolves when it has left its sockets to the other one. */
  async function fill(several: Several, worker: number): Promise<RawClient[]> {
    const stream = await several.stream('news', worker);
    const clients = await several.at(worker, () => answered(several, FULL - 1));
    await untilAside(several, worker, stream);
    return clients;
  }

  async function untilAside(several: Several, worker: number, stream: RawClient): Promise<void> {
    await several.child.says(new RegExp(`pid ${worker} has \\d+ clients and leaves new ones to others\\n`));
    // It hears what the main process says in order.
    await (await several.publisher()).publish([itemFor('news', 'one')]);
    await stream.readUntil('one\n');
  }

  it('leave clients to the one that has room, also when that is busy for a while', async () => {
    const several = await start();
    const [full = 0] = several.workers();
    await fill(several, full);
    const waiting = await several.at(full, () =>
      Promise.all(Array.from({ length: 20 }, () => opened.get(several.port, '/'))),
    );
    for (const client of waiting) expect((await client.readAnswer()).status).toBe(200);
  });

  it('refuse only when none of them has room, and accept again when one has', async () => {
    const several = await start();
    const [first = 0, second = 0] = several.workers();
    const clients = await fill(several, first);
    const stream = await several.stream('news', second);
    await answered(several, FULL - 1);
    await several.child.says(new RegExp(`pid ${first} has ${FULL} clients and takes new ones again\\n`));
    // What is left is refused by the one that has its last connection: the kernel chooses who is asked.
    const rest = await Promise.all(Array.from({ length: 10 }, () => opened.get(several.port, '/')));
    const refused: RawClient[] = [];
    for (const client of rest) {
      const answer = await Promise.race([client.readAnswer(), client.untilClosed()]);
      if (answer === undefined) refused.push(client);
    }
    expect(refused.length).toBeGreaterThanOrEqual(rest.length - (CONNECTIONS - 2 * FULL));
    for (const client of clients.slice(0, 10)) client.close();
    await untilAside(several, second, stream);
    expect(await answered(several, 5)).toHaveLength(5);
  });
});
