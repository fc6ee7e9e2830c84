import { describe, expect, it } from 'vitest';
import { ResponseHold } from '../../src/hold/response-hold.js';
import type { HeaderList } from '../../src/protocol/headers.js';
import type { CompleteResponse, Instruct } from '../../src/protocol/instruct.js';
import type { ResponseFormat } from '../../src/protocol/item.js';
import { RecordingExchange } from '../support/recording-exchange.js';
import { type SampleHolds, sampleHolds } from '../support/sample-hold-parts.js';
import { nextTurn } from '../support/sample-hub.js';
import { itemOf, responseFormat, streamItem } from '../support/sample-items.js';

const TIMEOUT = 55;

interface Bench extends SampleHolds {
  readonly exchange: RecordingExchange;
  readonly hold: ResponseHold;
  /** Number of retries so far. */
  readonly retries: () => number;
  readonly publish: (format: ResponseFormat, channel?: string) => Promise<void>;
}

function setUp(headers: HeaderList = [['Content-Type', 'text/plain']], body = 'nothing for now\n'): Bench {
  const holds = sampleHolds();
  const exchange = new RecordingExchange();
  let retries = 0;
  const response = { code: 202, reason: 'Nothing yet', headers, body: Buffer.from(body) };
  const hold = holdOf(holds, exchange, response, () => {
    retries += 1;
  });
  hold.start();
  const publish = async (format: ResponseFormat, channel = 'c'): Promise<void> => {
    holds.hub.publish(itemOf(channel, { response: format }));
    await nextTurn();
  };
  return { ...holds, exchange, hold, retries: () => retries, publish };
}

function holdOf(
  holds: SampleHolds,
  exchange: RecordingExchange,
  response: CompleteResponse,
  retry: () => void = () => {},
  filters: readonly string[] = [],
): ResponseHold {
  const instruct: Instruct = {
    hold: 'response',
    channels: ['c', 'd'].map((name) => ({ name, prevId: undefined, filters })),
    timeout: TIMEOUT,
    keepAlive: undefined,
    meta: new Map([['user', 'alice']]),
    exposeHeaders: [],
    nextLink: undefined,
    goneLink: undefined,
    response,
  };
  return new ResponseHold(holds.parts, exchange, instruct, {
    rateBucket: 'bucket',
    names: { prefix: '', implicit: [], limit: 20, onSubscribed: () => {}, onLeftOut: () => {} },
    uri: 'http://a/',
    debug: false,
    retry,
  });
}

describe('a held response', () => {
  it('is answered by the first item, with code, reason and body of it', async () => {
    const { exchange, publish, counters } = setUp([]);
    await publish(responseFormat({ code: 201, reason: 'Made', body: Buffer.from('1') }), 'd');
    await publish(responseFormat({ body: Buffer.from('2') }));
    expect(exchange.answers).toEqual([{ code: 201, reason: 'Made', headers: [], body: Buffer.from('1') }]);
    expect(counters.delivered).toBe(1);
  });

  it('is answered once when several items come in one turn', async () => {
    const { hub, exchange } = setUp([]);
    for (const text of ['1', '2']) hub.publish(itemOf('c', { response: responseFormat({ body: Buffer.from(text) }) }));
    hub.publish(itemOf('d', { response: responseFormat({ body: Buffer.from('3') }) }));
    await nextTurn();
    expect(exchange.answers.map(({ body }) => body.toString())).toEqual(['1']);
  });

  it('is an open hold and counted until it is answered, and waits for nothing afterwards', async () => {
    const { hub, hold, parts, counters, wheel, exchange, publish } = setUp();
    expect([...parts.open]).toEqual([hold]);
    expect([counters.holds.response, hub.count('c', 'response'), wheel.size]).toEqual([1, 1, 1]);
    await publish(responseFormat({}));
    expect([counters.holds.response, parts.open.size, hub.channelCount, wheel.size]).toEqual([0, 0, 0, 0]);
    expect(exchange.onGone).toBeUndefined();
  });

  it.each(['close', 'refresh'] as const)('takes no notice of %s', async (action) => {
    const { exchange, publish, retries, counters } = setUp();
    await publish({ action });
    expect([exchange.answers, exchange.calls, retries(), counters.holds.response]).toEqual([[], [], 0, 1]);
  });

  it('takes no notice of items without a response format', async () => {
    const { hub, exchange, counters } = setUp();
    hub.publish(streamItem('c', 'x'));
    await nextTurn();
    expect([exchange.answers, counters.dropped.filtered]).toEqual([[], 0]);
  });

  it.each([
    [['build-id'], 0, 1],
    [[], 1, 0],
  ])('with content filters %j asserted by the item is answered %i times', async (contentFilters, answers, dropped) => {
    const { exchange, publish, counters } = setUp();
    await publish(responseFormat({ contentFilters }));
    expect(exchange.answers).toHaveLength(answers);
    expect(counters.dropped.filtered).toBe(dropped);
  });

  it('goes when the client goes', async () => {
    const { exchange, publish, counters, parts, wheel } = setUp();
    exchange.leave();
    await publish(responseFormat({}));
    expect([exchange.answers, exchange.calls]).toEqual([[], []]);
    expect([counters.holds.response, parts.open.size, wheel.size]).toEqual([0, 0, 0]);
  });
});

describe('the headers of a published answer', () => {
  it.each<[string, HeaderList, HeaderList, HeaderList]>([
    ['those of the instruct when the item has none', [['A', '1']], [], [['A', '1']]],
    ['those of the item when the instruct has none', [], [['A', '1']], [['A', '1']]],
    [
      "the instruct's, then the item's",
      [
        ['B', '1'],
        ['A', '2'],
      ],
      [
        ['D', '3'],
        ['C', '4'],
      ],
      [
        ['B', '1'],
        ['A', '2'],
        ['D', '3'],
        ['C', '4'],
      ],
    ],
    [
      'without those of the instruct that the item names too, whatever their case',
      [
        ['X-A', '1'],
        ['B', '2'],
        ['x-a', '3'],
      ],
      [['x-A', '4']],
      [
        ['B', '2'],
        ['x-A', '4'],
      ],
    ],
    [
      'with every repetition the item has',
      [['Set-Cookie', 'old']],
      [
        ['Set-Cookie', 'a'],
        ['Set-Cookie', 'b'],
      ],
      [
        ['Set-Cookie', 'a'],
        ['Set-Cookie', 'b'],
      ],
    ],
    [
      'without Grip headers of the item',
      [['A', '1']],
      [
        ['Grip-Hold', 'stream'],
        ['gRIP-x', ''],
        ['B', '2'],
      ],
      [
        ['A', '1'],
        ['B', '2'],
      ],
    ],
    ['with an empty value of the item in place of a full one', [['A', '1']], [['A', '']], [['A', '']]],
  ])('are %s', async (_, held, published, merged) => {
    const { exchange, publish } = setUp(held);
    await publish(responseFormat({ headers: published }));
    expect(exchange.answers[0]?.headers).toEqual(merged);
  });
});

describe('a patch of the body', () => {
  const patch = [{ op: 'replace', path: '/count', value: 2 }];

  it('answers with the held body as the item changes it', async () => {
    const { exchange, publish, counters } = setUp([], '{"count":1,"unit":"C"}');
    await publish(responseFormat({ body: undefined, patch, code: 201, headers: [['A', '1']] }));
    const [answer] = exchange.answers;
    expect([answer?.code, answer?.headers]).toEqual([201, [['A', '1']]]);
    expect(JSON.parse(answer?.body.toString() ?? '')).toEqual({ count: 2, unit: 'C' });
    expect(counters.delivered).toBe(1);
  });

  it('that cannot be applied answers with an empty body, and the log says why', async () => {
    const { exchange, publish, log } = setUp([], 'no JSON');
    await publish(responseFormat({ body: undefined, patch }));
    expect(exchange.answers).toEqual([{ code: 200, reason: 'OK', headers: [], body: Buffer.alloc(0) }]);
    expect(log.lines.filter((line) => line.startsWith('debug failed to apply JSON patch: '))).toHaveLength(1);
  });
});

describe('the timeout', () => {
  it('answers with the response of the instruct, without jitter', () => {
    const { clock, exchange, counters } = setUp();
    clock.advance(TIMEOUT * 1_000 - 50);
    expect(exchange.answers).toEqual([]);
    clock.advance(50);
    expect(exchange.answers).toEqual([
      {
        code: 202,
        reason: 'Nothing yet',
        headers: [['Content-Type', 'text/plain']],
        body: Buffer.from('nothing for now\n'),
      },
    ]);
    expect([counters.delivered, counters.holds.response]).toEqual([0, 0]);
    clock.advance(TIMEOUT * 2_000);
    expect(exchange.answers).toHaveLength(1);
  });

  it('gives way to an item that was published before it and is not written yet', () => {
    const { clock, hub, exchange } = setUp([]);
    hub.publish(itemOf('c', { response: responseFormat({ body: Buffer.from('in time') }) }));
    clock.advance(TIMEOUT * 1_000);
    expect(exchange.answers.map(({ body }) => body.toString())).toEqual(['in time']);
  });
});

describe('a hint', () => {
  it('sends the request again, and the hold is over', async () => {
    const { publish, retries, exchange, counters, hub, wheel } = setUp();
    await publish({ action: 'hint' });
    await publish({ action: 'hint' });
    expect([retries(), exchange.answers, exchange.calls]).toEqual([1, [], []]);
    expect([counters.holds.response, hub.channelCount, wheel.size]).toEqual([0, 0, 0]);
  });

  it('leaves the connection to whoever retries', async () => {
    const { publish, exchange } = setUp();
    await publish({ action: 'hint' });
    expect(exchange.onGone).toBeUndefined();
  });
});

describe('the end of the proxy', () => {
  it('answers with the response of the instruct, once', () => {
    const { hold, exchange } = setUp();
    hold.shutDown();
    hold.shutDown();
    expect(exchange.answers.map(({ code }) => code)).toEqual([202]);
  });

  it('gives way to an item that is not written yet', async () => {
    const { hold, hub, exchange } = setUp();
    hub.publish(itemOf('c', { response: responseFormat({ code: 200 }) }));
    hold.shutDown();
    await nextTurn();
    expect(exchange.answers.map(({ code }) => code)).toEqual([200]);
  });
});

describe('subscribing', () => {
  it('makes the channels linger after the hold where that is set', () => {
    const holds = sampleHolds({ hub: { subscriptionLinger: 60 } });
    const response = { code: 200, reason: 'OK', headers: [], body: Buffer.alloc(0) };
    const hold = holdOf(holds, new RecordingExchange(), response);
    hold.start();
    hold.shutDown();
    expect([...holds.hub.channelNames()]).toEqual(['c', 'd']);
    holds.clock.advance(61_100);
    expect([...holds.hub.channelNames()]).toEqual([]);
  });
});
