/** What a worker tells of its client connections, and how many of them are enough for it. */
import { readFileSync } from 'node:fs';

/** Most connections that come or go without a word. */
const MAX_STEP = 32;
/** The same as part of those at which a worker is full. */
const STEP_PART = 1 / 16;
/** Connections before the last one at which a worker is on the brink of refusing. */
const MARGIN = 64;
/** Share of the connections that may be open at which a worker counts as full: more are on their way already. */
const FULL = 15 / 16;
/** Share of the files that a process may have open; connections to origins are among the rest. */
const CLIENTS_OF_FILES = 7 / 8;

/** Numbers of client connections that matter to those who spread them. */
export interface ClientLimits {
  /** It should get no more, as long as others have fewer. */
  readonly full: number;
  /** It should get no more, as long as others can take any: soon it has to refuse. */
  readonly brink: number;
  /** A change of the number that is worth telling. */
  readonly step: number;
}

export class ClientShare {
  private told = 0;

  constructor(
    readonly limits: ClientLimits,
    private readonly tell: (open: number) => void,
  ) {}

  /** @param open - connections that are open now */
  count(open: number): void {
    const { told } = this;
    const { full, brink, step } = this.limits;
    const crossed = open >= full !== told >= full || open >= brink !== told >= brink;
    if (!crossed && Math.abs(open - told) < step) return;
    this.told = open;
    this.tell(open);
  }
}

/** The limits of a worker that may have so many connections and open files. */
export function limitsOf(maxConnections: number, maxFiles: number): ClientLimits {
  const most = Math.min(maxConnections, maxFiles * CLIENTS_OF_FILES);
  const full = Math.max(1, Math.floor(Math.min(Math.ceil(maxConnections * FULL), most)));
  const step = Math.min(MAX_STEP, Math.max(1, Math.floor(full * STEP_PART)));
  return { full, brink: Math.max(full, Math.floor(most) - MARGIN), step };
}

/** How many files this process may have open; infinite where the system does not tell (it does on Linux). */
export function openFilesLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
