/** What some tests need beside npm's packages: asked for once, told in one list, never silently absent. */
import { spawnSync } from 'node:child_process';

export interface Requirement {
  /** What is not tested without it. */
  readonly tests: string;
  readonly install: string;
  readonly isThere: () => boolean;
}

/** Files that this process, and so each test's, may have open. */
function descriptors(): number {
  const limit = spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout.trim();
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
}

function runs(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

export const PYTHON = '/usr/bin/python3';
export const CHROMIUM = '/usr/bin/chromium';
/** Not on everybody's PATH. */
export const NGINX = '/usr/sbin/nginx';

export const REQUIREMENTS = {
  pushpin: {
    tests: 'the differential test against the original',
    install: 'apt-get install pushpin',
    isThere: () => runs('pushpin', '--version'),
  },
  pythonZeroMq: {
    tests: 'publishers, commands and handlers in Python',
    install: 'apt-get install python3-zmq',
    isThere: () => runs(PYTHON, '-c', 'import zmq'),
  },
  openssl: {
    tests: 'certificates by host name',
    install: 'apt-get install openssl',
    isThere: () => runs('openssl', 'version'),
  },
  curl: {
    tests: 'the examples of the documentation',
    install: 'apt-get install curl',
    isThere: () => runs('curl', '--version') && runs('bash', '--version'),
  },
  chromium: {
    tests: 'the page of Pinghub in a browser',
    install: 'apt-get install chromium',
    isThere: () => runs(CHROMIUM, '--version'),
  },
  nginx: {
    tests: 'the nginx in front of Pinghub',
    install: 'apt-get install nginx',
    isThere: () => runs(NGINX, '-v'),
  },
  descriptors: {
    tests: 'reloads with 5,000 held clients',
    install: 'ulimit -n 12000',
    isThere: () => descriptors() >= 12_000,
  },
} as const satisfies Record<string, Requirement>;

/** Set in CI: what is missing is a failure there. */
export function mustHaveAll(): boolean {
  return process.env.HOLDFAST_TEST_REQUIRE_ALL === '1';
}

export function noticeOf({ tests, install }: Requirement): string {
  return `SKIPPED ${tests}: ${install}`;
}
