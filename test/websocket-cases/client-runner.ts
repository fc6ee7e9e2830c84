/** Runs cases with the proxy as the server: a client says something, and gets it back from the test target, or a close. */
import { createHoldfast, type DeepPartial, type Holdfast, type Settings } from '../../src/index.js';
import { clientPort } from '../support/closing.js';
import { HANDSHAKE } from '../support/websocket-client.js';
import { type ClientCase, expectation, type Probe, seenBy } from './case.js';
import { script } from './notation.js';
import { Wire } from './wire.js';

export interface Terms {
  readonly settings?: DeepPartial<Settings>;
  /** Value of the client's `Sec-WebSocket-Extensions`. */
  readonly offer?: string;
}

/** What a case came to, and what was expected of it. */
export interface Outcome {
  readonly seen: readonly string[];
  readonly expected: readonly string[];
}

export class ClientRunner {
  private constructor(
    readonly holdfast: Holdfast,
    private readonly offer: string | undefined,
  ) {}

  static async start({ settings = {}, offer }: Terms = {}): Promise<ClientRunner> {
    return new ClientRunner(await createHoldfast({ routes: ['* test'], settings }), offer);
  }

  /** A client that has sent its handshake, and the answer to it. */
  async knock(offer = this.offer): Promise<{ wire: Wire; head: string }> {
    const wire = await Wire.connect(clientPort(this.holdfast));
    const extensions = offer === undefined ? [] : [`Sec-WebSocket-Extensions: ${offer}`];
    wire.socket.write(['GET /ws HTTP/1.1', 'Host: example.com', ...HANDSHAKE, ...extensions, '', ''].join('\r\n'));
    return { wire, head: await wire.head() };
  }

  async open(): Promise<Wire> {
    const { wire, head } = await this.knock();
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`the handshake was answered: ${head}`);
    return wire;
  }

  async run({ send, expect: lines }: ClientCase): Promise<Outcome> {
    const choices = [lines].flat().map((line) => expectation(line, 'server'));
    const [first] = choices;
    if (first === undefined) throw new Error('a case without an expectation');
    const wire = await this.open();
    try {
      await wire.play(script(send, 'client'));
      const seen = await seenBy(wire, first, this.probe);
      const all = choices.map(({ words, end }) => [...words, end]);
      return { seen, expected: all.find((one) => one.join(' ') === seen.join(' ')) ?? all[0] ?? [] };
    } finally {
      wire.destroy();
    }
  }

  stop(): Promise<void> {
    return this.holdfast.close();
  }

  private readonly probe: Probe = {
    answer: async (wire) => {
      await wire.play(script('ping:probe', 'client'));
      const others: string[] = [];
      // The test target gives pings back as pings.
      for (let word = await wire.frame(); word !== 'ping:probe'; word = await wire.frame()) others.push(word);
      return others;
    },
    settle: async () => {
      const neighbour = await this.open();
      await this.probe.answer(neighbour);
      neighbour.destroy();
    },
  };
}
