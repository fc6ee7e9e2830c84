/** A guard for tests that wait for an event: when it does not come, the test says which one it was. */

/** Milliseconds; far more than anything awaited here takes. */
const PATIENCE = 10_000;

/** The promise's outcome, or an error that names `what` when it takes too long. */
export async function within<T>(what: string, promise: Promise<T>, patience = PATIENCE): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not happen within ${patience} ms`)), patience);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets the event loop turn until `isTrue`: for states of this process that no event tells of. */
export async function turnUntil(what: string, isTrue: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`${what} did not come within ${PATIENCE} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * Conditions that become true when something arrives: `changed` after each arrival looks at all that wait.
 *
 * The waiting is for events only; nothing here asks again and again.
 */
export class Watch {
  private readonly waiting = new Set<{ isTrue: () => boolean; resolve: () => void; reject: (why: Error) => void }>();
  private failed: Error | undefined = undefined;

  /** Resolves as soon as `isTrue` is; `describe` adds to the error what there is instead. */
  async until(what: string, isTrue: () => boolean, describe: () => string = () => ''): Promise<void> {
    if (isTrue()) return;
    if (this.failed !== undefined)
      throw new Error(`${what} cannot happen any more: ${this.failed.message}${describe()}`);
    let entry: { isTrue: () => boolean; resolve: () => void; reject: (why: Error) => void } | undefined;
    const promise = new Promise<void>((resolve, reject) => {
      entry = { isTrue, resolve, reject };
      this.waiting.add(entry);
    });
    try {
      await within(what, promise);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`${text}${describe()}`, { cause: error });
    } finally {
      if (entry !== undefined) this.waiting.delete(entry);
    }
  }

  changed(): void {
    for (const entry of [...this.waiting]) if (entry.isTrue()) entry.resolve();
  }

  /** Nothing will arrive any more: what still waits is refused. */
  end(why: string): void {
    this.changed();
    this.failed = new Error(why);
    for (const entry of [...this.waiting]) if (!entry.isTrue()) entry.reject(this.failed);
  }
}
