/** The example of docs/websocket-recovery.md, as it stands there. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child, PROJECT } from '../support/child.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';
import { turnUntil, within } from '../support/deadline.js';
import { ManualClock } from '../support/manual-clock.js';
import { Relay } from '../support/relay.js';

const PAGE = readFileSync(join(PROJECT, 'docs/websocket-recovery.md'), 'utf8');
const [BACKEND = '', CLIENT = ''] = [...PAGE.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);

describe('the example of the page', () => {
  const opened = new Opened();

  function run(code: string, environment: Record<string, string>): Child {
    const child = Child.node(['--input-type=module', '--eval', code], { environment });
    return opened.add(child, (one) => one.stop());
  }

  it('brings the client what was never published', async () => {
    const clock = new ManualClock();
    const relay = opened.add(await Relay.start(), (one) => one.stop());
    const settings = { hold: { updateOnFirstSubscription: false } };
    const holdfast = await opened.holdfast({ routes: [`* 127.0.0.1:${relay.port},over_http`], clock, settings });
    const port = await run(BACKEND, { PORT: '0', CONTROL: controlUri(holdfast) }).port();
    relay.targetPort = port;
    const client = run(CLIENT, { URL: `ws://127.0.0.1:${clientPort(holdfast)}/` });
    await client.says(/^open\n/);
    const post = (path: string, body: string) => fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body });
    await post('/say', 'one');
    await client.says(/^open\none\n/);
    await post('/lose', 'two');
    const published = once(holdfast, 'publish');
    await post('/say', 'three');
    await within('the publish of the third message', published);
    const { counters } = holdfast;
    await turnUntil('the way of the message to its client', () => {
      clock.advance(50);
      return counters.dropped.gap > 0;
    });
    const [heard] = await client.says(/^open\none\n(?:.*\n)*?three\n/);
    expect(heard).toBe('open\none\ntwo\nthree\n');
  });
});
