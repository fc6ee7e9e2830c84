/** What a .cpuprofile says: self time by function, by file, and by room of the source. */

/** The part of V8's format that is read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Ids of the nodes that were running. */
  readonly samples?: readonly number[];
  /** Microseconds from each sample to the one before. */
  readonly timeDeltas?: readonly number[];
}

export interface Part {
  readonly name: string;
  /** Of the time the process was busy, from 0 to 1. */
  readonly share: number;
}

export interface Summary {
  /** Seconds from the first to the last sample. */
  readonly seconds: number;
  /** Of all time, from 0 to 1. */
  readonly busy: number;
  readonly collecting: number;
  readonly functions: readonly Part[];
  readonly files: readonly Part[];
  readonly rooms: readonly Part[];
}

const IDLE = '(idle)';
const COLLECTOR = '(garbage collector)';

/** Self times, largest first; idle time is left out of the shares. */
export function summarise({ nodes, samples = [], timeDeltas = [] }: CpuProfile): Summary {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const functions = new Map<string, number>();
  const files = new Map<string, number>();
  const rooms = new Map<string, number>();
  let total = 0;
  let idle = 0;
  let collecting = 0;
  for (const [at, id] of samples.entries()) {
    const frame = frames.get(id);
    const time = timeDeltas[at] ?? 0;
    if (frame === undefined) continue;
    total += time;
    if (frame.functionName === IDLE) {
      idle += time;
      continue;
    }
    if (frame.functionName === COLLECTOR) collecting += time;
    const file = fileOf(frame.url, frame.functionName);
    const name = nameOf(frame, file);
    add(functions, name, time);
    add(files, file, time);
    add(rooms, roomOf(file), time);
  }
  const busy = total - idle;
  const parts = (times: ReadonlyMap<string, number>): Part[] =>
    [...times].map(([name, time]) => ({ name, share: busy === 0 ? 0 : time / busy })).sort((a, b) => b.share - a.share);
  return {
    seconds: total / 1e6,
    busy: total === 0 ? 0 : busy / total,
    collecting: busy === 0 ? 0 : collecting / busy,
    functions: parts(functions),
    files: parts(files),
    rooms: parts(rooms),
  };
}

/** A path that people recognise: `dist/hub/hub.js`, `undici/lib/core/util.js`, `node:net`. */
export function fileOf(url: string, functionName: string): string {
  // Native code and the engine's own work have no file.
  if (url === '') return functionName.startsWith('(') ? functionName : '(native)';
  const inModules = url.lastIndexOf('/node_modules/');
  if (inModules >= 0) return url.slice(inModules + '/node_modules/'.length);
  const inBuild = url.lastIndexOf('/dist/');
  return inBuild >= 0 ? url.slice(inBuild + 1) : url;
}

/** The folder below `dist`, the package, or `node`. */
export function roomOf(file: string): string {
  if (file.startsWith('(')) return file;
  if (file.startsWith('node:')) return 'node';
  const [first = '', second = ''] = file.split('/');
  if (first === 'dist') return `src/${second}`;
  return first.startsWith('@') ? `${first}/${second}` : first;
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame'], file: string): string {
  const name = functionName || '(anonymous)';
  if (url !== '') return `${name} ${file}:${lineNumber + 1}`;
  return name.startsWith('(') ? name : `${name} (native)`;
}

function add(times: Map<string, number>, name: string, time: number): void {
  times.set(name, (times.get(name) ?? 0) + time);
}
