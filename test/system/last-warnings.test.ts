/** Warnings that were held back for the sake of whoever reads the log are told of when Holdfast ends. */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { CollectedLog } from '../support/collected-log.js';
import { Several } from '../support/several.js';
import { knock } from '../support/websocket-client.js';

/** WebSockets cannot go there, which is a warning each time. */
const ROUTE = '* zhttpreq/tcp://127.0.0.1:*';
const WARNING = 'WebSockets cannot be used with zhttpreq target';

describe('warnings that were held back', () => {
  const opened = new Opened();

  async function refused(port: number, times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      const client = opened.add(await knock(port), (one) => one.close());
      expect((await client.readAnswer()).status).toBe(502);
    }
  }

  it('are told of at the end', async () => {
    const logger = new CollectedLog('warn');
    const holdfast = await opened.holdfast({ routes: [ROUTE], logger });
    await refused(clientPort(holdfast), 3);
    expect(logger.lines).toEqual([expect.stringContaining(WARNING)]);
    await holdfast.close();
    const [first = '', ...rest] = logger.lines;
    expect(rest).toEqual([first.replace(/^warn /, 'warn 2 more like this since it was written: ')]);
  });

  it('are told of by each worker', async () => {
    const several = await Several.start(opened, 2, '--route', ROUTE);
    for (const worker of several.workers()) await several.at(worker, () => refused(several.port, 2));
    several.child.signal('SIGTERM');
    const { stdout } = await several.child.ended();
    const lines = stdout.split('\n').filter((line) => line.includes(WARNING));
    expect(lines.filter((line) => line.includes(' 1 more like this since it was written: '))).toHaveLength(2);
    expect(lines).toHaveLength(4);
  });
});
