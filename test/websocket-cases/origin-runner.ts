/** Runs cases with the proxy as the client of a hostile origin, and a well-behaved client behind it. */
import { createHoldfast, type DeepPartial, type Holdfast, type Settings } from '../../src/index.js';
import { clientPort } from '../support/closing.js';
import { HANDSHAKE } from '../support/websocket-client.js';
import { expectation, type OriginCase, type Probe, seenBy } from './case.js';
import { answerHandshake, GOOD_ANSWER, HostileOrigin } from './hostile-origin.js';
import { script } from './notation.js';
import { Wire } from './wire.js';

/** What both sides saw. */
export interface BothSides {
  readonly client: readonly string[];
  readonly origin: readonly string[];
}

export class OriginRunner {
  private constructor(
    readonly holdfast: Holdfast,
    readonly origin: HostileOrigin,
    private readonly answer: readonly string[],
  ) {}

  /** @param more - lines of the origin's answer besides those of `GOOD_ANSWER` */
  static async start(settings: DeepPartial<Settings> = {}, ...more: readonly string[]): Promise<OriginRunner> {
    const origin = await HostileOrigin.start();
    const holdfast = await createHoldfast({ routes: [`* ${origin.target}`], settings });
    return new OriginRunner(holdfast, origin, [...GOOD_ANSWER, ...more]);
  }

  /** A client that has sent its handshake, and the origin's connection for it. */
  async knock(...headers: readonly string[]): Promise<{ client: Wire; origin: Wire }> {
    const client = await Wire.connect(clientPort(this.holdfast));
    client.socket.write(['GET /chat HTTP/1.1', 'Host: example.com', ...HANDSHAKE, ...headers, '', ''].join('\r\n'));
    return { client, origin: await this.origin.next() };
  }

  async open(): Promise<{ client: Wire; origin: Wire }> {
    const pair = await this.knock();
    await answerHandshake(pair.origin, this.answer);
    const head = await pair.client.head();
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`the handshake was answered: ${head}`);
    return pair;
  }

  async run(row: OriginCase): Promise<{ readonly seen: BothSides; readonly expected: BothSides }> {
    const forClient = expectation(row.client, 'server');
    const forOrigin = expectation(row.origin, 'client');
    const { client, origin } = await this.open();
    try {
      await origin.play(script(row.send, 'server'));
      const seenByClient = await seenBy(client, forClient, this.probe(origin, 'server'));
      // A client answers a close, as ours here would not do by itself.
      if (row.answer !== undefined) await client.play(script(row.answer, 'client'));
      const seenByOrigin = await seenBy(origin, forOrigin, this.probe(client, 'client'));
      return {
        seen: { client: seenByClient, origin: seenByOrigin },
        expected: { client: [...forClient.words, forClient.end], origin: [...forOrigin.words, forOrigin.end] },
      };
    } finally {
      client.destroy();
      origin.destroy();
    }
  }

  async stop(): Promise<void> {
    await this.holdfast.close();
    await this.origin.stop();
  }

  /** @param other - the end at which the ping goes in */
  private probe(other: Wire, side: 'client' | 'server'): Probe {
    return {
      answer: async (wire) => {
        await other.play(script('ping:probe', side));
        const others: string[] = [];
        for (let word = await wire.frame(); word !== 'ping:probe'; word = await wire.frame()) others.push(word);
        return others;
      },
      settle: async () => {
        const neighbour = await this.open();
        await this.probe(neighbour.origin, 'server').answer(neighbour.client);
        neighbour.client.destroy();
        neighbour.origin.destroy();
      },
    };
  }
}
