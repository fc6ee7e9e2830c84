/**
 * A ZHTTP worker to be killed: the path of a request says how far it goes with it, and it prints when it is there. Needs
 * the built project.
 *
 *     node zhttp-child.mjs BASE     an ipc address
 */
import { Pull, Router, XPublisher } from 'zeromq';
import { decodeTnetstring, encodeTnetstring } from '../../dist/protocol/tnetstring.js';

const base = process.argv[2];
const name = 'child';

function meet(socket, address) {
  const met = new Promise((resolve) => socket.events.on('handshake', resolve));
  socket.connect(address);
  return met;
}

const pull = new Pull();
const router = new Router({ routingId: name });
const pub = new XPublisher();
await meet(pull, `${base}-out`);
await meet(router, `${base}-out-stream`);
pub.connect(`${base}-in`);
await pub.receive();
console.log('ready');

async function listen() {
  for await (const frames of router) {
    const packet = decodeTnetstring(frames.at(-1).subarray(1));
    console.log(`got ${packet.get('type') ?? 'data'}`);
  }
}

void listen();

const HEAD = { code: 200, reason: 'OK', headers: [], more: true };

/** Packets for each path; a WebSocket is accepted. */
const PACKETS = {
  '/silent': [],
  '/head': [HEAD],
  '/body': [HEAD, { body: 'half of it', more: true }],
  '/upload': [{ type: 'credit', credits: 1_000 }],
  '/socket': [{ code: 101, reason: 'Switching Protocols', headers: [], credits: 200_000 }, { body: 'hello' }],
};

for await (const [frame] of pull) {
  const request = Object.fromEntries(decodeTnetstring(frame.subarray(1)));
  const { pathname } = new URL(String(request.uri));
  const packets = PACKETS[pathname] ?? [];
  for (const [seq, packet] of packets.entries()) {
    const fields = new Map(Object.entries({ from: name, id: request.id, seq, ...packet }));
    await pub.send(Buffer.concat([request.from, Buffer.from(' T'), encodeTnetstring(fields)]));
  }
  console.log(`did ${pathname}`);
}
