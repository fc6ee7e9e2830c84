import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RoutesWatch } from '../../src/runtime/routes-watch.js';
import { Watch, within } from '../support/deadline.js';
import { LineLog } from '../support/events.js';
import { ManualClock } from '../support/manual-clock.js';

const top = realpathSync(mkdtempSync(join(tmpdir(), 'routes-watch-')));
afterAll(() => rmSync(top, { recursive: true }));

const CHANGED = 'routes file changed, reloading';
let made = 0;
let folder = '';
let file = '';
const open: RoutesWatch[] = [];

beforeEach(() => {
  made += 1;
  folder = join(top, `folder-${made}`);
  mkdirSync(folder);
  file = join(folder, 'routes');
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

/** A watch under way, with what it has told: `[domains]` of each table, or the text of each failure. */
class Watched {
  readonly clock = new ManualClock();
  readonly log = new LineLog();
  readonly told: (readonly (string | undefined)[] | string)[] = [];
  private readonly arrivals = new Watch();
  readonly routes: RoutesWatch;

  constructor(path: string, start = true) {
    this.routes = new RoutesWatch({
      file: path,
      clock: this.clock,
      log: this.log,
      onLoaded: ({ table }) => this.tell(table.routes().map((route) => route.domain)),
      onFailed: (text) => this.tell(text),
    });
    open.push(this.routes);
    if (start) this.routes.start();
  }

  /** Number of times that a change has been seen. */
  get seen(): number {
    return this.log.count(CHANGED);
  }

  /** Makes a change that must be seen, lets it settle, and resolves with what the reload tells. */
  async after(change: () => void): Promise<unknown> {
    const [seen, told] = [this.seen, this.told.length];
    change();
    await this.log.until(CHANGED, seen + 1);
    // A change has several signs, which the system hands over together.
    await turn();
    this.clock.advance(1_000);
    await this.arrivals.until('a reload', () => this.told.length > told);
    expect([this.seen, this.told.length]).toEqual([seen + 1, told + 1]);
    return this.told.at(-1);
  }

  private tell(what: readonly (string | undefined)[] | string): void {
    this.told.push(what);
    this.arrivals.changed();
  }
}

/** Resolves when every watch has heard of `change`, which makes an entry `name` in `place` or changes it. */
async function heard(place: string, name: string, change: () => void): Promise<void> {
  const witness = watch(place);
  try {
    const event = new Promise<void>((resolve) => {
      witness.on('change', (_event, changed) => {
        if (changed === name) resolve();
      });
    });
    change();
    await within(`an event of ${name}`, event);
    await turn();
  } finally {
    witness.close();
  }
}

function write(text: string, path = file): void {
  writeFileSync(path, text);
}

function failure(path = file): string {
  return `unable to open routes file: ${path}`;
}

describe('a routes file', () => {
  it('that is written in place is loaded a second after the first sign, with its lines in the log', async () => {
    write('a test\n');
    const watched = new Watched(file);
    write('b test\nbad\n* 127.0.0.1:80 zhttpreq/tcp://127.0.0.1:5 [::1]:81\n*,id=only,path_beg=/x test\n');
    await watched.log.until(CHANGED);
    await turn();
    watched.clock.advance(999);
    await turn();
    expect(watched.told).toEqual([]);
    watched.clock.advance(1);
    await watched.log.until('routes loaded');
    expect(watched.told).toEqual([['b', '*', '*']]);
    expect(watched.log.lines).toEqual([
      'info: routes file changed, reloading',
      `warn: ${file}:2: must specify condition and at least one target`,
      'info: routes loaded with 3 entries',
      'debug: routes by domain:',
      'debug:   b: test',
      'debug:   (default): 127.0.0.1;80 zhttpreq/tcp://127.0.0.1:5 ::1;81',
      'debug:   (default): test',
    ]);
  });

  it('that changes several times within the second is loaded once, as it is at the end', async () => {
    write('a test\n');
    const watched = new Watched(file);
    await heard(folder, 'routes', () => write('b test\n'));
    watched.clock.advance(500);
    await heard(folder, 'routes', () => write('c test\n'));
    watched.clock.advance(499);
    await heard(folder, 'routes', () => rmSync(file));
    await heard(folder, 'routes', () => write('d test\n'));
    expect([watched.told, watched.seen, watched.clock.pending]).toEqual([[], 1, 1]);
    watched.clock.advance(1);
    await watched.log.until('routes loaded');
    expect([watched.told, watched.seen, watched.clock.pending]).toEqual([[['d']], 1, 0]);
  });

  it('that is replaced by another file, as editors do, is loaded, and so is the next one', async () => {
    write('a test\n');
    const watched = new Watched(file);
    const replace = (text: string) => () => {
      write(text, join(folder, '.routes.swp'));
      renameSync(join(folder, '.routes.swp'), file);
    };
    expect(await watched.after(replace('b test\n'))).toEqual(['b']);
    expect(await watched.after(replace('c test\n'))).toEqual(['c']);
    expect(await watched.after(() => write('d test\n'))).toEqual(['d']);
  });

  it('that is moved to a backup and written anew, as other editors do, is loaded', async () => {
    write('a test\n');
    const watched = new Watched(file);
    const anew = () => {
      renameSync(file, `${file}~`);
      write('b test\n');
    };
    expect(await watched.after(anew)).toEqual(['b']);
    expect(await watched.after(() => write('c test\n'))).toEqual(['c']);
  });

  it('that vanishes leaves the old table, and is loaded when it returns', async () => {
    write('a test\n');
    const watched = new Watched(file);
    expect(await watched.after(() => rmSync(file))).toBe(failure());
    expect(watched.log.lines).toEqual([`info: ${CHANGED}`, `warn: ${failure()}`]);
    expect(await watched.after(() => write('b test\n'))).toEqual(['b']);
  });

  it('that is a folder for a while cannot be read for a while', async () => {
    write('a test\n');
    const watched = new Watched(file);
    const toFolder = () => {
      rmSync(file);
      mkdirSync(file);
    };
    expect(await watched.after(toFolder)).toBe(failure());
    const back = () => {
      rmSync(file, { recursive: true });
      write('b test\n');
    };
    expect(await watched.after(back)).toEqual(['b']);
  });

  it('that is not there yet is loaded when it comes, with its folders', async () => {
    const path = join(folder, 'deep', 'er', 'routes');
    const watched = new Watched(path);
    expect(await watched.after(() => mkdirSync(join(folder, 'deep')))).toBe(failure(path));
    expect(await watched.after(() => mkdirSync(join(folder, 'deep', 'er')))).toBe(failure(path));
    expect(await watched.after(() => write('a test\n', path))).toEqual(['a']);
  });

  it('is loaded when its folder was taken away and put back', async () => {
    write('a test\n');
    const watched = new Watched(file);
    expect(await watched.after(() => rmSync(folder, { recursive: true }))).toBe(failure());
    const back = () => {
      mkdirSync(folder);
      write('b test\n');
    };
    expect(await watched.after(back)).toEqual(['b']);
    expect(await watched.after(() => write('c test\n'))).toEqual(['c']);
  });

  it('is loaded when another folder is moved to the place of its own', async () => {
    write('a test\n');
    const watched = new Watched(file);
    const next = `${folder}-next`;
    mkdirSync(next);
    write('b test\n', join(next, 'routes'));
    const exchange = () => {
      renameSync(folder, `${folder}-old`);
      renameSync(next, folder);
    };
    expect(await watched.after(exchange)).toEqual(['b']);
    expect(await watched.after(() => write('c test\n'))).toEqual(['c']);
  });

  it('is loaded when it changes under another name outside of its folder, as a mounted file does', async () => {
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    write('a test\n', join(elsewhere, 'original'));
    mkdirSync(join(folder, 'here'));
    const path = join(folder, 'here', 'routes');
    linkSync(join(elsewhere, 'original'), path);
    const watched = new Watched(path);
    expect(await watched.after(() => write('b test\n', join(elsewhere, 'original')))).toEqual(['b']);
  });

  it('may be named by a relative path', async () => {
    write('a test\n');
    const path = relative(process.cwd(), file);
    const watched = new Watched(path);
    expect(await watched.after(() => write('b test\n'))).toEqual(['b']);
    expect(await watched.after(() => rmSync(file))).toBe(failure(path));
  });

  it('is not loaded for what happens to its neighbours', async () => {
    write('a test\n');
    const watched = new Watched(file);
    await heard(folder, 'routes.bak', () => write('b test\n', join(folder, 'routes.bak')));
    await heard(folder, 'other', () => mkdirSync(join(folder, 'other')));
    await heard(dirname(folder), 'sibling', () => write('', join(top, 'sibling')));
    expect([watched.log.lines, watched.clock.pending]).toEqual([[], 0]);
  });
});

describe('a routes file behind links', () => {
  /** Exchanges a link in one step, as deployments do. */
  function point(link: string, goal: string): void {
    symlinkSync(goal, `${link}_tmp`);
    renameSync(`${link}_tmp`, link);
  }

  it('is loaded at each exchange of a ConfigMap in Kubernetes', async () => {
    const publish = (version: string, text: string): void => {
      mkdirSync(join(folder, version));
      write(text, join(folder, version, 'routes'));
      point(join(folder, '..data'), version);
    };
    publish('..2026_01', 'a test\n');
    symlinkSync(join('..data', 'routes'), file);
    const watched = new Watched(file);
    const exchange = (version: string, text: string) => () => {
      const old = readlinkSync(join(folder, '..data'));
      publish(version, text);
      rmSync(join(folder, old), { recursive: true });
    };
    expect(await watched.after(exchange('..2026_02', 'b test\n'))).toEqual(['b']);
    expect(await watched.after(exchange('..2026_03', 'c test\n'))).toEqual(['c']);
    expect(await watched.after(() => write('d test\n', join(folder, '..2026_03', 'routes')))).toEqual(['d']);
  });

  it('is loaded when a link to a folder on the way is exchanged', async () => {
    for (const [release, text] of [
      ['one', 'a test\n'],
      ['two', 'b test\n'],
    ] as const) {
      mkdirSync(join(folder, 'releases', release, 'conf'), { recursive: true });
      write(text, join(folder, 'releases', release, 'conf', 'routes'));
    }
    point(join(folder, 'current'), join(folder, 'releases', 'one'));
    const watched = new Watched(join(folder, 'current', 'conf', 'routes'));
    expect(await watched.after(() => point(join(folder, 'current'), 'releases/two'))).toEqual(['b']);
  });

  it('is loaded when the file that a link leads to is replaced in its own folder', async () => {
    const real = join(folder, 'real');
    mkdirSync(real);
    write('a test\n', join(real, 'r'));
    symlinkSync(join('real', 'r'), file);
    const watched = new Watched(file);
    const replace = () => {
      write('b test\n', join(real, 'new'));
      renameSync(join(real, 'new'), join(real, 'r'));
    };
    expect(await watched.after(replace)).toEqual(['b']);
  });

  it('is loaded when a link that led nowhere gets a goal', async () => {
    symlinkSync(join('later', 'routes'), file);
    const watched = new Watched(file);
    const come = () => {
      mkdirSync(join(folder, 'later'));
      write('a test\n', join(folder, 'later', 'routes'));
    };
    expect(await watched.after(come)).toEqual(['a']);
  });

  it('is unreadable, and no more, when the links go round in a circle', async () => {
    symlinkSync('routes', file);
    const watched = new Watched(file);
    await watched.routes.reloadNow();
    expect(watched.told).toEqual([failure()]);
    const end = () => {
      rmSync(file);
      write('a test\n');
    };
    expect(await watched.after(end)).toEqual(['a']);
  });
});

describe('reloading now', () => {
  it('waits for nothing and takes along a reload that was due', async () => {
    write('a test\n');
    const watched = new Watched(file);
    write('b test\n');
    await watched.log.until(CHANGED);
    await turn();
    expect(watched.clock.pending).toBe(1);
    await watched.routes.reloadNow();
    expect([watched.told, watched.clock.pending]).toEqual([[['b']], 0]);
    expect(await watched.after(() => write('c test\n'))).toEqual(['c']);
  });

  it('loads a file that has not changed', async () => {
    write('a test\n');
    const watched = new Watched(file);
    await watched.routes.reloadNow();
    await watched.routes.reloadNow();
    expect(watched.told).toEqual([['a'], ['a']]);
    expect(watched.seen).toBe(0);
  });

  it('works without watching', async () => {
    write('a test\n');
    const watched = new Watched(file, false);
    await heard(folder, 'routes', () => write('b test\n'));
    await watched.routes.reloadNow();
    expect([watched.told, watched.seen]).toEqual([[['b']], 0]);
  });

  it('many times at once goes one after the other, and the last one has the last state', async () => {
    write('');
    const watched = new Watched(file);
    const reloads: Promise<void>[] = [];
    let text = '';
    for (let count = 1; count <= 10; count += 1) {
      text += `host-${count} test\n`;
      // In one step: a file that is written in place is empty for a moment.
      write(text, `${file}.new`);
      renameSync(`${file}.new`, file);
      reloads.push(watched.routes.reloadNow());
      await turn();
    }
    await Promise.all(reloads);
    const sizes = watched.told.map((table) => table.length);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect([sizes.length, sizes.at(-1)]).toEqual([10, 10]);
  });
});

describe('a closed watch', () => {
  it('neither sees a change nor loads', async () => {
    write('a test\n');
    const watched = new Watched(file);
    await watched.routes.close();
    await heard(folder, 'routes', () => write('b test\n'));
    await watched.routes.reloadNow();
    watched.routes.start();
    await heard(folder, 'routes', () => write('c test\n'));
    expect([watched.told, watched.log.lines, watched.clock.pending]).toEqual([[], [], 0]);
  });

  it.each([
    ['is read', () => {}],
    ['is missing', () => rmSync(file)],
  ])('tells nothing of a file that %s while the watch is closed', async (_what, change) => {
    write('a test\n');
    const watched = new Watched(file, false);
    change();
    const reload = watched.routes.reloadNow();
    // Enough for the reading to begin, not for the file system to answer.
    await Promise.resolve();
    const closed = watched.routes.close();
    await reload;
    await closed;
    expect([watched.told, watched.log.lines]).toEqual([[], []]);
  });

  it('drops a reload that is due and one that is about to begin', async () => {
    write('a test\n');
    const watched = new Watched(file);
    write('b test\n');
    await watched.log.until(CHANGED);
    const reload = watched.routes.reloadNow();
    write('c test\n');
    await watched.routes.close();
    await reload;
    watched.clock.advance(5_000);
    await turn();
    expect([watched.told, watched.clock.pending]).toEqual([[], 0]);
  });

  it('may be closed again', async () => {
    write('a test\n');
    const watched = new Watched(file);
    await watched.routes.close();
    await expect(watched.routes.close()).resolves.toBeUndefined();
  });
});
