/** What can be asked of Holdfast besides publishing (specification 8.3), whichever way the question comes in. */
import type { Item } from '../protocol/item.js';
import type { PublishDoor } from './publish-door.js';

export type Command =
  /** Which of these connections are open. */
  | { readonly kind: 'conncheck'; readonly ids: readonly string[] }
  | { readonly kind: 'get-zmq-uris' }
  /** Everybody who is held asks their origin again. */
  | { readonly kind: 'recover' }
  /** The session of a WebSocket over HTTP makes a request now. */
  | { readonly kind: 'refresh'; readonly connection: string }
  /** The same for every WebSocket on a channel. */
  | { readonly kind: 'refresh-channel'; readonly channel: string }
  | { readonly kind: 'publish'; readonly items: readonly Item[] };

/** Why a command failed, in the words of the original's replies. */
export type Condition = 'bad-request' | 'item-not-found' | 'method-not-found' | 'proxy-request-failed' | 'timeout';

export type CommandOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'connections'; readonly ids: readonly string[] }
  | { readonly kind: 'uris'; readonly uris: ReadonlyMap<string, string> }
  /** `text` says what is wrong with it. */
  | { readonly kind: 'failed'; readonly condition: Condition; readonly text?: string };

/** Client connections by their ids (the `Connection-Id` of WebSocket-over-HTTP), in whatever process they are. */
export interface Connections {
  /**
   * Calls `done` once, possibly before this returns, with those of `ids` that are open; undefined when a process does not
   * answer.
   * @param refresh - only WebSockets are looked for, and each that goes over HTTP makes a request now
   */
  find(ids: readonly string[], refresh: boolean, done: (found: readonly string[] | undefined) => void): void;
}

export interface CommandParts {
  readonly door: PublishDoor;
  readonly hub: { refresh(channel: string): void };
  readonly connections: Connections;
  /** ZeroMQ addresses by the names they are asked for. */
  readonly uris: () => ReadonlyMap<string, string>;
}

export class Commands {
  constructor(private readonly parts: CommandParts) {}

  /** @param done - called once, possibly before this returns */
  run(command: Command, done: (outcome: CommandOutcome) => void): void {
    const { door, hub, connections, uris } = this.parts;
    switch (command.kind) {
      case 'conncheck':
        connections.find(command.ids, false, (ids) => {
          if (ids === undefined) done({ kind: 'failed', condition: 'proxy-request-failed' });
          else done({ kind: 'connections', ids });
        });
        return;
      case 'get-zmq-uris':
        done({ kind: 'uris', uris: uris() });
        return;
      case 'recover':
        door.recover();
        done({ kind: 'done' });
        return;
      case 'refresh':
        connections.find([command.connection], true, (found) => {
          if (found === undefined) done({ kind: 'failed', condition: 'timeout' });
          else done(found.length > 0 ? { kind: 'done' } : { kind: 'failed', condition: 'item-not-found' });
        });
        return;
      case 'refresh-channel':
        hub.refresh(command.channel);
        done({ kind: 'done' });
        return;
      case 'publish':
        for (const item of command.items) door.publish(item, 'rep');
        // It counts as under way until all workers can take more.
        door.whenClear(() => done({ kind: 'done' }));
    }
  }
}
