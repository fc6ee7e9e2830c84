/**
 * A ZeroMQ worker whose answer is not what it should be: a length that is a lie, a status that there is not, a body that is
 * too long. The client gets what there is, framed as it is, or 502.
 */
import { describe, expect, it } from 'vitest';
import { Reply } from 'zeromq';
import type { Holdfast } from '../../src/index.js';
import { decodeTnetstring, encodeTnetstring, type TnetInput, type TnetMap } from '../../src/protocol/tnetstring.js';
import { clientPort, Opened } from '../support/closing.js';
import { CollectedLog } from '../support/collected-log.js';
import { within } from '../support/deadline.js';
import { ipcAddress } from '../support/zhttp-stage.js';

/** Members of an answer; what is missing is as it should be. */
type Answer = Readonly<Record<string, TnetInput>>;

const LIMIT = 1_000_000;

describe('a worker behind zhttpreq', () => {
  const opened = new Opened();

  interface Stage {
    readonly holdfast: Holdfast;
    readonly log: CollectedLog;
    readonly spec: string;
    readonly port: number;
    readonly worker: Reply;
  }

  /** A worker that gives these answers, one after the other, and the last one from then on. */
  async function answering(...answers: readonly Answer[]): Promise<Stage> {
    const spec = ipcAddress(opened);
    const log = new CollectedLog('warn');
    const holdfast = await opened.holdfast({ routes: [`* zhttpreq/${spec}`], logger: log });
    const worker = opened.add(new Reply({ linger: 0 }), (one) => one.close());
    worker.connect(spec);
    let count = 0;
    const work = async (): Promise<void> => {
      for await (const [message] of worker) {
        const request = decodeTnetstring((message as Buffer).subarray(1)) as TnetMap;
        const answer = answers[Math.min(count, answers.length - 1)];
        count += 1;
        const whole = {
          id: request.get('id') as TnetInput,
          code: 200,
          reason: 'OK',
          headers: [],
          body: 'hello world\n',
        };
        const reply = new Map<string, TnetInput>(Object.entries({ ...whole, ...answer }));
        await worker.send(Buffer.concat([Buffer.from('T'), encodeTnetstring(reply)]));
      }
    };
    void work().catch(() => {});
    return { holdfast, log, spec, port: clientPort(holdfast), worker };
  }

  it.each(['abc', '-1', '3', '50'])('that announces %s bytes', async (length) => {
    const { port } = await answering({ headers: [['Content-Length', length]] });
    const client = await opened.get(port, '/');
    const expected = 'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello world\n';
    expect(await client.readAsLongAs(expected)).toBe(expected);
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await client.readAsLongAs(expected)).toBe(expected);
  });

  it('answers HEAD without a body', async () => {
    const { port } = await answering({});
    const client = await opened.client(port);
    client.write('HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.readAnswer(true)).status).toBe(200);
    expect((await client.readAnswer()).body.toString()).toBe('hello world\n');
  });

  it.each([
    ['9', '', 'Content-Length: 9'],
    ['9', 'hello world\n', 'Content-Length: 9'],
    ['abc', '', undefined],
  ])('that announces %s bytes to HEAD, with the body %j', async (length, body, line) => {
    const { port } = await answering({ headers: [['Content-Length', length]], body }, {});
    const client = await opened.client(port);
    client.write('HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const { head } = await client.readAnswer(true);
    expect(head.split('\r\n').find((one) => one.startsWith('Content-Length'))).toBe(line);
    expect((await client.readAnswer()).body.toString()).toBe('hello world\n');
  });

  it.each([0, 100, 199, 1000, 1234])('that answers with the status %i: 502, counted and logged', async (code) => {
    const { port, spec, log, holdfast } = await answering({ code });
    const client = await opened.get(port, '/');
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([502, 'Error while proxying to origin.\n']);
    const what = `received an invalid packet, skipping: an answer with the status ${code}`;
    expect(log.lines).toEqual([`warn zhttpreq/${spec}: ${what}`]);
    const { dropped, originResults } = holdfast.counters;
    expect(dropped['invalid-item']).toBe(1);
    expect(originResults).toMatchObject({ '1xx': 0, other: 1 });
  });

  it('may send as many bytes as it is told that it may, and not one more', async () => {
    const body = 'x'.repeat(LIMIT);
    const { port, spec, log, holdfast } = await answering({ body }, { body: `${body}x` });
    const client = await opened.get(port, '/');
    expect((await client.readAnswer()).body.length).toBe(LIMIT);
    expect(holdfast.counters.dropped['invalid-item']).toBe(0);
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.readAnswer()).status).toBe(502);
    const what = `received an invalid packet, skipping: an answer of ${LIMIT + 1} bytes, more than ${LIMIT}`;
    expect(log.lines).toEqual([`warn zhttpreq/${spec}: ${what}`]);
    expect(holdfast.counters.dropped['invalid-item']).toBe(1);
  });

  it('loses its connection over a message that is far too long, and is asked again when it is back', async () => {
    const { port, worker } = await answering({ body: 'x'.repeat(5_000_000) }, {});
    const lost = new Promise<void>((resolve) => worker.events.on('disconnect', () => resolve()));
    await opened.get(port, '/');
    await within('the end of the connection', lost);
    const client = await opened.get(port, '/');
    expect((await client.readAnswer()).body.toString()).toBe('hello world\n');
  });
});
