/**
 * A Holdfast of the built library in a process of its own, which tells its counters to whoever forked it.
 *
 * Arguments: port of the origin, `hold.outboxBytes`.
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROJECT } from '../servers/project.js';

/** What is used of the library. */
interface Library {
  createHoldfast(options: object): Promise<{
    readonly addresses: {
      readonly http: readonly { readonly port: number }[];
      readonly control?: { readonly port: number };
    };
    readonly counters: {
      readonly delivered: number;
      readonly holds: { readonly stream: number };
      readonly dropped: Readonly<Record<string, number>>;
    };
  }>;
}

export interface Listening {
  readonly kind: 'listening';
  readonly http: number;
  readonly control: number;
}

export interface Counted {
  readonly kind: 'counted';
  readonly streams: number;
  readonly delivered: number;
  /** Items not written because an outbox was full: one for each client that was closed. */
  readonly outboxFull: number;
}

async function serve(): Promise<void> {
  const [origin, outboxBytes] = process.argv.slice(2);
  const library = (await import(pathToFileURL(join(PROJECT, 'dist/index.js')).href)) as Library;
  const holdfast = await library.createHoldfast({
    routes: [`* 127.0.0.1:${origin}`],
    settings: { hold: { outboxBytes: Number(outboxBytes), outboxPolicy: 'close' } },
  });
  process.on('message', () => {
    const { delivered, holds, dropped } = holdfast.counters;
    const counted: Counted = {
      kind: 'counted',
      streams: holds.stream,
      delivered,
      outboxFull: dropped['outbox-full'] ?? 0,
    };
    process.send?.(counted);
  });
  process.on('disconnect', () => process.exit(0));
  process.on('SIGINT', () => {});
  const listening: Listening = {
    kind: 'listening',
    http: holdfast.addresses.http[0]?.port ?? 0,
    control: holdfast.addresses.control?.port ?? 0,
  };
  process.send?.(listening);
}

serve().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
});
