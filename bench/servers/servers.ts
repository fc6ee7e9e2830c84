/** The servers that can be measured, and how each is started. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { ServerPorts } from '../client/messages.js';
import { descriptorLimit } from '../measure/memory.js';
import { freePorts } from './free-ports.js';
import type { Processes, RunningProcess } from './processes.js';
import { PROJECT } from './project.js';
import { writeConf } from './pushpin-conf.js';
import { untilReady } from './ready.js';

const MAIN = join(PROJECT, 'dist/cli/main.js');
const PROBE = new URL('./probe.js', import.meta.url);

/** Descriptors the original keeps for itself. */
const OWN_DESCRIPTORS = 500;

export interface ServerSpec {
  /** In tables and files. */
  readonly name: string;
  readonly command: string;
  /** Before `--config FILE`. */
  readonly args: readonly string[];
  /** Behind it. */
  readonly moreArgs: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly original: boolean;
  /** Loaded with the probe that answers questions about the process from inside. */
  readonly probed: boolean;
}

export interface HoldfastOptions {
  /** Worker processes; 1 passes no setting. */
  readonly workers: number;
  readonly probed?: boolean;
  /** `path.to.key=value` each. */
  readonly sets?: readonly string[];
}

/** The built product of this folder. */
export function holdfastSpec({ workers, probed = false, sets = [] }: HoldfastOptions): ServerSpec {
  return {
    name: workers === 1 ? 'holdfast' : `holdfast (${workers} workers)`,
    command: process.execPath,
    args: [...(probed ? ['--import', PROBE.href] : []), MAIN],
    moreArgs: [...(workers === 1 ? [] : ['--workers', String(workers)]), ...sets.flatMap((set) => ['--set', set])],
    environment: probed ? { HOLDFAST_PROBE_PARENT: String(process.pid) } : {},
    original: false,
    probed,
  };
}

/** Another program that reads a pushpin.conf. @param command - words, separated by spaces */
export function otherSpec(command: string): ServerSpec {
  const [program = '', ...args] = command.trim().split(/\s+/);
  return { name: 'other', command: program, args, moreArgs: [], environment: {}, original: false, probed: false };
}

export function pushpinSpec(): ServerSpec {
  return {
    name: 'pushpin',
    command: 'pushpin',
    args: ['-m'],
    moreArgs: [],
    environment: {},
    original: true,
    probed: false,
  };
}

export function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export class RunningServer {
  private constructor(
    readonly spec: ServerSpec,
    readonly process: RunningProcess,
    readonly ports: ServerPorts,
  ) {}

  /** Starts it on free ports of 127.0.0.1, and resolves when it holds and delivers. @param origin - port */
  static async start(processes: Processes, spec: ServerSpec, origin: number): Promise<RunningServer> {
    const folder = processes.temporaryFolder();
    const [http = 0, control = 0, pull = 0, sub = 0, command = 0] = await freePorts(5);
    const ports = { http, control, pull, sub, command, origin };
    const maxClients = Math.max(100, (descriptorLimit() ?? 1_024) - OWN_DESCRIPTORS);
    const conf = writeConf(folder, ports, spec.original ? { maxClients } : undefined);
    const child = processes.spawn(spec.command, [...spec.args, '--config', conf, ...spec.moreArgs], {
      cwd: spec.original ? folder : PROJECT,
      environment: spec.environment,
      ipc: spec.probed,
    });
    const server = new RunningServer(spec, child, { http, control, pull });
    try {
      await untilReady(child, server.ports);
    } catch (cause) {
      await server.stop();
      throw new Error(`${spec.name} did not start: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
    return server;
  }

  get pid(): number {
    return this.process.pid;
  }

  stop(): Promise<void> {
    return this.process.stop();
  }
}
