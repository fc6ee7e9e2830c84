/** One line of an example, run by bash as a reader would type it, and what it shows. */
import { type ChildProcess, spawn } from 'node:child_process';
import { Watch, within } from '../support/deadline.js';
import { shown } from './page.js';

export class Terminal {
  private chunks: Buffer[] = [];
  private readonly watch = new Watch();
  private readonly process: ChildProcess;
  private readonly over: Promise<void>;
  /** True once the line has come to its end. */
  ended = false;

  constructor(private readonly command: string) {
    // A group of its own: what bash starts is ended with it.
    this.process = spawn('bash', ['-c', command], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    this.process.stdout?.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.watch.changed();
    });
    this.over = new Promise((resolve, reject) => {
      this.process.on('error', reject);
      this.process.on('close', () => {
        this.ended = true;
        this.watch.end('the line came to its end');
        resolve();
      });
    });
    this.over.catch(() => {});
  }

  get output(): string {
    return shown(Buffer.concat(this.chunks));
  }

  /** Resolves when the output is this, or with what there is when it cannot become it any more. */
  async shows(pattern: RegExp): Promise<void> {
    await this.watch
      .until(`${pattern} from ${this.command}`, () => pattern.test(this.output))
      .catch((error: unknown) => {
        if (!this.ended) throw new Error(`${String(error)}; it shows ${JSON.stringify(this.output)}`);
      });
  }

  end(): Promise<void> {
    return within(`the end of ${this.command}`, this.over);
  }

  /** Interrupts the line, as a reader does. */
  async stop(): Promise<void> {
    const { pid, exitCode, signalCode } = this.process;
    if (exitCode === null && signalCode === null && pid !== undefined) process.kill(-pid, 'SIGINT');
    await this.end();
  }
}
