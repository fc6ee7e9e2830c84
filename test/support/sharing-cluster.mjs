/**
 * Two processes that listen on the same port, as workers do. The first one pauses and resumes in the ways that it is told;
 * each time the second one then leaves new clients to it, and a client says who answered.
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { OpenSockets } from '../../dist/sockets/open-sockets.js';

/** Done to the first one, at once and without waiting in between. */
const STORMS = [
  ['resume'],
  ['pause', 'resume'],
  ['pause', 'resume', 'pause', 'resume'],
  ['pause', 'resume', 'resume', 'pause', 'pause', 'resume'],
];

async function ask(worker, steps) {
  const answer = once(worker, 'message');
  worker.send(steps);
  await answer;
}

async function primary() {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  const workers = [];
  let port = 0;
  for (let index = 0; index < 2; index += 1) {
    const worker = cluster.fork();
    [port] = await once(worker, 'message');
    workers.push(worker);
  }
  const [first, second] = workers;
  for (const storm of STORMS) {
    await ask(first, storm);
    await ask(second, ['pause']);
    for (let time = 0; time < 3; time += 1) console.log(await text(connect(port, '127.0.0.1')));
    await ask(second, ['resume']);
  }
  process.exit(0);
}

async function worker() {
  const server = createServer((socket) => socket.end(`worker ${cluster.worker.id}`));
  const sockets = new OpenSockets(server, {
    setting: 'http.listen',
    warnings: { warn: (_kind, line) => console.log(line) },
    counters: { openConnections: 0, refusedConnections: 0, acceptedConnections: { http: 0, https: 0, unix: 0 } },
    maxConnections: 100,
  });
  const { port } = await sockets.listen({ host: '127.0.0.1', port: 0 });
  process.send(port);
  process.on('message', async (steps) => {
    await Promise.all(steps.map((step) => sockets[step]()));
    process.send('done');
  });
}

await (cluster.isPrimary ? primary() : worker());
