/** A client process: it does what the driver that forked it says, and ends with it. */
import { ChurnLoad } from './churn-load.js';
import { EchoesLoad } from './echoes-load.js';
import { HoldsLoad } from './holds-load.js';
import type { Load } from './load.js';
import type { Command, Completed, FromClient, LoadSpec, Report, ServerPorts, ToClient } from './messages.js';
import { PollsLoad } from './polls-load.js';
import { RequestsLoad } from './requests-load.js';
import { Sockets } from './socket.js';

const NOTHING: Report = { counts: {}, latencies: {} };

function send(message: FromClient): void {
  process.send?.(message);
}

function completed(messages: readonly Completed[]): void {
  send({ kind: 'completed', messages });
}

function loadOf(spec: LoadSpec, ports: ServerPorts, index: number): Load {
  const sockets = new Sockets(index);
  switch (spec.kind) {
    case 'requests':
      return new RequestsLoad(spec, ports, sockets);
    case 'holds':
      return new HoldsLoad(spec, ports, sockets, index, completed);
    case 'polls':
      return new PollsLoad(spec, ports, sockets, index);
    case 'echoes':
      return new EchoesLoad(spec, ports, sockets);
    case 'churn':
      return new ChurnLoad(spec, ports, sockets, index);
  }
}

function reportOf(load: Load | undefined): Report {
  return load?.tally.report(load.standing?.()) ?? NOTHING;
}

function serve(): void {
  let load: Load | undefined;
  /** @returns what was counted until it was done */
  const obey = async (command: Command): Promise<Report> => {
    switch (command.kind) {
      case 'start':
        load = loadOf(command.spec, command.ports, command.index);
        await load.start();
        break;
      case 'change':
        await load?.change?.(command.change);
        break;
      case 'mark': {
        const before = reportOf(load);
        load?.tally.clear();
        return before;
      }
      case 'report':
        break;
      case 'stop': {
        await load?.stop();
        const last = reportOf(load);
        load = undefined;
        return last;
      }
    }
    return reportOf(load);
  };
  const answer = async ({ id, command }: ToClient): Promise<void> => {
    try {
      send({ kind: 'reply', id, report: await obey(command) });
    } catch (error) {
      send({ kind: 'failed', id, why: error instanceof Error ? error.message : String(error) });
    }
  };
  process.on('message', (message) => void answer(message as ToClient));
  process.on('disconnect', () => process.exit(0));
  // The terminal's interrupt is for the driver, which ends its clients.
  process.on('SIGINT', () => {});
}

serve();
