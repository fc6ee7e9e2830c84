/** The page that Pinghub answers a GET with, in a real browser (pinghub specification 6). */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { ClientPage, startBrowser } from '../support/pinghub-page.js';
import { PinghubStage } from '../support/pinghub-stage.js';
import { noticeOf, REQUIREMENTS } from '../support/requirements.js';

const hasChromium = REQUIREMENTS.chromium.isThere();
const MARKUP = '<b id="made">&amp;</b><img src=/x onerror="document.title=1"><script>document.title=2</script>';

describe.skipIf(!hasChromium)(hasChromium ? 'the page' : `the page (${noticeOf(REQUIREMENTS.chromium)})`, () => {
  const opened = new Opened();
  let browser: Browser;
  let context: BrowserContext;

  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());

  beforeEach(async () => {
    context = opened.add(await browser.newContext({ viewport: { width: 800, height: 500 } }), (one) => one.close());
  });

  async function open(stage: PinghubStage, path: string): Promise<ClientPage> {
    const client = await ClientPage.of(context);
    await client.goTo(`http://${stage.host}${path}`);
    return client;
  }

  it('is one of two on a path: one types, both see it once, another path does not', async () => {
    const stage = await PinghubStage.set(opened);
    const pages = await Promise.all([open(stage, '/room'), open(stage, '/room')]);
    const elsewhere = await open(stage, '/room/');
    const [one] = pages;
    await one.page.bringToFront();
    await one.say('first');
    await one.say('ünïcode ☃ 😀');
    expect(await stage.post('/room', 'by POST\nin two lines')).toEqual([200, 'OK\n']);
    for (const page of pages) {
      expect(await page.log(3)).toEqual(['first', 'ünïcode ☃ 😀', 'by POST\nin two lines']);
    }
    await stage.post('/room/', 'for the other path');
    expect(await elsewhere.log(1)).toEqual(['for the other path']);
    expect(await one.log(0)).toHaveLength(3);
  });

  it('is named after its path, has the elements of the original, and waits for typing', async () => {
    const stage = await PinghubStage.set(opened);
    const { page } = await open(stage, '/caf%C3%A9/%F0%9F%98%80');
    expect(await page.title()).toBe('pinghub /café/😀');
    expect(await page.locator('h3').textContent()).toBe('Websocket client for /café/😀');
    expect(await page.locator('form#form input[type=submit]').inputValue()).toBe('Send');
    expect(await page.locator('form#form input#msg[type=text]').getAttribute('size')).toBe('64');
    expect(await page.locator('#msg:focus').count()).toBe(1);
  });

  it('sends what was typed by its button too, empties the input, and sends nothing of an empty one', async () => {
    const stage = await PinghubStage.set(opened);
    const client = await open(stage, '/room');
    const { page } = client;
    await page.fill('#msg', ' spaces are kept ');
    await page.click('text=Send');
    expect(await page.inputValue('#msg')).toBe('');
    await page.click('text=Send');
    await page.press('#msg', 'Enter');
    await page.fill('#msg', 'last');
    await page.click('text=Send');
    expect(await client.sends(2)).toEqual([' spaces are kept ', 'last']);
    expect(await client.log(2)).toEqual([' spaces are kept ', 'last']);
    expect(page.url()).toBe(`http://${stage.host}/room`);
  });

  it('shows markup as text, in a message and in the path', async () => {
    const stage = await PinghubStage.set(opened);
    const path = `/${MARKUP}"'`;
    const encoded = `/${encodeURIComponent(path.slice(1))}`;
    const client = await open(stage, encoded);
    await stage.post(encoded, MARKUP);
    expect(await client.log(1)).toEqual([MARKUP]);
    expect(await client.page.title()).toBe(`pinghub ${path}`);
    expect(await client.page.locator('h3').textContent()).toBe(`Websocket client for ${path}`);
    expect(await client.page.locator('img, #made').count()).toBe(0);
    expect(await client.page.locator('script').count()).toBe(1);
    expect(client.problems).toEqual([]);
  });

  it('scrolls to a new line only if the last one was in sight', async () => {
    const stage = await PinghubStage.set(opened);
    const client = await open(stage, '/room');
    const lines = Array.from({ length: 60 }, (_, at) => `line ${at}`);
    for (const line of lines) await stage.post('/room', line);
    expect(await client.log(60)).toEqual(lines);
    const below = 'log.scrollHeight - log.clientHeight - log.scrollTop';
    expect(await client.value('log.scrollHeight > 2 * log.clientHeight')).toBe(true);
    expect(await client.value(below)).toBeLessThan(1);
    await client.value('log.scrollTop = 30');
    await stage.post('/room', 'while it is scrolled up');
    await client.log(61);
    expect(await client.value('log.scrollTop')).toBe(30);
    await client.value('log.scrollTop = log.scrollHeight');
    await stage.post('/room', 'at the end again');
    await client.log(62);
    expect(await client.value(below)).toBeLessThan(1);
  });

  it('says in bold when the connection is closed, and sends nothing any more', async () => {
    const stage = await PinghubStage.set(opened);
    const client = await open(stage, '/room');
    await client.say('before');
    await client.log(1);
    await stage.holdfast.close();
    expect(await client.log(2)).toEqual(['before', 'Connection closed.']);
    expect(await client.page.locator('#log > div:last-child > b').textContent()).toBe('Connection closed.');
    await client.say('kept');
    expect(await client.page.inputValue('#msg')).toBe('kept');
    expect(client.sent).toEqual(['before']);
    expect(client.problems).toEqual([]);
  });

  it('says in bold when there are no WebSockets', async () => {
    const stage = await PinghubStage.set(opened);
    const client = await ClientPage.of(context);
    await client.page.addInitScript('delete window.WebSocket');
    await client.page.goto(`http://${stage.host}/room`);
    expect(await client.log(1)).toEqual(['Your browser does not support WebSockets.']);
    expect(await client.page.locator('#log > div > b').count()).toBe(1);
  });

  it('asks for nothing but itself and its WebSocket, with the query, and complains of nothing', async () => {
    const stage = await PinghubStage.set(opened);
    const client = await open(stage, '/room?a=1&b=%2F#part');
    await client.say('hello');
    await client.log(1);
    expect(client.asked).toEqual([`http://${stage.host}/room?a=1&b=%2F`, `ws://${stage.host}/room?a=1&b=%2F`]);
    expect(client.problems).toEqual([]);
  });

  it('has a policy that keeps other scripts, pictures and forms out', async () => {
    const stage = await PinghubStage.set(opened);
    const client = await open(stage, '/room');
    await client.value(
      "document.body.appendChild(document.createElement('script')).textContent = 'document.title = 1'",
    );
    expect(await client.complaint()).toMatch(/script.*violates.*Content Security Policy/i);
    expect(await client.page.title()).toBe('pinghub /room');
  });

  it('sends an empty message every 30 seconds while it is open', async () => {
    const stage = await PinghubStage.set(opened);
    const client = await ClientPage.of(context);
    await client.page.clock.install();
    await client.goTo(`http://${stage.host}/room`);
    await client.page.clock.pauseAt(Date.now() + 1_000);
    const from = client.sent.length;
    await client.page.clock.runFor(60_000);
    expect((await client.sends(from + 2)).slice(from)).toEqual(['', '']);
    // The echoes are not shown.
    await client.say('last');
    expect(await client.log(1)).toEqual(['last']);
  });
});
