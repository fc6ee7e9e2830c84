/** Listens to every step that this process announces, in order. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { channelOf, STEP_NAMES, type StepName, type Steps } from '../../src/observe/steps.js';
import type { Opened } from './closing.js';
import { Watch } from './deadline.js';

export type Heard = { [Name in StepName]: { readonly name: Name; readonly message: Steps[Name] } }[StepName];

export class StepListener {
  readonly heard: Heard[] = [];
  private readonly watch = new Watch();

  private constructor() {}

  /** @param names - the steps it listens to; all of them by default */
  static on(opened: Opened, names: readonly StepName[] = STEP_NAMES): StepListener {
    const listener = new StepListener();
    for (const name of names) {
      const take = (message: unknown): void => {
        listener.heard.push({ name, message } as Heard);
        listener.watch.changed();
      };
      subscribe(channelOf(name), take);
      opened.add(name, () => unsubscribe(channelOf(name), take));
    }
    return listener;
  }

  get names(): StepName[] {
    return this.heard.map(({ name }) => name);
  }

  /** The messages of one step so far. */
  of<Name extends StepName>(name: Name): Steps[Name][] {
    return this.heard.filter((one) => one.name === name).map(({ message }) => message as Steps[Name]);
  }

  async until(name: StepName, count = 1): Promise<void> {
    await this.watch.until(
      `${name} (${count})`,
      () => this.of(name).length >= count,
      () => `; there is ${this.names.join(', ')}`,
    );
  }
}
