/** Workers that die, hang, end, or cannot start; the main process that dies; routes and log lines of all of them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { RawClient } from '../support/raw-client.js';
import { itemFor, Several, untilEnded } from '../support/several.js';

describe('several workers', () => {
  const opened = new Opened();

  it('outlive one that is killed: its clients go, those of others stay, and a new one serves', async () => {
    const several = await Several.start(opened, 2, '--route', '* test');
    const [living = 0, dying = 0] = several.workers();
    const [kept, lost] = [await several.stream('a', living), await several.stream('a', dying)];
    process.kill(dying, 'SIGKILL');
    await lost.untilClosed();
    expect(lost.pending).toBe('');
    await several.child.says(
      new RegExp(
        `\\[ERR\\] .*worker 2 \\(pid ${dying}\\) ended with signal SIGKILL; its clients are gone, .* in 100 ms\\n`,
      ),
    );
    const publisher = await several.publisher();
    await publisher.publish([itemFor('a', 'meanwhile')]);
    await kept.readUntil('meanwhile\n');
    const born = Number((await several.child.says(/worker 2 serves again \(pid (\d+)\)\n/))[1]);
    expect(several.workers()).toEqual([living, born]);
    const fresh = await several.stream('a', born);
    await publisher.publish([itemFor('a', 'afterwards')]);
    for (const client of [kept, fresh]) await client.readUntil('afterwards\n');
  });

  it('are started again after longer and longer pauses when they keep dying', async () => {
    const several = await Several.start(opened, 2, '--route', '* test');
    let [, dying = 0] = several.workers();
    for (const pause of [100, 200, 400]) {
      process.kill(dying, 'SIGKILL');
      await several.child.says(new RegExp(`pid ${dying}\\) ended with signal SIGKILL; .* in ${pause} ms\\n`));
      dying = Number(
        (await several.child.says(new RegExp(`in ${pause} ms\\n[\\s\\S]*serves again \\(pid (\\d+)\\)\\n`)))[1],
      );
    }
    expect(several.workers()).toContain(dying);
    // One that is down must not keep the others from ending.
    process.kill(dying, 'SIGKILL');
    await several.child.says(/in 800 ms\n/);
    several.child.signal('SIGTERM');
    expect(await several.child.ended()).toMatchObject({ code: 0, stderr: '' });
  });

  it('end with the main process, however that ends', async () => {
    const several = await Several.start(opened, 3, '--route', '* test');
    const workers = several.workers();
    const stream = await several.stream('a');
    several.child.signal('SIGKILL');
    await stream.untilClosed();
    await untilEnded(workers);
    expect(workers).toHaveLength(3);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'end in order on %s: code 0, complete streams, nothing left',
    async (signal) => {
      const several = await Several.start(opened, 3, '--route', '* test');
      const workers = several.workers();
      const streams = await several.streams('a');
      const publisher = await several.publisher();
      await publisher.publish([itemFor('a', 'last')]);
      // From a terminal it comes to all of them at once.
      for (const pid of workers) process.kill(pid, signal);
      several.child.signal(signal);
      for (const stream of streams) expect(await stream.readUntil('0\r\n\r\n')).toBe('5\r\nlast\n\r\n0\r\n\r\n');
      const ending = await several.child.ended();
      expect(ending).toMatchObject({ code: 0, signal: null, stderr: '' });
      expect(ending.stdout).toMatch(new RegExp(`${signal} received, closing\\n[\\s\\S]*closed\\n$`));
      expect(ending.stdout).not.toMatch(/\[ERR\]/);
      await untilEnded(workers);
    },
  );

  it('do not start where the port is in use: one clear error, code 1, nobody left', async () => {
    const holdfast = await Several.start(opened, 2, '--route', '* test');
    const args = ['--route', '* test'];
    const child = opened.add(Several.run(2, `127.0.0.1:${holdfast.port}`, args), (one) => one.stop());
    const ending = await child.ended();
    expect(ending).toMatchObject({ code: 1, signal: null });
    expect(ending.stdout).not.toMatch(/\[ERR\]/);
    const [sentence = '', advice = '', ...more] = ending.stderr.trimEnd().split('\n');
    expect(sentence).toContain(`cannot listen on 127.0.0.1:${holdfast.port} (setting http.listen): the port is in use`);
    expect([advice.endsWith('[HOLDFAST_LISTEN_FAILED]'), more]).toEqual([true, []]);
    expect(holdfast.workers()).toHaveLength(2);
  });

  it('all take new routes, from a changed file and on SIGHUP', async () => {
    const folder = opened.add(await mkdtemp(join(tmpdir(), 'holdfast-')), (path) => rm(path, { recursive: true }));
    const file = join(folder, 'routes');
    await writeFile(file, '* test\n');
    const several = await Several.start(opened, 2, '--set', `routes.file=${file}`);
    const statuses = async (): Promise<number[]> => {
      const all: number[] = [];
      for (const worker of several.workers()) {
        const client = await several.at(worker, async () => {
          const one = await opened.get(several.port, '/');
          all.push((await one.readAnswer()).status);
          return one;
        });
        client.close();
      }
      return all;
    };
    expect(await statuses()).toEqual([200, 200]);
    await writeFile(file, 'nowhere.example test\n');
    await several.child.says(/routes loaded with 1 entries\n/);
    // Both have been told; the line does not wait until they have listened.
    while ((await statuses()).includes(200));
    several.child.signal('SIGHUP');
    await several.child.says(/reloading\n[\s\S]*routes loaded with 1 entries\n/);
    expect(await statuses()).toEqual([502, 502]);
    // One that starts later has the routes of now.
    const [, dying = 0] = several.workers();
    process.kill(dying, 'SIGKILL');
    await several.child.says(/serves again/);
    expect(await statuses()).toEqual([502, 502]);
  });

  it('make publishers wait for one that reads nothing, and lose nothing by it', async () => {
    const roomy = ['--set', 'hold.outbox_bytes=100000000'];
    const several = await Several.start(opened, 2, '--route', '* test', ...roomy);
    const [, standing = 0] = several.workers();
    const [first, second] = await several.streams('a');
    const publisher = await several.publisher();
    process.kill(standing, 'SIGSTOP');
    const large = 'x'.repeat(900_000);
    const item = (at: number): object => ({
      channel: 'a',
      formats: { 'http-stream': { content: `${at} ${large}\n` } },
    });
    let sent = 0;
    do {
      if (sent > 0) await publisher.answer();
      publisher.begin([item(sent)]);
      await first?.readUntil(`\r\n${sent} `);
      await first?.readUntil('x\n\r\n');
      sent += 1;
      // An answer that does not wait is written in the turn in which the item is.
      await several.control('/');
    } while (!publisher.waits && sent < 60);
    expect(publisher.waits).toBe(true);
    expect(sent).toBeGreaterThan(15);
    process.kill(standing, 'SIGCONT');
    await publisher.answer();
    for (let at = 0; at < sent; at += 1) {
      await second?.readUntil(`\r\n${at} `);
      await second?.readUntil('x\n\r\n');
    }
  });

  it('write log lines that stay whole beside each other', async () => {
    const several = await Several.start(opened, 3, '--route', '* test');
    const path = `/${'long-'.repeat(200)}`;
    const lanes = await Promise.all(
      Array.from({ length: 12 }, async (_, lane) => {
        const client = opened.add(await RawClient.connect(several.port), (one) => one.close());
        for (let at = 0; at < 40; at += 1) {
          client.write(`GET ${path}?${lane}.${at}. HTTP/1.1\r\nHost: a\r\n\r\n`);
          await client.readAnswer();
        }
        return lane;
      }),
    );
    several.child.signal('SIGTERM');
    const { stdout } = await several.child.ended();
    const lines = stdout.trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(/^\[[A-Z]+\] \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [^[]+$/);
    const requests = lines.filter((line) => line.includes(path)).map((line) => /\?(\d+\.\d+)\. /.exec(line)?.[1]);
    expect(requests.sort()).toEqual(
      lanes.flatMap((lane) => Array.from({ length: 40 }, (_, at) => `${lane}.${at}`)).sort(),
    );
  });
});
