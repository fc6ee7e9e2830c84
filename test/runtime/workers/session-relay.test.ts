import { describe, expect, it } from 'vitest';
import type { HandedRequest } from '../../../src/proxy/sockjs/elsewhere.js';
import type { MainMessage } from '../../../src/runtime/workers/messages.js';
import { SessionRelay } from '../../../src/runtime/workers/session-relay.js';
import { ownerOf } from '../../../src/runtime/workers/sessions-beyond.js';

const request: HandedRequest = {
  method: 'POST',
  target: '/echo/000/a/xhr',
  headers: [],
  secure: false,
  peer: {},
  body: Buffer.alloc(0),
  trusted: false,
};
const response = { code: 200, reason: 'OK', headers: [], body: Buffer.from('o\n') };

class End {
  readonly heard: MainMessage[] = [];

  send(message: MainMessage): void {
    this.heard.push(message);
  }
}

function relay() {
  const ends = [new End(), new End(), new End()] as const;
  return { ends, relay: new SessionRelay((number) => ends[number]) };
}

describe('requests between workers', () => {
  it('go to the owner, and answers back to who asked, under the numbers that each knows', () => {
    const { ends, relay: one } = relay();
    one.ask(ends[0], { kind: 'elsewhere', id: 7, owner: 2, request });
    one.ask(ends[1], { kind: 'elsewhere', id: 7, owner: 2, request });
    expect(ends[2].heard).toEqual([
      { kind: 'serve', id: 1, request },
      { kind: 'serve', id: 2, request },
    ]);
    one.served({ kind: 'served', id: 2, response });
    one.served({ kind: 'served', id: 2, response });
    expect([ends[0].heard, ends[1].heard]).toEqual([[], [{ kind: 'served', id: 7, response }]]);
    one.left(ends[0], 7);
    expect([ends[2].heard.at(-1), one.size]).toEqual([{ kind: 'unserve', id: 1 }, 0]);
  });

  it('are answered as gone when the owner is not there, or dies; and are called off when the asker dies', () => {
    const { ends, relay: one } = relay();
    const gone = { kind: 'served', id: 5, response: undefined };
    one.ask(ends[0], { kind: 'elsewhere', id: 5, owner: 9, request });
    expect(ends[0].heard).toEqual([gone]);
    one.ask(ends[0], { kind: 'elsewhere', id: 5, owner: 1, request });
    one.ask(ends[1], { kind: 'elsewhere', id: 6, owner: 2, request });
    one.gone(ends[1]);
    expect(ends[0].heard).toEqual([gone, gone]);
    expect(ends[2].heard.at(-1)).toEqual({ kind: 'unserve', id: 2 });
    expect(one.size).toBe(0);
  });

  it('have one owner each, and all workers have some', () => {
    const owners = Array.from({ length: 300 }, (_, at) => ownerOf(`session${at}`, 3));
    for (const owner of [0, 1, 2]) expect(owners.filter((one) => one === owner).length).toBeGreaterThan(60);
    expect(ownerOf('abc', 1)).toBe(0);
    expect(ownerOf('session7', 3)).toBe(owners[7]);
  });
});
