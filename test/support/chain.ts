/** Two Holdfasts, one behind the other, in front of one origin: the outer signs, the inner trusts it or does not. */
import type { Holdfast } from '../../src/index.js';
import { clientPort, type Opened } from './closing.js';

/** The key that the outer proxy of a chain signs with and the inner one knows. */
export const CHAIN_KEY = 'the key between the two';

/** What the inner proxy signs with; no origin behind a trusted outer one ever sees it. */
export const INNER_KEY = 'the key of the inner one';

/** Settings of a proxy that trusts the outer one. */
export const TRUSTING = {
  proxy: { upstreamKey: CHAIN_KEY, sigKey: INNER_KEY },
  hold: { updateOnFirstSubscription: false },
} as const;

/** Settings of the proxy in front. */
export const SIGNING = { proxy: { sigKey: CHAIN_KEY }, hold: { updateOnFirstSubscription: false } } as const;

export interface Chain {
  readonly outer: Holdfast;
  readonly inner: Holdfast;
  /** Where clients connect: the outer one's port. */
  readonly port: number;
}

export interface ChainOptions {
  /** Address of the origin. */
  readonly target: string;
  /** What the outer one signs with; default the key that the inner one trusts, empty for none. */
  readonly key?: string;
  /** Behind the targets of both routes: `,over_http`. */
  readonly properties?: string;
}

/** Puts both up; what the test has opened before is behind them. */
export async function chainOf(opened: Opened, options: ChainOptions): Promise<Chain> {
  const { target, key = CHAIN_KEY, properties = '' } = options;
  const inner = await opened.holdfast({ routes: [`* ${target}${properties}`], settings: TRUSTING });
  const outer = await opened.holdfast({
    routes: [`* 127.0.0.1:${clientPort(inner)}${properties}`],
    settings: { ...SIGNING, proxy: { sigKey: key } },
  });
  return { outer, inner, port: clientPort(outer) };
}

/** A publish to `channel` in all three formats. */
export function itemFor(channel: string, text: string): { channel: string; formats: Record<string, object> } {
  return {
    channel,
    formats: { 'http-response': { body: text }, 'http-stream': { content: text }, 'ws-message': { content: text } },
  };
}
