/** A body while it comes in: who gets its bytes, when the socket is stopped, and what becomes of a reader. */
import { describe, expect, it } from 'vitest';
import type { Prefetched } from '../../src/front/client-request.js';
import { EdgeBody } from '../../src/front/edge/edge-body.js';

class Source {
  readonly told: string[] = [];

  bodyAwaited(): void {
    this.told.push('awaited');
  }

  bodyDrained(): void {
    this.told.push('drained');
  }
}

interface Stage {
  readonly source: Source;
  readonly body: EdgeBody;
  /** Takes a packet and delivers it; what `take` said of it. */
  readonly send: (text: string) => number | string;
}

/** @param length - undefined for a chunked body */
function stage(length: number | undefined): Stage {
  const source = new Source();
  const body = new EdgeBody(source, length, 100, false);
  const send = (text: string): number | string => {
    const used = body.take(Buffer.from(text, 'latin1'));
    if (typeof used === 'number') body.deliver();
    return used;
  };
  return { source, body, send };
}

function prefetched(body: EdgeBody, limit: number): { readonly got: () => string | undefined } {
  let got: Prefetched | undefined;
  body.prefetch(limit, (bytes) => {
    got = bytes;
  });
  return { got: () => (got === undefined ? undefined : `${got.bytes.toString()}${got.complete ? '.' : '…'}`) };
}

async function readAll(body: EdgeBody): Promise<string> {
  let text = '';
  for await (const piece of body.rest()) text += piece.toString();
  return text;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a body that comes in', () => {
  it('takes what belongs to it, and tells where its end is', () => {
    const counted = stage(5);
    expect([counted.send('hel'), counted.body.complete]).toEqual([3, false]);
    expect([counted.send('loGET /'), counted.body.complete]).toEqual([2, true]);
    const chunked = stage(undefined);
    expect([chunked.send('5\r\nhel'), chunked.body.complete]).toEqual([6, false]);
    expect([chunked.send('lo\r\n0\r\n\r\nGET /'), chunked.body.complete]).toEqual([9, true]);
  });

  it('says why it cannot be read on', () => {
    expect(stage(undefined).send('x')).toBe('token');
    expect(stage(undefined).send('0\r\nContent-Length: 1\r\n\r\n')).toBe('length');
    expect(stage(undefined).send(`1;${'x'.repeat(200)}\r\n`)).toBe('too-large');
  });

  it('is given whole when its end comes before the limit', () => {
    const { body, send } = stage(undefined);
    const { got } = prefetched(body, 10);
    send('3\r\nabc\r\n');
    expect(got()).toBeUndefined();
    send('2\r\nde\r\n0\r\n\r\n');
    expect(got()).toBe('abcde.');
  });

  it('is given at once when it is there already, also when nothing of it is wanted', () => {
    const there = stage(3);
    there.send('abc');
    expect(prefetched(there.body, 10).got()).toBe('abc.');
    expect(prefetched(stage(3).body, 0).got()).toBe('…');
  });

  it('is given in two parts when it is longer than the limit', async () => {
    const { body, send } = stage(9);
    const { got } = prefetched(body, 3);
    send('ab');
    send('cd');
    expect(got()).toBe('abcd…');
    const rest = readAll(body);
    send('ef');
    await turn();
    send('ghi');
    expect(await rest).toBe('efghi');
  });

  it('is given in two parts, of which the second is empty, when it has come whole and is no shorter than the limit', async () => {
    const { body, send } = stage(5);
    send('hello');
    expect(prefetched(body, 5).got()).toBe('hello…');
    expect(await readAll(body)).toBe('');
  });

  it('announces itself before it is read for the first time', () => {
    const { body, source } = stage(3);
    expect(source.told).toEqual([]);
    prefetched(body, 3);
    expect(source.told[0]).toBe('awaited');
  });
});

describe('a body that nobody reads yet', () => {
  it('stops the socket at a bound, and lets it go on when it is read', () => {
    const { body, source, send } = stage(1_000_000);
    send('x'.repeat(99_999));
    expect(body.full).toBe(false);
    send('x');
    expect(body.full).toBe(true);
    const told = source.told.length;
    expect(prefetched(body, 10).got()).toHaveLength(100_001);
    expect(body.full).toBe(false);
    expect(source.told.slice(told)).toEqual(['awaited', 'drained']);
  });

  it('does not stop it for one who asks for more than the bound', () => {
    const { body, send } = stage(1_000_000);
    prefetched(body, 500_000);
    send('x'.repeat(200_000));
    expect(body.full).toBe(false);
  });

  it('is not kept once its exchange has let go, and its end is still found', () => {
    const { body, send } = stage(200_003);
    send('abc');
    body.letGo();
    expect(send(`${'x'.repeat(200_000)}GET /`)).toBe(200_000);
    expect([body.complete, body.full]).toEqual([true, false]);
  });
});

describe('the reader of a body', () => {
  it('goes on when the exchange lets go', async () => {
    const { body, send } = stage(6);
    const rest = readAll(body);
    send('abc');
    await turn();
    body.letGo();
    send('def');
    expect(await rest).toBe('abcdef');
  });

  it('fails when the connection ends first, waiting or not', async () => {
    const waiting = stage(6);
    const rest = readAll(waiting.body);
    await turn();
    waiting.body.cutOff();
    await expect(rest).rejects.toThrow('the client has gone');
    const late = stage(6);
    late.send('abc');
    late.body.cutOff();
    await expect(readAll(late.body)).rejects.toThrow('the client has gone');
  });

  it('gets all of what had come whole before the connection ended', async () => {
    const { body, send } = stage(3);
    send('abc');
    body.cutOff();
    expect(await readAll(body)).toBe('abc');
  });

  it('leaves the rest unwanted when it stops early', async () => {
    const { body, send } = stage(300_000);
    send('abc');
    for await (const piece of body.rest()) {
      expect(piece.toString()).toBe('abc');
      break;
    }
    send('x'.repeat(200_000));
    expect(body.full).toBe(false);
  });
});

describe('a body that nobody asked for at first', () => {
  it('lets its socket go on when it is asked for more than was kept', () => {
    const { source, body, send } = stage(300_000);
    send('x'.repeat(120_000));
    expect(body.full).toBe(true);
    prefetched(body, 200_000);
    expect(body.full).toBe(false);
    expect(source.told).toEqual(['awaited', 'drained']);
  });

  it('costs no more for being cut into single bytes', () => {
    const { body, send } = stage(undefined);
    const before = process.memoryUsage().heapUsed;
    send('1\r\nx\r\n'.repeat(90_000));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8_000_000);
    send('0\r\n\r\n');
    expect(prefetched(body, 100_000).got()?.length).toBe(90_001);
  });
});
