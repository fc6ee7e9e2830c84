/** The way to handlers by their names, over a real ROUTER: what becomes of packets for one that is not there. */

import { describe, expect, it } from 'vitest';
import { Router } from 'zeromq';
import { HandlerPost } from '../../../src/backend/zhttp/handler-post.js';
import { Wheel } from '../../../src/time/wheel.js';
import { Opened } from '../../support/closing.js';
import { within } from '../../support/deadline.js';
import { ManualClock } from '../../support/manual-clock.js';

const PACKET = Buffer.from('packet');

describe('the post to handlers', () => {
  const opened = new Opened();

  function posted() {
    const clock = new ManualClock();
    const wheel = opened.add(new Wheel(clock), (one) => one.close());
    const router = opened.add(new Router({ mandatory: true, sendTimeout: 0, linger: 0 }), (one) => one.close());
    const lost: string[] = [];
    const dropped: number[] = [];
    let tell = (): void => {};
    const loss = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const told = (peer: string): void => {
      lost.push(peer);
      tell();
    };
    const post = opened.add(new HandlerPost(router, wheel, told, (packets) => dropped.push(packets)), (one) =>
      one.close(),
    );
    return { clock, post, lost, dropped, loss };
  }

  it('keeps a thousand packets for one that has not been reached; one more, and all are lost and counted', () => {
    const { post, lost, dropped } = posted();
    for (let sent = 0; sent < 1_000; sent += 1) post.send('nobody', PACKET);
    expect([lost, dropped]).toEqual([[], []]);
    post.send('nobody', PACKET);
    expect([lost, dropped]).toEqual([['nobody'], [1_001]]);
  });

  it('begins anew for one that was given up', () => {
    const { post, lost, dropped } = posted();
    for (let sent = 0; sent < 1_001; sent += 1) post.send('nobody', PACKET);
    for (let sent = 0; sent < 1_001; sent += 1) post.send('nobody', PACKET);
    expect([lost, dropped]).toEqual([
      ['nobody', 'nobody'],
      [1_001, 1_001],
    ]);
  });

  it('gives up one that is not there for a second, and counts nothing as dropped', async () => {
    const { clock, post, lost, dropped, loss } = posted();
    post.send('nobody', PACKET);
    const moving = setInterval(() => clock.advance(50), 1);
    await within('the loss', loss);
    clearInterval(moving);
    expect([lost, dropped]).toEqual([['nobody'], []]);
  });
});
