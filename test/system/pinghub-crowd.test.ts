/**
 * Five thousand sockets on one path and two thousand messages, posted by four clients as fast as they are acknowledged: all
 * of them at every socket, in one order; and a reader that stands still, which is dropped and disturbs nobody.
 */
import { spawn } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Opened } from '../support/closing.js';
import { Watch } from '../support/deadline.js';
import { PYTHON, REQUIREMENTS } from '../support/requirements.js';
import { Several } from '../support/several.js';

const SOCKETS = 5_000;
const POSTERS = 4;
const POSTS = 500;
/** Sockets that are opened at a time. */
const STRIDE = 250;
const PADDING = 'x'.repeat(50);
const PATH = '/crowd';
const HANDSHAKE = `GET ${PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;

/** Reads the head of the answer, with the smallest window and segments there are, and then nothing. */
const STUCK = `
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
s.connect(('127.0.0.1', int(sys.argv[1])))
s.sendall(sys.argv[2].encode())
head = b''
while not head.endswith(b'\\r\\n\\r\\n'): head += s.recv(1)
print('ready', flush=True)
time.sleep(600)
`;

/** What one socket has got behind the head of its answer. */
class Member {
  bytes = 0;
  opened = false;
  private head = '';
  private readonly hash: Hash = createHash('sha1');

  /** @param step - called when it is open, and when it has all its bytes or more */
  constructor(
    socket: Socket,
    readonly kept: Buffer[] | undefined,
    step: (name: 'opened' | 'complete') => void,
  ) {
    const wanted = expectedBytes();
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const { opened: wasOpen, bytes } = this;
      this.take(chunk);
      if (!wasOpen && this.opened) step('opened');
      if (bytes < wanted && this.bytes >= wanted) step('complete');
    });
  }

  get digest(): string {
    return this.hash.copy().digest('hex');
  }

  private take(chunk: Buffer): void {
    let content = chunk;
    if (!this.opened) {
      this.head += chunk.toString('latin1');
      const end = this.head.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.opened = this.head.startsWith('HTTP/1.1 101');
      content = Buffer.from(this.head.slice(end + 4), 'latin1');
    }
    this.bytes += content.length;
    this.hash.update(content);
    this.kept?.push(Buffer.from(content));
  }
}

const isPossible = REQUIREMENTS.descriptors.isThere() && REQUIREMENTS.pythonZeroMq.isThere();

describe.skipIf(!isPossible)('a crowd on one path', () => {
  const opened = new Opened();

  it('hears everything in one order, and loses the one who does not listen', { timeout: 120_000 }, async () => {
    // These sockets answer no pings.
    const route = '* pinghub,ping_interval=3600,pong_timeout=7200';
    const { port, child } = await Several.start(opened, 1, '--route', route, '--set', 'metrics.listen=127.0.0.1:0');
    const [, metrics = ''] = await child.says(/metrics: (http:\S+\/metrics)/);
    const count = { opened: 0, complete: 0 };
    const watch = new Watch();
    const step = (name: 'opened' | 'complete'): void => {
      count[name] += 1;
      if (count[name] % STRIDE === 0) watch.changed();
    };
    const members: Member[] = [];
    while (members.length < SOCKETS) {
      for (let index = 0; index < STRIDE; index += 1) {
        const socket = opened.add(connect({ host: '127.0.0.1', port }), (one) => one.destroy());
        members.push(new Member(socket, members.length === 0 ? [] : undefined, step));
        socket.write(HANDSHAKE);
      }
      await watch.until(`${members.length} sockets`, () => count.opened === members.length);
    }
    const stuck = opened.add(spawn(PYTHON, ['-c', STUCK, String(port), HANDSHAKE]), (one) => one.kill('SIGKILL'));
    await new Promise((resolve) => stuck.stdout.once('data', resolve));
    await untilTold(metrics, `holdfast_holds{mode="ws"} ${SOCKETS + 1}`);

    await Promise.all(Array.from({ length: POSTERS }, (_, poster) => postAll(port, poster)));
    await watch.until('the last message at every socket', () => count.complete === SOCKETS);
    expect(new Set(members.map(({ bytes }) => bytes))).toEqual(new Set([expectedBytes()]));
    expect(new Set(members.map(({ digest }) => digest)).size).toBe(1);
    const texts = textsOf(Buffer.concat(members[0]?.kept ?? []));
    expect(texts).toHaveLength(POSTERS * POSTS);
    for (let poster = 0; poster < POSTERS; poster += 1) {
      const own = texts.filter((text) => text.startsWith(`${poster}:`));
      expect(own).toEqual(Array.from({ length: POSTS }, (_, number) => messageOf(poster, number)));
    }
    await untilTold(metrics, `holdfast_holds{mode="ws"} ${SOCKETS}`);
    expect(child.output).toContain('a client has 256 messages waiting: closing it as slow');
  });
});

function messageOf(poster: number, number: number): string {
  return `${poster}:${String(number).padStart(3, '0')}:${PADDING}`;
}

/** Short frames: two bytes and the text. */
function expectedBytes(): number {
  return POSTERS * POSTS * (2 + messageOf(0, 0).length);
}

function textsOf(frames: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < frames.length; ) {
    const length = frames[at + 1] ?? 0;
    texts.push(frames.toString('utf8', at + 2, at + 2 + length));
    at += 2 + length;
  }
  return texts;
}

/** One after the other, each when the one before it is acknowledged. */
async function postAll(port: number, poster: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let number = 0; number < POSTS; number += 1) {
    const answer = await new Promise<string>((resolve, reject) => {
      const request = httpRequest({ port, path: PATH, method: 'POST', agent }, (response) => {
        let text = '';
        response.on('data', (bytes) => {
          text += String(bytes);
        });
        response.on('end', () => resolve(`${response.statusCode} ${text}`));
      });
      request.on('error', reject);
      request.end(messageOf(poster, number));
    });
    expect(answer).toBe('200 OK\n');
  }
  agent.destroy();
}

/** Asks the metrics again and again: nothing else tells from outside. */
async function untilTold(metrics: string, line: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const text = await (await fetch(metrics)).text();
    if (text.split('\n').includes(line)) return;
    if (performance.now() > deadline) throw new Error(`${line} is not told: ${/^holdfast_holds.*$/gm.exec(text)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
