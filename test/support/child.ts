/** A child process under test: its output by lines, its end, and nothing left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Watch, within } from './deadline.js';

/** The folder of the project. */
export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ChildOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export class Child {
  private stdout = '';
  private stderr = '';
  private readonly watch = new Watch();
  /** However long it takes; `ended` is for processes that end soon. */
  readonly ending: Promise<Ending>;

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.watch.changed();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.watch.changed();
    });
    this.ending = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        this.watch.end(`the process ended with ${code ?? signal}: ${this.stderr}`);
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
    this.ending.catch(() => {});
  }

  static start(command: string, args: readonly string[], options: ChildOptions = {}): Child {
    return new Child(
      spawn(command, args, {
        cwd: options.cwd ?? PROJECT,
        env: { ...process.env, ...options.environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
  }

  static node(args: readonly string[], options: ChildOptions = {}): Child {
    return Child.start(process.execPath, args, options);
  }

  /** What `pattern` finds on standard output, once it is there. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    let found: RegExpExecArray | null = null;
    const look = (): boolean => {
      found = pattern.exec(this.stdout);
      return found !== null;
    };
    await this.watch.until(
      `${pattern} on standard output`,
      look,
      () => `\nstdout: ${this.stdout}\nstderr: ${this.stderr}`,
    );
    if (found === null) throw new Error('unreachable');
    return found;
  }

  /** The port in `listening on http://127.0.0.1:PORT`, which every example prints. */
  async port(): Promise<number> {
    return Number((await this.says(/listening on http:\/\/127\.0\.0\.1:(\d+)\n/))[1]);
  }

  /** Of a process that could be started. */
  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** What it has written to standard output so far. */
  get output(): string {
    return this.stdout;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves when the process has ended by itself. */
  ended(): Promise<Ending> {
    return within('the end of the process', this.ending);
  }

  /** Ends the process if it still runs. */
  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.ended();
  }
}
