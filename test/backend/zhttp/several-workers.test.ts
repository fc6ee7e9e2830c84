/** Several ZHTTP workers at one address: each session stays with the one that has it, until that hands it over. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../../support/closing.js';
import { turnUntil } from '../../support/deadline.js';
import { ZhttpStage } from '../../support/zhttp-stage.js';
import { packetOf, type WorkerSession } from '../../support/zhttp-worker.js';

describe('several workers', () => {
  const opened = new Opened();

  it('get the requests in turn, and what follows goes to the one that has the session', async () => {
    const stage = await ZhttpStage.start(opened);
    const workers = [await stage.worker('one'), await stage.worker('two'), await stage.worker('three')];
    const clients = [];
    const body = 'x'.repeat(250_000);
    for (let count = 0; count < 6; count += 1) {
      clients.push(
        await stage.send(`POST /${count} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
      );
    }
    const sessions: WorkerSession[] = [];
    for (const worker of workers) sessions.push(await worker.session(), await worker.session());
    for (const session of sessions) await session.send({ type: 'credit', credits: 300_000 });
    for (const session of sessions) {
      const size = (): number =>
        [session.first, ...session.packets].reduce((sum, { body: part = '' }) => sum + String(part).length, 0);
      await session.until('the body', () => size() === body.length);
      await session.send({ code: 200, headers: [], body: `${session.worker.name} ${session.first.uri}` });
    }
    const answers = await Promise.all(clients.map(async (client) => (await client.readAnswer()).body.toString()));
    expect(answers.map((answer) => answer.split('/').at(-1))).toEqual(['0', '1', '2', '3', '4', '5']);
    for (const name of ['one', 'two', 'three']) {
      expect(answers.filter((answer) => answer.startsWith(`${name} `))).toHaveLength(2);
    }
    await stage.empty();
  });

  it('lose only the sessions of the one that goes', async () => {
    const stage = await ZhttpStage.start(opened);
    const workers = [await stage.worker('one'), await stage.worker('two')];
    const held = [];
    for (let count = 0; count < 2; count += 1) held.push(stage.webSocket(`/${count}`));
    const sessions = await Promise.all(workers.map((worker) => worker.session()));
    for (const session of sessions) await session.send({ code: 101, headers: [], credits: 1_000 });
    for (const client of held) await client.sees(0);
    workers[0]?.die();
    const gone = held.find((_client, at) => sessions[0]?.first.uri === `ws://127.0.0.1:${stage.port}/${at}`);
    const left = held.find((client) => client !== gone);
    expect(await gone?.ended()).toBe('close 1006');
    await sessions[1]?.send({ body: 'still here' });
    expect(await left?.sees(1)).toBe('text still here');
    expect(stage.sessions.size).toBe(1);
  });

  it('may hand a session over, and what is to be said waits for the one that takes it', async () => {
    const stage = await ZhttpStage.start(opened);
    const first = await stage.worker('first');
    const { client, session } = await stage.accepted(first);
    await session.send({ type: 'handoff-start' });
    expect(await session.gets('handoff-proceed')).toMatchObject({ seq: expect.any(Number) });
    client.socket.send('while nobody has it');
    const second = await stage.worker('second');
    const taken = second.adopt(session);
    await second.publish(packetOf({ from: 'second', id: session.id, seq: 2, type: 'keep-alive' }));
    expect(await taken.gets('data')).toMatchObject({ body: 'while nobody has it' });
    await second.publish(packetOf({ from: 'second', id: session.id, seq: 3, body: 'welcome' }));
    expect(await client.sees(1)).toBe('text welcome');
    expect(session.of('data')).toEqual([]);
    const seqs = [...session.packets, ...taken.packets].map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, at) => at + 1));
  });

  it('may hand over a session whose upload ends meanwhile: the one that takes it hears of the end', async () => {
    const stage = await ZhttpStage.start(opened);
    const first = await stage.worker('first');
    const client = await stage.send('POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    client.write(`4e20\r\n${'x'.repeat(20_000)}\r\n`);
    const session = await first.session();
    await session.send({ type: 'credit', credits: 200_000 });
    await session.gets('keep-alive');
    await session.send({ type: 'handoff-start' });
    await session.gets('handoff-proceed');
    client.write('0\r\n\r\n');
    const other = await stage.get('/y');
    await (await first.session()).send({ code: 200, headers: [], body: '' });
    await other.readAnswer();
    const second = await stage.worker('second');
    const taken = second.adopt(session);
    await second.publish(packetOf({ from: 'second', id: session.id, seq: 2, type: 'keep-alive' }));
    expect(await taken.gets('data')).toEqual({ from: stage.sessions.instanceId, id: session.id, seq: 3 });
    expect(session.of('data')).toEqual([]);
    await second.publish(packetOf({ from: 'second', id: session.id, seq: 3, code: 200, headers: [], body: 'taken' }));
    expect((await client.readAnswer()).body.toString()).toBe('taken');
    await stage.empty();
  });

  it('may go when they have given a session away: it waits for the one that takes it', async () => {
    const stage = await ZhttpStage.start(opened);
    const first = await stage.worker('first');
    const kept = await stage.accepted(first);
    const { client, session } = await stage.accepted(first);
    await session.send({ type: 'handoff-start' });
    await session.gets('handoff-proceed');
    first.die();
    expect(await kept.client.ended()).toBe('close 1006');
    const second = await stage.worker('second');
    const taken = second.adopt(session);
    await second.publish(packetOf({ from: 'second', id: session.id, seq: 2, body: 'welcome' }));
    expect(await client.sees(1)).toBe('text welcome');
    client.socket.send('hello');
    expect(await taken.gets('data')).toMatchObject({ body: 'hello' });
  });

  it('hear of a client that goes while its session is handed over: the one that takes it does', async () => {
    const stage = await ZhttpStage.start(opened);
    const first = await stage.worker('first');
    const { client, session } = await stage.accepted(first);
    await session.send({ type: 'handoff-start' });
    const { seq } = await session.gets('handoff-proceed');
    client.socket.terminate();
    await turnUntil('the end of the session', () => stage.sessions.size === 0);
    const second = await stage.worker('second');
    const taken = second.adopt(session);
    await second.publish(packetOf({ from: 'second', id: session.id, seq: 2, body: 'welcome' }));
    expect(await taken.gets('cancel')).toMatchObject({ seq: Number(seq) + 1 });
    await stage.empty();
  });

  it('that has just started is reached though it spoke before it could be', async () => {
    const stage = await ZhttpStage.start(opened);
    const worker = await stage.worker('late', { routerLater: true });
    const client = await stage.get('/x');
    const session = await worker.session();
    await session.head([], { body: 'begun' });
    await client.readUntil('begun\r\n');
    await worker.connectRouter();
    await session.until('the credits', () => session.credits === 5);
    await session.send({ body: 'done' });
    await client.readUntil('0\r\n\r\n');
    await stage.empty();
  });
});
