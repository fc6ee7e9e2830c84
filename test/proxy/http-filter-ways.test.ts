/** Where the questions of HTTP filters go, for every kind of hold (specification 6.3). */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil } from '../support/deadline.js';
import { subscribed } from '../support/events.js';
import { EventsOrigin, GRIP } from '../support/events-origin.js';
import { ManualClock } from '../support/manual-clock.js';
import { REFUSING_TARGET } from '../support/origin.js';
import type { RawClient } from '../support/raw-client.js';
import { EventsClient } from '../support/websocket-client.js';
import { answerItem, FilterEndpoint, filteredHold, streamItem } from './filter-endpoint.js';

const settings = { hold: { updateOnFirstSubscription: false } };

describe('an HTTP filter of a stream', () => {
  const opened = new Opened();

  it('is asked at the host its URL names when that is not the client’s', async () => {
    const endpoint = new FilterEndpoint();
    const other = await opened.origin(endpoint.holding({}));
    const url = `http://${other.target}/check`;
    const { holdfast, origin, port } = await opened.proxied(
      endpoint.holding(filteredHold('stream', 'http-modify', `url="${url}"`)),
      { settings },
    );
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/');
    await client.readUntil('open\n\r\n');
    await ready;
    holdfast.publish(streamItem('x\n'));
    (await endpoint.question(0)).answer(200, 'direct\n');
    await client.readUntil('direct\n\r\n');
    const [question] = endpoint.questions;
    expect([question?.header('host'), question?.header('sub-meta')]).toEqual([other.target, `{"url":"${url}"}`]);
    expect([origin.requests.length, other.requests.length]).toEqual([1, 1]);
  });

  it('goes through the route of the client, to the next target when one cannot be connected to', async () => {
    const endpoint = new FilterEndpoint();
    const origin = await opened.origin(endpoint.holding(filteredHold('stream', 'http-check', 'url="/pre/check"')));
    const holdfast = await opened.holdfast({
      settings,
      routes: [`*,path_beg=/pre,replace_beg=/new,header=X-Key:abc ${REFUSING_TARGET} ${origin.target}`],
    });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(clientPort(holdfast), '/pre/stream');
    await client.readUntil('open\n\r\n');
    await ready;
    holdfast.publish(streamItem('x\n'));
    const question = await endpoint.question(0);
    expect([question.request.url, question.header('host'), question.header('x-key')]).toEqual([
      '/new/check',
      'example.com',
      'abc',
    ]);
    question.answer(200);
    await client.readUntil('x\n\r\n');
    expect(holdfast.counters.originRequests).toBe(4);
  });

  it('goes where any client’s request would when its path is none of the route', async () => {
    const endpoint = new FilterEndpoint();
    const origin = await opened.origin(endpoint.holding(filteredHold('stream', 'http-check')));
    const other = await opened.origin(endpoint.holding({}));
    const holdfast = await opened.holdfast({
      settings,
      routes: [`*,path_beg=/pre,replace_beg=/new ${origin.target}`, `* ${other.target}`],
    });
    const ready = subscribed(holdfast, 'news');
    const port = clientPort(holdfast);
    const client = await opened.client(port);
    client.write(`GET /pre/stream HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    await client.readUntil('open\n\r\n');
    await ready;
    holdfast.publish(streamItem('x\n'));
    (await endpoint.question(0)).answer(200);
    await client.readUntil('x\n\r\n');
    expect(origin.requests.map(({ url }) => url)).toEqual(['/new/stream']);
    expect(other.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /check']);
  });

  it('is asked a hundred times a second at most, whoever asks', async () => {
    const endpoint = new FilterEndpoint();
    const clock = new ManualClock();
    const hold = endpoint.holding(filteredHold('stream', 'http-check'));
    const { holdfast, port } = await opened.proxied(hold, { settings, clock });
    const clients = await Promise.all(Array.from({ length: 102 }, () => opened.get(port, '/')));
    for (const client of clients) await client.readUntil('open\n\r\n');
    holdfast.publish(streamItem('x\n'));
    await endpoint.question(99);
    for (const question of endpoint.questions) question.answer(200);
    const waiting = (): RawClient[] => clients.filter(({ pending }) => pending === '');
    await turnUntil('the item at a hundred clients', () => waiting().length <= 2);
    expect(endpoint.questions.length).toBe(100);
    const [leaves, stays, ...more] = waiting();
    expect(more).toEqual([]);
    // Whose turn has not come is asked about no more.
    leaves?.close();
    await turnUntil('the end of a stream', () => holdfast.counters.holds.stream === 101);
    clock.advance(1_100);
    (await endpoint.question(100)).answer(200);
    await stays?.readUntil('x\n\r\n');
    expect(endpoint.questions.length).toBe(101);
  });

  it('is relative to the last link that was followed', async () => {
    const endpoint = new FilterEndpoint();
    const hold = filteredHold('stream', 'http-check', 'url="check"');
    const first = endpoint.holding({ 'Grip-Link': '</pages/two>; rel=next' });
    const second = endpoint.holding(hold, 'two\n');
    const { holdfast, port } = await opened.proxied(
      (request, response) => (request.url === '/start' ? first : second)(request, response),
      { settings },
    );
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(port, '/start');
    await client.readUntil('two\n\r\n');
    await ready;
    holdfast.publish(streamItem('x\n'));
    const question = await endpoint.question(0);
    expect(question.request.url).toBe('/pages/check');
    question.answer(200);
    await client.readUntil('x\n\r\n');
  });
});

describe('an HTTP filter of a long-poll', () => {
  const opened = new Opened();

  async function held(filter: string, condition = '*') {
    const endpoint = new FilterEndpoint();
    const origin = await opened.origin(endpoint.holding(filteredHold('response', filter), 'nothing\n'));
    const holdfast = await opened.holdfast({ settings, routes: [`${condition} ${origin.target}`] });
    const ready = subscribed(holdfast, 'news');
    const client = await opened.get(clientPort(holdfast), '/poll');
    await ready;
    return { endpoint, holdfast, client };
  }

  it('decides which item is the answer, and what it says', async () => {
    const { endpoint, holdfast, client } = await held('http-modify');
    holdfast.publish(answerItem('one'));
    holdfast.publish(answerItem('two', { meta: { sender: 'me' } }));
    holdfast.publish(answerItem('three'));
    const first = await endpoint.question(0);
    expect([first.request.url, first.body]).toEqual(['/check', 'one']);
    first.answer(200, '', { Action: 'drop' });
    const second = await endpoint.question(1);
    expect([second.body, second.header('pub-meta')]).toEqual(['two', '{"sender":"me"}']);
    second.answer(200, 'TWO');
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([200, 'TWO']);
    expect(endpoint.questions.length).toBe(2);
  });

  it('that fails is the answer in debug mode', async () => {
    const { endpoint, holdfast, client } = await held('http-check', '*,debug');
    holdfast.publish(answerItem('one'));
    (await endpoint.question(0)).answer(403);
    const { status, body } = await client.readAnswer();
    expect([status, body.toString()]).toEqual([502, 'filter error: unexpected network request status: code=403\n']);
  });

  it('that fails costs only its item otherwise', async () => {
    const { endpoint, holdfast, client } = await held('http-check');
    holdfast.publish(answerItem('one'));
    holdfast.publish(answerItem('two'));
    (await endpoint.question(0)).response.destroy();
    (await endpoint.question(1)).answer(204);
    expect((await client.readAnswer()).body.toString()).toBe('two');
  });

  it('is called off when the client goes', async () => {
    const { endpoint, holdfast, client } = await held('http-check');
    holdfast.publish(answerItem('one'));
    const question = await endpoint.question(0);
    client.close();
    await endpoint.abandoned(question);
  });
});

describe('an HTTP filter of a WebSocket', () => {
  const opened = new Opened();

  async function held(filter: string, url: string, condition = '*') {
    const control = (message: object): string => `TEXT c:${JSON.stringify(message)}`;
    const events = [
      control({ type: 'set-meta', name: 'url', value: url }),
      control({ type: 'subscribe', channel: 'news', filters: [filter] }),
    ];
    const origin = opened.add(
      await EventsOrigin.start((request) => {
        if (request.events[0] === 'OPEN') request.answer(['OPEN', ...events], GRIP);
        else if (request.url === '/app/check') request.reply(200, {});
        else request.answer();
      }),
      (one) => one.stop(),
    );
    const routes = [`${condition} ${origin.target},over_http`];
    const holdfast = await opened.holdfast({ settings, routes });
    const ready = subscribed(holdfast, 'news');
    const client = opened.add(new EventsClient(clientPort(holdfast), '/app/socket'), ({ socket }) =>
      socket.terminate(),
    );
    await ready;
    await client.sees(0);
    return { origin, holdfast, client };
  }

  function message(content: string): object {
    return { channel: 'news', formats: { 'ws-message': { content } } };
  }

  it('is asked over HTTP, through the route of the client', async () => {
    const { origin, holdfast, client } = await held('http-check', 'check');
    holdfast.publish(message('hello'));
    expect(await client.sees(1)).toBe('text hello');
    const asked = origin.requests.find(({ url }) => url === '/app/check');
    expect([asked?.method, asked?.header('sub-meta'), asked?.header('content-type')]).toEqual([
      'POST',
      '{"url":"check"}',
      '',
    ]);
  });

  it('keeps the order, drops, and changes what is said', async () => {
    const endpoint = new FilterEndpoint();
    const other = await opened.origin(endpoint.holding({}));
    const { holdfast, client } = await held('http-modify', `http://${other.target}/check`);
    for (const content of ['one', 'two', 'three']) holdfast.publish(message(content));
    (await endpoint.question(0)).answer(200, 'ONE');
    (await endpoint.question(1)).answer(204, '', { Action: 'drop' });
    (await endpoint.question(2)).answer(204);
    await client.sees(2);
    expect(client.heard).toEqual(['text ONE', 'text three']);
    expect(endpoint.questions.map(({ body }) => body)).toEqual(['one', 'two', 'three']);
  });

  it('that fails closes the connection in debug mode', async () => {
    const { holdfast, client } = await held('http-check', `http://${REFUSING_TARGET}/`, '*,debug');
    holdfast.publish(message('hello'));
    expect(await client.ended()).toBe('close 1011 filter error: network request failed: connection refused');
  });
});
