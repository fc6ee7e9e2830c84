/** The connections to WebSocket origins as a whole: counted, called off, and closed. */
import { describe, expect, it } from 'vitest';
import type { OpeningResult } from '../../../src/backend/websocket-origin/handshake.js';
import { WebSocketOrigins } from '../../../src/backend/websocket-origin/websocket-origins.js';
import { parseRoutesLines } from '../../../src/routes/load-routes.js';
import type { Target } from '../../../src/routes/route.js';
import { Opened } from '../../support/closing.js';
import { turnUntil, within } from '../../support/deadline.js';
import { RawOrigin } from '../../support/raw-origin.js';
import { accepting } from '../../support/websocket-origin.js';

const opened = new Opened();
const REQUEST = { authority: 'example.com', path: '/chat', headers: [] };

function targetOf(text: string): Target & { kind: 'origin' } {
  const [route] = [...parseRoutesLines([`* ${text}`], 'the test').table.routes()];
  const target = route?.targets[0];
  if (target?.kind !== 'origin') throw new Error('this is no origin');
  return target;
}

async function stage() {
  const origin = opened.add(await RawOrigin.start(), (one) => one.stop());
  origin.reply('/chat', accepting());
  const origins = new WebSocketOrigins({ connectTimeout: 5, idleTimeout: 60, maxHeadBytes: 10_000 });
  opened.add(origins, (one) => one.close(0));
  const results: OpeningResult[] = [];
  const open = (headers: [string, string][] = []) =>
    origins.open(targetOf(origin.target), { ...REQUEST, headers }, 100, (result) => results.push(result));
  return { origin, origins, results, open };
}

describe('the WebSocket origins', () => {
  it('know each connection until it has ended', async () => {
    const { origins, results, open } = await stage();
    open();
    open();
    expect(results).toEqual([]);
    await turnUntil('both results', () => results.length === 2);
    expect([origins.connections, ...results.map(({ kind }) => kind)]).toEqual([2, 'opened', 'opened']);
    for (const result of results) if (result.kind === 'opened') result.socket.destroy();
    await turnUntil('their end', () => origins.connections === 0);
  });

  it.each(['while it connects', 'while it waits for its answer'])('let a handshake be called off %s', async (when) => {
    const { origin, origins, results, open } = await stage();
    origin.reply('/chat', () => {});
    const call = open();
    if (when !== 'while it connects') await origin.request('/chat');
    call.cancel();
    await origin.until('the end of the connection', () => origin.connections[0]?.closed === true);
    await turnUntil('the end of it', () => origins.connections === 0);
    expect(results).toEqual([]);
  });

  it('break off at closing what does not end by itself in time', async () => {
    const { origin, origins, results, open } = await stage();
    open();
    await turnUntil('the result', () => results.length === 1);
    const [result] = results;
    if (result?.kind !== 'opened') throw new Error('it is not open');
    result.socket.end();
    await within('the closing', origins.close(10));
    expect([result.socket.destroyed, origins.connections]).toEqual([true, 0]);
    await origin.until('the end of the connection', () => origin.connections[0]?.closed === true);
  });

  it('fail, and connect to nobody again, when a header cannot be sent', async () => {
    const { origin, origins, results, open } = await stage();
    open([['X', 'a\r\nY: b']]);
    await turnUntil('the result', () => results.length === 1);
    expect(results[0]).toMatchObject({ kind: 'failed', failure: { kind: 'other' } });
    await turnUntil('the end of it', () => origins.connections === 0);
    expect(origin.requests).toEqual([]);
  });
});
