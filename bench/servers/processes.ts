/** The processes a run has started, and its temporary folders: they go with the run, however that ends. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** Milliseconds from SIGTERM to SIGKILL. */
const GRACE = 5_000;
/** Milliseconds between two looks whether a group is empty. */
const LOOK = 20;
/** Characters kept of what a process wrote last. */
const OUTPUT_KEPT = 20_000;

export interface SpawnOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** With a channel for messages to the process itself. */
  readonly ipc?: boolean;
}

export class RunningProcess {
  private text = '';
  /** Undefined while it runs. */
  ending: string | undefined = undefined;

  constructor(
    readonly child: ChildProcess,
    private readonly forget: () => void,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        this.text = (this.text + bytes.toString()).slice(-OUTPUT_KEPT);
      });
    }
    child.on('error', (error) => this.ended(error.message));
    child.on('exit', (code, signal) => this.ended(`ended with ${signal ?? code}`));
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`it did not start: ${this.ending ?? 'no process id'}`);
    return this.child.pid;
  }

  /** The last of what it wrote to standard output and standard error. */
  get output(): string {
    return this.text;
  }

  /** SIGTERM, and after a while SIGKILL for it and what it started. */
  async stop(): Promise<void> {
    if (this.ending === undefined) this.child.kill('SIGTERM');
    const deadline = Date.now() + GRACE;
    while (this.signalGroup(0) && Date.now() < deadline) await pause(LOOK);
    this.kill();
    this.forget();
  }

  /** SIGKILL for it and what it started. */
  kill(): void {
    this.signalGroup('SIGKILL');
  }

  private ended(how: string): void {
    this.ending ??= how;
  }

  /** Every process leads a group of its own. @returns false when nothing of the group is left */
  private signalGroup(signal: NodeJS.Signals | 0): boolean {
    if (this.child.pid === undefined) return false;
    try {
      return process.kill(-this.child.pid, signal);
    } catch {
      return false;
    }
  }
}

export class Processes {
  private readonly live = new Set<RunningProcess>();
  private readonly folders = new Set<string>();

  constructor() {
    process.on('exit', () => {
      for (const one of this.live) one.kill();
      this.removeFolders();
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
  }

  spawn(command: string, args: readonly string[], options: SpawnOptions = {}): RunningProcess {
    const { cwd, environment = {}, ipc = false } = options;
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
      env: { ...process.env, ...environment },
      detached: true,
      ...(cwd === undefined ? {} : { cwd }),
    });
    return this.add(child);
  }

  /** Forks a module of this program, with a channel for messages. */
  fork(module: URL, args: readonly string[] = []): RunningProcess {
    return this.add(fork(module, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true }));
  }

  temporaryFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
    this.folders.add(folder);
    return folder;
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.live].reverse().map((one) => one.stop()));
    this.removeFolders();
  }

  private removeFolders(): void {
    for (const folder of this.folders) rmSync(folder, { recursive: true, force: true });
    this.folders.clear();
  }

  private add(child: ChildProcess): RunningProcess {
    const running = new RunningProcess(child, () => this.live.delete(running));
    this.live.add(running);
    return running;
  }
}
