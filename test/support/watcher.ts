/** Somebody who watches a Holdfast: reads its metrics, and asks whether it lives and serves. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Holdfast } from '../../src/index.js';
import { Exposition } from './exposition.js';

/** Milliseconds between two looks at what another process tells once a second, and for all of them. */
const LOOK_INTERVAL = 50;
const PATIENCE = 10_000;

/** Metrics on a free port. */
export const METRICS_ON = { listen: { host: '127.0.0.1', port: 0 } } as const;

export class Watcher {
  constructor(readonly port: number) {}

  static of(holdfast: Holdfast): Watcher {
    const { metrics } = holdfast.addresses;
    if (metrics === undefined || !('port' in metrics)) throw new Error('there is no port for metrics');
    return new Watcher(metrics.port);
  }

  get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`);
  }

  /** Asks again and again until somebody listens who has room. */
  async untilAnswered(path: string): Promise<Response> {
    const end = performance.now() + PATIENCE;
    for (;;) {
      try {
        return await this.get(path);
      } catch (error) {
        if (performance.now() > end) throw error;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  async scrape(): Promise<Exposition> {
    const answer = await this.get('/metrics');
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${answer.status} ${text}`);
    return Exposition.read(text);
  }

  /** Status and body of the answer to the question whether clients are served. */
  async ready(): Promise<readonly [number, string]> {
    const answer = await this.get('/readyz');
    return [answer.status, await answer.text()];
  }

  /**
   * Looks again and again, because nothing tells when a worker has told: the first page with which `isTrue`.
   * @param patience - milliseconds
   */
  async until(what: string, isTrue: (page: Exposition) => boolean, patience = PATIENCE): Promise<Exposition> {
    const end = performance.now() + patience;
    for (;;) {
      const page = await this.scrape();
      if (isTrue(page)) return page;
      if (performance.now() > end) throw new Error(`${what} did not show within ${patience} ms`);
      await pause(LOOK_INTERVAL);
    }
  }
}
