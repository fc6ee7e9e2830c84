import { describe, expect, it } from 'vitest';
import { turnUntil } from '../support/deadline.js';
import { keptBytes } from '../support/memory.js';
import { ClientRunner } from './client-runner.js';
import { bytesOf, type Side } from './notation.js';
import { OriginRunner } from './origin-runner.js';
import type { Wire } from './wire.js';

/** Pieces of one byte, each with 64 KiB of pongs behind it: every piece comes in a read of its own. */
async function pin(from: Wire, to: Wire, side: Side): Promise<number> {
  let got = 0;
  // The pongs come out again, to a client: they are counted and forgotten.
  to.socket.removeAllListeners('data');
  to.socket.on('data', (bytes: Buffer) => {
    got += bytes.length;
  });
  const before = keptBytes();
  const piece = bytesOf('cont-:x pong:p*125^499', side);
  const back = bytesOf('pong:p*125^499', 'server').length;
  from.socket.write(bytesOf('binary-:x', side));
  for (let count = 1; count <= 500; count += 1) {
    from.socket.write(piece);
    await turnUntil('the pongs', () => got >= back * count);
  }
  return keptBytes() - before;
}

describe('pieces of one byte that each come in a read of their own', () => {
  it('of a client keep no more than its due', async () => {
    const runner = await ClientRunner.start();
    const wire = await runner.open();
    expect(await pin(wire, wire, 'client')).toBeLessThan(3_000_000);
    wire.destroy();
    await runner.stop();
  });

  it('of an origin keep no more than its due', async () => {
    const runner = await OriginRunner.start({ websocket: { maxRelayedMessageBytes: 200_000 } });
    const { client, origin } = await runner.open();
    expect(await pin(origin, client, 'server')).toBeLessThan(3_000_000);
    client.destroy();
    origin.destroy();
    await runner.stop();
  });
});
