/** A Holdfast with an origin behind it whose spans go to a receiver. */
import type { DeepPartial, Holdfast, Settings } from '../../src/index.js';
import { clientPort, type Opened } from './closing.js';
import type { Origin, Script } from './origin.js';
import { type ReceivedSpan, SpanReceiver } from './span-receiver.js';

/** Ids of a client's or publisher's own trace. */
export const TRACE = '0af7651916cd43dd8448eb211c80319c';
export const PARENT = 'b7ad6b7169203331';

export interface Traced {
  readonly receiver: SpanReceiver;
  readonly origin: Origin;
  readonly holdfast: Holdfast;
  readonly port: number;
  /** Closes Holdfast, which sends all spans, and returns them by name; of several the last that came. */
  spans(): Promise<ReadonlyMap<string, ReceivedSpan>>;
}

/** @param routes - by default one with the id `all` */
export async function traced(
  opened: Opened,
  script: Script,
  tracing: DeepPartial<Settings>['tracing'] = {},
  routes: (target: string) => readonly string[] = (target) => [`*,id=all ${target}`],
): Promise<Traced> {
  const receiver = await SpanReceiver.start(opened);
  const origin = await opened.origin(script);
  const holdfast = await opened.holdfast({
    routes: routes(origin.target),
    settings: {
      tracing: { otlpEndpoint: receiver.endpoint, ...tracing },
      hold: { updateOnFirstSubscription: false },
    },
  });
  const spans = async (): Promise<ReadonlyMap<string, ReceivedSpan>> => {
    await holdfast.close();
    return new Map(receiver.spans.map((span) => [span.name, span]));
  };
  return { receiver, origin, holdfast, port: clientPort(holdfast), spans };
}
