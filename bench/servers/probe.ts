/**
 * Loaded into the server under test with `--import`: answers its parent's questions about the heap, and profiles on
 * demand. Without that parent it does nothing, so that processes the server starts are left alone.
 */
import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Microseconds between two samples of a profile. */
const SAMPLING = 500;

export type ProbeQuestion =
  /** Bytes of the heap, after a collection when `collect` is set. */
  | { readonly kind: 'heap'; readonly collect: boolean }
  | { readonly kind: 'start-profile' }
  | { readonly kind: 'stop-profile'; readonly file: string };

export interface ProbeAnswer {
  readonly probe: number;
  /** Bytes in use: objects, and buffers outside of the heap. */
  readonly heap: number;
  readonly external: number;
}

function collect(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  // What the first round finalises, the second one frees.
  gc();
  gc();
}

async function obey(question: ProbeQuestion, session: Session): Promise<void> {
  switch (question.kind) {
    case 'heap':
      if (question.collect) collect();
      return;
    case 'start-profile':
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: SAMPLING });
      await session.post('Profiler.start');
      return;
    case 'stop-profile': {
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      await writeFile(question.file, JSON.stringify(profile));
    }
  }
}

function attend(): void {
  const session = new Session();
  process.on('message', (message: { probe?: number; question?: ProbeQuestion }) => {
    const { probe, question } = message;
    if (probe === undefined || question === undefined) return;
    void obey(question, session).then(() => {
      const { heapUsed, external } = process.memoryUsage();
      process.send?.({ probe, heap: heapUsed, external } satisfies ProbeAnswer);
    });
  });
  process.channel?.unref();
}

if (process.env.HOLDFAST_PROBE_PARENT === String(process.ppid)) attend();
