/** The built command with several workers, and which of them a client comes to. Needs Linux: `/proc` knows the workers. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child, PROJECT } from './child.js';
import type { Opened } from './closing.js';
import { Publisher } from './publisher.js';
import type { RawClient } from './raw-client.js';

const PROGRAM = join(PROJECT, 'dist/cli/main.js');
/** Free ports everywhere, and nothing that another Holdfast on this machine may have taken. */
const APART = ['control.listen=127.0.0.1:0', 'zeromq.pull=', 'zeromq.sub=', 'zeromq.rep=', 'log.level=debug'];
/** Milliseconds between two looks at a process that is nobody's child any more, and for all of them. */
const LOOK_INTERVAL = 10;
const PATIENCE = 10_000;

/** An item for all kinds of hold. */
export function itemFor(channel: string, text: string, extras: object = {}): object {
  const formats = {
    'http-response': { body: text },
    'http-stream': { content: `${text}\n` },
    'ws-message': { content: text },
  };
  return { channel, formats, ...extras };
}

export class Several {
  private constructor(
    private readonly opened: Opened,
    readonly child: Child,
    /** Where clients connect. */
    readonly port: number,
    private readonly controlPort: number,
  ) {}

  /** @param args - further arguments; routes are among them */
  static async start(opened: Opened, workers: number, ...args: readonly string[]): Promise<Several> {
    const child = opened.add(Several.run(workers, '127.0.0.1:0', args), async (one) => {
      // One that a failed test has left standing would not see the main process's end.
      for (const pid of childrenOf(one.pid)) process.kill(pid, 'SIGCONT');
      await one.stop();
    });
    const [, port] = await child.says(/clients: listening on http:\/\/127\.0\.0\.1:(\d+)["\n]/);
    const [, control] = await child.says(/publish with POST http:\/\/127\.0\.0\.1:(\d+)\/publish\/["\n]/);
    await child.says(/try: curl/);
    return new Several(opened, child, Number(port), Number(control));
  }

  static run(workers: number, listen: string, args: readonly string[]): Child {
    const settings = APART.flatMap((setting) => ['--set', setting]);
    return Child.node([PROGRAM, '--workers', String(workers), '--port', listen, ...settings, ...args]);
  }

  /** Process ids of the workers, as they are now. */
  workers(): number[] {
    return childrenOf(this.child.pid);
  }

  /** Runs `connect` while all workers but one stand still, so that the client comes to that one. */
  async at<T>(worker: number, connect: () => Promise<T>): Promise<T> {
    const others = this.workers().filter((pid) => pid !== worker);
    for (const pid of others) process.kill(pid, 'SIGSTOP');
    try {
      return await connect();
    } finally {
      for (const pid of others) process.kill(pid, 'SIGCONT');
    }
  }

  /** A stream of the built-in test backend in this worker, or in any; its head and first line are read. */
  async stream(channel: string, worker?: number): Promise<RawClient> {
    const connect = async (): Promise<RawClient> => {
      const client = await this.opened.get(this.port, `/stream?channel=${channel}`);
      await client.readUntil('[stream opened]\n\r\n');
      return client;
    };
    return worker === undefined ? connect() : this.at(worker, connect);
  }

  async publisher(): Promise<Publisher> {
    return new Publisher(await this.opened.client(this.controlPort));
  }

  /** One stream in each worker. */
  async streams(channel: string): Promise<RawClient[]> {
    const streams: RawClient[] = [];
    for (const worker of this.workers()) streams.push(await this.stream(channel, worker));
    return streams;
  }

  /** Sends a command to the control port. @returns the JSON of the answer */
  async command(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const answer = await fetch(`http://127.0.0.1:${this.controlPort}${path}`, {
      method: 'POST',
      headers: { Accept: 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return answer.json();
  }

  /** Asks the control port for something else than publishing. @returns the status */
  async control(path: string, body = ''): Promise<number> {
    return (await fetch(`http://127.0.0.1:${this.controlPort}${path}`, { method: 'POST', body })).status;
  }
}

/** None of a process that has ended. */
function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  return text === '' ? [] : text.split(' ').map(Number);
}

/** Resolves when none of these processes is there any more: whoever is not their parent has to look. */
export async function untilEnded(pids: readonly number[]): Promise<void> {
  const end = performance.now() + PATIENCE;
  for (let left = pids.filter(runs); left.length > 0; left = left.filter(runs)) {
    if (performance.now() > end) throw new Error(`processes ${left.join(', ')} still run after ${PATIENCE} ms`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL));
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // One that has ended and whom nobody has asked for its end yet is there as a zombie.
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
