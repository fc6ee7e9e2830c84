/** Clients that are held on a channel with filters, for cases about filters. */
import { answer, type Case, get } from './case.js';
import { TEXT } from './holds.js';
import type { Script, Wire } from './script.js';

export interface Filtered {
  /** Parameters of channel `KEY-a`. */
  readonly channel: string;
  readonly meta?: readonly string[];
  readonly host?: string;
}

/** A stream with filters on channel `KEY-a`; channels `KEY-b` and `KEY-ready` have none. */
export function onStream(
  name: string,
  { channel, meta = [], host = 'debug.example' }: Filtered,
  play: (script: Script, client: Wire) => Promise<void>,
): Case {
  return {
    name,
    origin: ({ key }) => {
      const channels = `Grip-Channel: ${key}-a${channel}, ${key}-b, ${key}-ready`;
      const headers = meta.map((each) => `Grip-Set-Meta: ${each}`);
      return answer('200 OK', [TEXT, 'Grip-Hold: stream', channels, ...headers], 'open\n');
    },
    run: async (script) => {
      // Whether the stream has ended shows in the end of the connection.
      const client = await script.client(get(host, `/${script.key}`, ['Connection: close']));
      await client.until('open\n');
      await script.untilSubscribed(client, script.channel('ready'));
      await play(script, client);
    },
  };
}

/** Held requests on a channel with filters. */
export function onPoll(
  name: string,
  filter: string,
  meta: string,
  formats: readonly object[],
  seen: string,
  host = 'debug.example',
): Case {
  return {
    name,
    origin: ({ key }) =>
      answer(
        '200 OK',
        [TEXT, 'Grip-Hold: response', `Grip-Channel: ${key}-a; filter=${filter}`, `Grip-Set-Meta: ${meta}`],
        'late\n',
      ),
    freedoms: ['repeated-poll'],
    run: async (script) => {
      const client = await script.client(get(host, `/${script.key}`));
      await script.originRequests(1);
      await script.publishUntil(
        client,
        seen,
        ...formats.map((format) => ({ channel: script.channel('a'), ...format })),
      );
      await client.answered();
    },
  };
}
