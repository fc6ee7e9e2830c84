/** Pinghub's page in a real Chromium: what it shows, sends, asks for and complains about. */
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { Watch } from './deadline.js';
import { CHROMIUM } from './requirements.js';

/** Without the sandbox, which root does not get. The browser is Debian's: playwright-core brings none. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

const OPEN = `socket.readyState === 1 ? 'open' : new Promise((resolve) => socket.addEventListener('open', () => resolve('open')))`;

export class ClientPage {
  /** URLs of everything the page asked for, its WebSockets at the end. */
  readonly asked: string[] = [];
  /** Errors and warnings on the console, violations of its policy among them, and exceptions. */
  readonly problems: string[] = [];
  /** Texts that it sent over its WebSocket, empty ones too. */
  readonly sent: string[] = [];
  private readonly watch = new Watch();

  private constructor(readonly page: Page) {
    page.on('request', (request) => this.asked.push(request.url()));
    page.on('websocket', (socket) => this.asked.push(socket.url()));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complains(message.text());
    });
    page.on('pageerror', (error) => this.complains(error.message));
  }

  /** A page that is nowhere yet. */
  static async of(context: BrowserContext): Promise<ClientPage> {
    const client = new ClientPage(await context.newPage());
    // The events of Playwright itself leave empty frames out.
    const devTools = await context.newCDPSession(client.page);
    devTools.on('Network.webSocketFrameSent', ({ response }) => {
      client.sent.push(response.payloadData);
      client.watch.changed();
    });
    await devTools.send('Network.enable');
    return client;
  }

  /** Resolves when the page is there and its WebSocket open: it is subscribed from then on. */
  async goTo(url: string): Promise<void> {
    await this.page.goto(url);
    await this.page.evaluate(OPEN);
  }

  /** Resolves with the lines of its log when there are so many. */
  async log(count: number): Promise<string[]> {
    const lines = this.page.locator('#log > div');
    if (count > 0) await lines.nth(count - 1).waitFor({ state: 'attached' });
    return lines.allTextContents();
  }

  /** Types and presses Enter. */
  async say(text: string): Promise<void> {
    await this.page.keyboard.type(text);
    await this.page.keyboard.press('Enter');
  }

  /** Resolves with what it has sent when that are so many messages. */
  async sends(count: number): Promise<string[]> {
    await this.watch.until(`${count} messages sent`, () => this.sent.length >= count);
    return this.sent;
  }

  /** Resolves when something is wrong with it. */
  async complaint(): Promise<string> {
    await this.watch.until('a complaint', () => this.problems.length > 0);
    return this.problems[0] ?? '';
  }

  /** The value of an expression in the page; what that is, is up to the caller to check. */
  value(expression: string): Promise<unknown> {
    return this.page.evaluate(expression);
  }

  private complains(text: string): void {
    this.problems.push(text);
    this.watch.changed();
  }
}
