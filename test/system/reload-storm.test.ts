/** Reloads of the routes file in quick succession while thousands of clients are held: nobody notices any of them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { turnUntil, within } from '../support/deadline.js';
import { EventsOrigin, GRIP, opening, subscribe } from '../support/events-origin.js';
import { noticeOf, REQUIREMENTS } from '../support/requirements.js';
import { HANDSHAKE } from '../support/websocket-client.js';

const CROWD = { stream: 3_000, response: 1_500, ws: 500 };
const RELOADS = 150;
const CHANNEL = 'storm';
/** Clients that connect at a time: fewer than a listener keeps waiting. */
const ARRIVING = 200;
/** Milliseconds for a step of the whole; each takes a few seconds on two cores. */
const PATIENCE = 60_000;

const hasDescriptors = REQUIREMENTS.descriptors.isThere();

/** A client that keeps no more than the end of what it gets: thousands of them live in this process. */
class Held {
  private tail = '';
  private awaited: { text: string; resolve: () => void } | undefined = undefined;
  closed = false;
  private readonly socket: Socket;

  constructor(port: number, path: string, headers: readonly string[]) {
    this.socket = connect({ host: '127.0.0.1', port });
    this.socket.write([`GET ${path} HTTP/1.1`, 'Host: example.com', ...headers, '', ''].join('\r\n'));
    this.socket.on('data', (bytes: Buffer) => {
      this.tail = (this.tail + bytes.toString('latin1')).slice(-300);
      this.look();
    });
    const over = (): void => {
      this.closed = true;
    };
    this.socket.on('end', over);
    this.socket.on('error', over);
  }

  /** Resolves when `text` has come. */
  sees(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.awaited = { text, resolve };
      this.look();
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private look(): void {
    if (this.awaited === undefined || !this.tail.includes(this.awaited.text)) return;
    this.tail = '';
    this.awaited.resolve();
    this.awaited = undefined;
  }
}

describe.skipIf(!hasDescriptors)(
  hasDescriptors ? 'a routes file' : `a routes file (${noticeOf(REQUIREMENTS.descriptors)})`,
  () => {
    const opened = new Opened();

    function routesFile(): (text: string) => string {
      const folder = opened.add(mkdtempSync(join(tmpdir(), 'holdfast-storm-')), (path) =>
        rmSync(path, { recursive: true }),
      );
      const path = join(folder, 'routes');
      return (text) => {
        writeFileSync(path, text);
        return path;
      };
    }

    it(`read again ${RELOADS} times within a minute drops none of 5,000 held clients`, {
      timeout: 200_000,
    }, async () => {
      const origin = await opened.origin(({ url }, response) => {
        const mode = url.slice(1);
        response.writeHead(200, { 'Content-Type': 'text/plain', 'Grip-Hold': mode, 'Grip-Channel': CHANNEL });
        response.end('open\n');
      });
      const script = opening([subscribe(CHANNEL)], GRIP);
      const events = opened.add(await EventsOrigin.start(script), (one) => one.stop());
      const rules = `* ${origin.target}\n*,proto=ws ${events.target},over_http\n`;
      const write = routesFile();
      const holdfast = await opened.holdfast({
        settings: {
          routes: { file: write(rules), lines: [] },
          // A long-poll that asks its origin again just then is not held, and gets what is published from the origin.
          hold: { updateOnFirstSubscription: false },
        },
      });
      const port = clientPort(holdfast);
      const { counters } = holdfast;

      const clients: Held[] = [];
      opened.add(clients, () => {
        for (const client of clients) client.close();
      });
      const paths = (Object.keys(CROWD) as (keyof typeof CROWD)[]).flatMap((kind) =>
        Array.from({ length: CROWD[kind] }, () => kind),
      );
      for (let at = 0; at < paths.length; at += ARRIVING) {
        const arriving = paths.slice(at, at + ARRIVING);
        for (const kind of arriving) clients.push(new Held(port, `/${kind}`, kind === 'ws' ? HANDSHAKE : []));
        await turnUntil(`the hold of ${clients.length} clients`, () => {
          const { stream, response, ws } = counters.holds;
          return stream + response + ws === clients.length;
        });
      }
      expect(counters.holds).toEqual(CROWD);

      const storm = async (): Promise<void> => {
        for (let count = 1; count <= RELOADS; count += 1) {
          write(`${rules}host-${count}.example test\n`);
          await holdfast.reload();
        }
      };
      await within(`${RELOADS} reloads`, storm(), PATIENCE);
      expect(holdfast.routeCount).toBe(3);
      expect(counters.holds).toEqual(CROWD);
      expect(clients.filter(({ closed }) => closed)).toEqual([]);

      const content = 'after the storm\n';
      const all = Promise.all(clients.map((client) => client.sees(content)));
      const outcome = holdfast.publish({
        channel: CHANNEL,
        formats: { 'http-stream': { content }, 'http-response': { body: content }, 'ws-message': { content } },
      });
      expect(outcome).toEqual({ kind: 'sent', receivers: clients.length });
      await within('the item at every client', all, PATIENCE);
      expect(clients.filter(({ closed }) => closed)).toEqual([]);
      expect(counters.holds).toEqual({ ...CROWD, response: 0 });
    });
  },
);
