/** SockJS over JSON-P, by hand (spec 13): frames as calls of a script's function, messages as a form. */
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { type EventsScript, opening } from '../support/events-origin.js';
import { answerOf, jsonp, text, whole } from '../support/sockjs-requests.js';
import { NOT_FOUND, OK, SockjsStage } from '../support/sockjs-stage.js';

const POLL = '/echo/000/abc/jsonp?c=cb';
const SEND = '/echo/000/abc/jsonp_send';
const REFUSED = text('Payload expected\n', '400 Bad Request');

describe('a SockJS session over JSON-P', () => {
  const opened = new Opened();

  async function open(script?: EventsScript) {
    const one = await SockjsStage.set(opened, script);
    expect(await one.sockjs.get(POLL)).toBe(jsonp('o'));
    return one;
  }

  it('is one WebSocket at its origin, whose query is the first poll’s', async () => {
    const { origin } = await open();
    expect((await origin.request(0)).url).toBe('/echo?c=cb');
  });

  it('calls the function with what is said, quoted twice', async () => {
    const { sockjs } = await open(opening(['TEXT one', 'TEXT "two"\n']));
    const called = '/**/cb("a[\\"one\\",\\"\\\\\\"two\\\\\\"\\\\n\\"]");\n';
    expect(await sockjs.get(POLL)).toBe(whole('200 OK', ['Content-Type: application/javascript'], called));
  });

  it('keeps the line ends that break scripts of older engines out of them', async () => {
    const { sockjs } = await open(opening([Buffer.from('TEXT 6\r\n\u2028\u2029\r\n')]));
    const called = '/**/cb("a[\\"\\u2028\\u2029\\"]");\n';
    expect(await sockjs.get(POLL)).toBe(whole('200 OK', ['Content-Type: application/javascript'], called));
  });

  it.each([
    ['callback=a&c=b', 'a'],
    ['c=&callback=a', 'a'],
    ['c=a.b%5B0%5D', 'a.b[0]'],
    ['x=1&%63=a', 'a'],
    ['c=%c3%a9', '\u00e9'],
  ])('calls the function that is named in %s', async (query, name) => {
    const { sockjs } = await SockjsStage.set(opened);
    const called = whole('200 OK', ['Content-Type: application/javascript'], `/**/${name}("o");\n`);
    expect(await sockjs.get(`/echo/000/abc/jsonp?${query}`)).toBe(called);
  });

  it('may be opened and polled with POST, and is the same as with XHR', async () => {
    const { sockjs } = await SockjsStage.set(opened, opening(['TEXT one']));
    expect(await sockjs.post(POLL)).toBe(jsonp('o'));
    expect(await sockjs.post('/echo/000/abc/xhr')).toBe(text('a["one"]\n'));
  });

  it.each([
    ['a form as browsers send it', 'd=%5B%22a+b%2Bc%22%5D', ['TEXT a b+c']],
    ['a form with other fields', 'i=1&d=%5B%22a%22%2C%22b%22%5D', ['TEXT a', 'TEXT b']],
    ['bytes without escapes', 'd=["\u00e9"]', ['TEXT \xc3\xa9']],
  ])('takes messages from %s', async (_what, form, events) => {
    const { sockjs, origin } = await open();
    expect(await sockjs.post(SEND, form)).toBe(OK);
    expect((await origin.request(1)).events).toEqual(events);
  });

  it('takes messages from a query', async () => {
    const { sockjs, origin } = await open();
    expect(await sockjs.get(`${SEND}?d=%5B%22a%20b%22%5D`)).toBe(OK);
    expect((await origin.request(1)).events).toEqual(['TEXT a b']);
  });

  it('calls a function with the outcome when one is named', async () => {
    const { sockjs } = await open();
    expect(await sockjs.post(`${SEND}?c=cb`, 'd=[]')).toBe(jsonp('ok'));
    expect(await sockjs.post(`${SEND}?callback=cb`, 'd=[]')).toBe(jsonp('ok'));
    expect(await sockjs.post('/echo/000/abc/xhr_send?c=cb', '[]')).toBe(OK);
  });

  it.each(['', 'd=', 'd=x', 'd=%5B1%5D', 'e=[]', '["a"]'])('refuses %j, in plain text', async (form) => {
    const { sockjs } = await open();
    expect(await sockjs.post(SEND, form)).toBe(REFUSED);
    expect(await sockjs.post(`${SEND}?c=cb`, form)).toBe(REFUSED);
  });

  it('has nothing for ids it does not know', async () => {
    const { sockjs } = await open();
    expect(await sockjs.post('/echo/000/other/jsonp_send?c=cb', 'd=[]')).toBe(NOT_FOUND);
  });

  it('says that it lives, and why it ends, as calls too', async () => {
    const { sockjs, origin, clock, stage } = await open();
    const poll = await sockjs.begin('GET', POLL);
    const other = jsonp('c[2010,"Another connection still open"]');
    for (let answer = ''; answer !== other; answer = await sockjs.get(POLL)) expect(poll.closed).toBe(false);
    clock.advance(25_100);
    expect(await answerOf(poll)).toBe(jsonp('h'));
    origin.script = (request) => request.answer(['CLOSE 4000 bye']);
    expect(await sockjs.post(SEND, 'd=["x"]')).toBe(OK);
    await stage.settled(() => origin.requests.length === 2);
    expect(await sockjs.get(POLL)).toBe(jsonp('c[4000,"bye"]'));
  });
});
