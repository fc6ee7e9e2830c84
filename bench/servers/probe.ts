/**
 * Loaded into the server under test with `--import`: answers its parent's questions about the heap, and profiles on
 * demand. Without that parent it does nothing, so that processes the server starts are left alone.
 */
import { Session } from 'node:inspector/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Microseconds between two samples of a profile. */
const SAMPLING = 500;

export type ProbeQuestion =
  /** Bytes of the heap, after a collection when `collect` is set. */
  | { readonly kind: 'heap'; readonly collect: boolean }
  | { readonly kind: 'start-profile' }
  | { readonly kind: 'stop-profile' };

export interface ProbeAnswer {
  readonly probe: number;
  /** Bytes in use: objects, and buffers outside of the heap. */
  readonly heap: number;
  readonly external: number;
  /** What was profiled, as the text of a .cpuprofile. */
  readonly profile?: string;
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  // What the first round finalises, the second one frees.
  gc();
  gc();
}

/** @returns the profile, when that was what was asked for */
async function obey(question: ProbeQuestion, session: Session): Promise<string | undefined> {
  switch (question.kind) {
    case 'heap':
      if (question.collect) collect();
      return undefined;
    case 'start-profile':
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: SAMPLING });
      await session.post('Profiler.start');
      return undefined;
    case 'stop-profile': {
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      return JSON.stringify(profile);
    }
  }
}

function attend(): void {
  const session = new Session();
  process.on('message', (message: { probe?: number; question?: ProbeQuestion }) => {
    const { probe, question } = message;
    if (probe === undefined || question === undefined) return;
    void obey(question, session).then((profile) => {
      const { heapUsed, external } = process.memoryUsage();
      const answer: ProbeAnswer = { probe, heap: heapUsed, external, ...(profile === undefined ? {} : { profile }) };
      process.send?.(answer);
    });
  });
  process.channel?.unref();
}

if (process.env.HOLDFAST_PROBE_PARENT === String(process.ppid)) attend();
