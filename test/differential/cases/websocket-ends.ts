/** How a WebSocket to an origin that speaks it itself ends: closes in every order, losses, broken frames (11.1). */
import type { Case } from '../case.js';
import { clientFrame, closePayload, RESERVED_BIT, serverFrame } from '../websocket-bytes.js';
import { between } from '../websocket-steps.js';

/** The origin breaks the protocol with `bytes`, and speaks on. */
function broken(name: string, bytes: Buffer): Case {
  return between(name, async ({ client, origin }) => {
    origin.send(bytes, serverFrame('PING'));
    await client.untilOrClosed(['\x89\x00', '\x88']);
    client.drop();
    await origin.closed();
  });
}

export const WEBSOCKET_ENDS: readonly Case[] = [
  between('11.1 a client closes with a code and a reason', async ({ client, origin }) => {
    client.send(clientFrame('CLOSE', closePayload(4002, 'bye')));
    await origin.until('CLOSE');
    origin.send(serverFrame('CLOSE', closePayload(4002, 'bye')));
    await client.closed();
    await origin.closed();
  }),
  between('11.1 a client closes without a code', async ({ client, origin }) => {
    client.send(clientFrame('CLOSE'));
    await origin.until('CLOSE');
    origin.send(serverFrame('CLOSE'));
    await client.closed();
  }),
  between('11.1 an origin answers a close with another', async ({ client, origin }) => {
    client.send(clientFrame('CLOSE', closePayload(4002, 'bye')));
    await origin.until('CLOSE');
    origin.send(serverFrame('CLOSE', closePayload(4003, 'mine')));
    await client.closed();
  }),
  between('11.1 last words of an origin to a client that closes', async ({ client, origin }) => {
    client.send(clientFrame('CLOSE', closePayload(1000)));
    await origin.until('CLOSE');
    origin.send(serverFrame('TEXT', 'farewell'), serverFrame('CLOSE', closePayload(1000)));
    await client.closed();
  }),
  between('11.1 an origin hangs up on a client that closes', async ({ client, origin }) => {
    client.send(clientFrame('CLOSE', closePayload(1000)));
    await origin.until('CLOSE');
    origin.end();
    await client.closed();
  }),
  between('11.1 an origin closes with a code and a reason', async ({ client, origin }) => {
    origin.send(serverFrame('CLOSE', closePayload(4002, 'bye')));
    await client.until('bye');
    client.send(clientFrame('CLOSE', closePayload(4002, 'bye')));
    await origin.until('CLOSE');
    await client.closed();
  }),
  between('11.1 an origin closes without a code', async ({ client, origin }) => {
    origin.send(serverFrame('CLOSE'));
    await client.until('\x88');
    client.send(clientFrame('CLOSE'));
    await client.closed();
    await origin.closed();
  }),
  between('11.1 a client answers a close with another', async ({ client, origin }) => {
    origin.send(serverFrame('CLOSE', closePayload(4002, 'bye')));
    await client.until('bye');
    client.send(clientFrame('CLOSE', closePayload(4003, 'mine')));
    await origin.until('CLOSE');
    await client.closed();
  }),
  between('11.1 last words of a client to an origin that closes', async ({ client, origin }) => {
    origin.send(serverFrame('CLOSE', closePayload(4002, 'bye')));
    await client.until('bye');
    client.send(Buffer.concat([clientFrame('TEXT', 'farewell'), clientFrame('CLOSE', closePayload(4002))]));
    await origin.until('CLOSE');
    await client.closed();
  }),
  between('11.1 a client vanishes', async ({ client, origin }) => {
    client.drop();
    await origin.closed();
  }),
  between('11.1 an origin vanishes', async ({ client, origin }) => {
    origin.drop();
    await client.closed();
  }),
  between('11.1 an origin ends its connection without a close', async ({ client, origin }) => {
    origin.send(serverFrame('TEXT', 'last'));
    await client.until('last');
    origin.end();
    await client.closed();
  }),
  between('11.1 a client vanishes after an origin has closed', async ({ client, origin }) => {
    origin.send(serverFrame('CLOSE', closePayload(4002, 'bye')));
    await client.until('bye');
    client.drop();
    await origin.closed();
  }),
  between('11.1 both sides close at the same time', async ({ client, origin }) => {
    client.send(clientFrame('CLOSE', closePayload(4001, 'client')));
    origin.send(serverFrame('CLOSE', closePayload(4002, 'origin')));
    await client.closed();
    await origin.closed();
  }),
  between(
    '11.1 without GRIP both sides say goodbye',
    async ({ client, origin }) => {
      client.send(clientFrame('CLOSE', closePayload(1000)));
      await origin.until('CLOSE');
      origin.send(serverFrame('CLOSE', closePayload(1000)));
      origin.end();
      await client.closed();
    },
    'signless.example',
  ),
  broken('11.1 an origin whose frame has a reserved bit', serverFrame('TEXT', 'x', RESERVED_BIT)),
  broken('11.1 an origin that masks', clientFrame('TEXT', 'x')),
  broken('11.1 an origin that goes on with a message it never began', serverFrame('CONTINUATION', 'x')),
  broken('11.1 an origin whose close has one byte', serverFrame('CLOSE', 'x')),
];
