/** What some tests need beside npm's packages: asked for once, told in one list, never silently absent. */
import { spawnSync } from 'node:child_process';

export interface Requirement {
  /** What is not tested without it. */
  readonly tests: string;
  readonly install: string;
  readonly isThere: () => boolean;
}

function runs(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

export const PYTHON = '/usr/bin/python3';

export const REQUIREMENTS = {
  pushpin: {
    tests: 'the differential test against the original',
    install: 'apt-get install pushpin',
    isThere: () => runs('pushpin', '--version'),
  },
  pythonZeroMq: {
    tests: 'the Python worker of the example zeromq-handler',
    install: 'apt-get install python3-zmq',
    isThere: () => runs(PYTHON, '-c', 'import zmq'),
  },
  openssl: {
    tests: 'certificates by host name',
    install: 'apt-get install openssl',
    isThere: () => runs('openssl', 'version'),
  },
} as const satisfies Record<string, Requirement>;

/** Set in CI: what is missing is a failure there. */
export function mustHaveAll(): boolean {
  return process.env.HOLDFAST_TEST_REQUIRE_ALL === '1';
}

export function noticeOf({ tests, install }: Requirement): string {
  return `SKIPPED ${tests}: ${install}`;
}
