/**
 * Holdfast and the original in one chain, either way round (spec 3.4, 12.1 to 12.3): each believes the other's
 * signature, passes on what the other has to know, and leaves the hold to the one in front.
 */
import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { CHAIN_KEY, INNER_KEY, itemFor, SIGNING, TRUSTING } from '../support/chain.js';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { subscribed } from '../support/events.js';
import { EventsOrigin, GRIP, opening, subscribe } from '../support/events-origin.js';
import { answering, holding, type Script } from '../support/origin.js';
import { Pushpin, type PushpinOptions } from '../support/pushpin.js';
import type { RawClient } from '../support/raw-client.js';
import { noticeOf, REQUIREMENTS } from '../support/requirements.js';
import { EventsClient } from '../support/websocket-client.js';

const installed = REQUIREMENTS.pushpin.isThere();
if (!installed) console.info(noticeOf({ ...REQUIREMENTS.pushpin, tests: 'chains with the original' }));

const UNHEARD = { kind: 'sent', receivers: 0 };
const POLL = { 'Content-Type': 'text/plain', 'Grip-Hold': 'response', 'Grip-Channel': 'news' };

/** Starting the original's processes is most of it. */
const TIMEOUT = 60_000;

async function start(opened: Opened, options: PushpinOptions): Promise<Pushpin> {
  return opened.add(await Pushpin.start(options), (pushpin) => pushpin.stop());
}

/** Publishes to the original until `text` has come to the client, and reads up to the first of it. */
async function hears(pushpin: Pushpin, client: RawClient, text: string): Promise<string> {
  await pushpin.publishUntil(text, () => client.pending.includes(text), itemFor('news', text));
  return client.readUntil(text);
}

async function signedWith(key: string, token: unknown): Promise<boolean> {
  return jwtVerify(String(token), Buffer.from(key)).then(
    () => true,
    () => false,
  );
}

describe.skipIf(!installed)('Holdfast behind the original', () => {
  const opened = new Opened();

  it(
    'leaves streams and long polls to it, and tells the origin what it said',
    async () => {
      const scripts: Record<string, Script> = {
        '/stream': holding('stream', 'news', 'open\n'),
        '/poll': answering(POLL, 'nothing new'),
      };
      const origin = await opened.origin((request, response) =>
        (scripts[request.url] ?? answering({}))(request, response),
      );
      const inner = await opened.holdfast({ routes: [`* ${origin.target}`], settings: TRUSTING });
      const outer = await start(opened, { routes: [`* 127.0.0.1:${clientPort(inner)}`], sigKey: CHAIN_KEY });

      const stream = await opened.get(outer.port, '/stream');
      expect(await stream.readUntil('open\n')).not.toContain('Grip-');
      expect(inner.publish(itemFor('news', 'from inside\n'))).toEqual(UNHEARD);
      expect(await hears(outer, stream, 'from outside\n')).not.toContain('from inside');

      const poll = await opened.get(outer.port, '/poll');
      expect(await hears(outer, poll, 'an answer')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect([inner.counters.holds.stream, inner.counters.holds.response]).toEqual([0, 0]);

      for (const { headers } of origin.requests) {
        expect(await signedWith(CHAIN_KEY, headers['grip-sig'])).toBe(true);
        // The original's own list, which is shorter than ours.
        expect(String(headers['grip-feature'])).toMatch(/^status, session, .*filter:var-subst$/);
      }
    },
    TIMEOUT,
  );

  it(
    'passes WebSockets over HTTP on to the origin, and the word of GRIP back',
    async () => {
      const origin = opened.add(await EventsOrigin.start(opening(['TEXT m:hello', subscribe('news')], GRIP)), (one) =>
        one.stop(),
      );
      const inner = await opened.holdfast({ routes: [`* ${origin.target},over_http`], settings: TRUSTING });
      const routes = [`* 127.0.0.1:${clientPort(inner)},over_http`];
      const outer = await start(opened, { routes, sigKey: CHAIN_KEY });
      const client = opened.add(new EventsClient(outer.port), ({ socket }) => socket.terminate());
      expect(await client.sees(1)).toBe('text hello');
      expect(inner.publish(itemFor('news', 'from inside'))).toEqual(UNHEARD);
      const heard = (): boolean => client.heard.includes('text from outside');
      await outer.publishUntil('from outside', heard, itemFor('news', 'from outside'));
      expect(client.heard.filter((one) => one !== 'text from outside')).toEqual(['text hello']);
      expect(inner.counters.holds.ws).toBe(0);
      client.socket.send('from the client');
      const request = await origin.request(1);
      expect(request.events).toEqual(['TEXT from the client']);
      expect(await signedWith(CHAIN_KEY, request.header('grip-sig'))).toBe(true);
    },
    TIMEOUT,
  );

  it(
    'holds by itself when it does not know the key',
    async () => {
      const origin = await opened.origin(holding('stream', 'news', 'open\n'));
      const inner = await opened.holdfast({ routes: [`* ${origin.target}`], settings: TRUSTING });
      const outer = await start(opened, { routes: [`* 127.0.0.1:${clientPort(inner)}`], sigKey: 'some other key' });
      const ready = subscribed(inner, 'news');
      const client = await opened.get(outer.port, '/');
      await ready;
      await client.readUntil('open\n');
      await outer.publish(itemFor('news', 'from outside\n'));
      expect(inner.publish(itemFor('news', 'from inside\n'))).toEqual({ kind: 'sent', receivers: 1 });
      expect(await client.readUntil('from inside\n')).not.toContain('from outside');
      expect(await signedWith(INNER_KEY, origin.requests[0]?.headers['grip-sig'])).toBe(true);
    },
    TIMEOUT,
  );
});

describe.skipIf(!installed)('Holdfast in front of the original', () => {
  const opened = new Opened();

  it(
    'is believed, and holds streams and long polls itself',
    async () => {
      const scripts: Record<string, Script> = {
        '/stream': holding('stream', 'news', 'open\n'),
        '/poll': answering(POLL, 'nothing new'),
      };
      const origin = await opened.origin((request, response) =>
        (scripts[request.url] ?? answering({}))(request, response),
      );
      const inner = await start(opened, { routes: [`* ${origin.target}`], upstreamKey: CHAIN_KEY, sigKey: INNER_KEY });
      const outer = await opened.holdfast({ routes: [`* 127.0.0.1:${inner.port}`], settings: SIGNING });

      const ready = subscribed(outer, 'news');
      const stream = await opened.get(clientPort(outer), '/stream');
      await ready;
      await stream.readUntil('open\n');
      // What is taken in there is over before the next thing is said here.
      await inner.publish(itemFor('news', 'from inside\n'));
      expect(outer.publish(itemFor('news', 'from outside\n'))).toEqual({ kind: 'sent', receivers: 1 });
      expect(await stream.readUntil('from outside\n')).not.toContain('from inside');
      stream.close();

      const poll = await opened.get(clientPort(outer), '/poll');
      await origin.request(1);
      await turnUntil('the hold of the long poll', () => outer.counters.holds.response === 1);
      await inner.publish(itemFor('news', 'from inside'));
      outer.publish(itemFor('news', 'an answer'));
      expect((await poll.readAnswer()).body.toString()).toBe('an answer');

      for (const { headers } of origin.requests) expect(await signedWith(CHAIN_KEY, headers['grip-sig'])).toBe(true);
    },
    TIMEOUT,
  );

  it(
    'speaks WebSocket over HTTP through it',
    async () => {
      const origin = opened.add(await EventsOrigin.start(opening(['TEXT m:hello', subscribe('news')], GRIP)), (one) =>
        one.stop(),
      );
      const inner = await start(opened, {
        routes: [`* ${origin.target},over_http`],
        upstreamKey: CHAIN_KEY,
        sigKey: INNER_KEY,
      });
      const outer = await opened.holdfast({ routes: [`* 127.0.0.1:${inner.port},over_http`], settings: SIGNING });
      const client = opened.add(new EventsClient(clientPort(outer)), ({ socket }) => socket.terminate());
      expect(await client.sees(1)).toBe('text hello');
      await inner.publish(itemFor('news', 'from inside'));
      expect(outer.publish(itemFor('news', 'from outside'))).toEqual({ kind: 'sent', receivers: 1 });
      expect(await client.sees(2)).toBe('text from outside');
      client.socket.send('from the client');
      const request = await origin.request(1);
      expect(request.events).toEqual(['TEXT from the client']);
      expect(await signedWith(CHAIN_KEY, request.header('grip-sig'))).toBe(true);
      expect(request.header('sec-websocket-extensions')).toBe('grip');
    },
    TIMEOUT,
  );

  it(
    'passes on the stream that it holds when it does not know our key',
    async () => {
      const origin = await opened.origin(holding('stream', 'news', 'open\n'));
      const inner = await start(opened, { routes: [`* ${origin.target}`], upstreamKey: 'another', sigKey: INNER_KEY });
      const outer = await opened.holdfast({ routes: [`* 127.0.0.1:${inner.port}`], settings: SIGNING });
      const client = await opened.get(clientPort(outer), '/');
      expect(await client.readUntil('open\n')).not.toContain('Grip-');
      expect(outer.publish(itemFor('news', 'from outside\n'))).toEqual(UNHEARD);
      expect(await hears(inner, client, 'from inside\n')).not.toContain('from outside');
      expect(outer.counters.holds.stream).toBe(0);
      expect(await signedWith(INNER_KEY, origin.requests[0]?.headers['grip-sig'])).toBe(true);
    },
    TIMEOUT,
  );
});
