/**
 * What a case may do to a proxy: open raw connections, send bytes, wait for bytes or for the end, publish, and talk to the
 * control port. Every wait is for an event, with a deadline; everything received is kept for the comparison.
 */
import { createConnection, type Socket } from 'node:net';
import { methodsOf, readResponse } from './http-bytes.js';
import type { OriginSocket } from './origin-socket.js';
import type { Answer, RecordingOrigin } from './recording-origin.js';

/** Seconds that a wait may take when the case names none. */
export const PATIENCE = 4;

/** Texts that probes carry; `normalise.ts` takes them out again. Late ones of the first must not count for the second. */
export const PROBE_TEXT = '{probe}';
export const SECOND_PROBE_TEXT = '{second probe}';

/** Where the two doors of a proxy are, on the loopback address. */
export interface Doors {
  readonly httpPort: number;
  readonly controlPort: number;
}

/** A publish item as the control port takes it (5.2). */
export type PublishItem = { readonly channel: string } & Readonly<Record<string, unknown>>;

/** One raw connection and all that came over it. */
export class Wire {
  readonly name: string;
  readonly #socket: Socket;
  readonly #sent: Buffer[] = [];
  #received = Buffer.alloc(0);
  /** Matches are looked for behind this offset. */
  #cursor = 0;
  #ended = false;
  #sawEnd = false;
  readonly #watchers = new Set<() => void>();

  constructor(name: string, socket: Socket) {
    this.name = name;
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#notify();
    });
    const end = () => {
      this.#ended = true;
      this.#notify();
    };
    socket.on('end', end);
    socket.on('close', end);
    // A reset is an end like any other; what matters is which bytes came before it.
    socket.on('error', end);
  }

  send(bytes: string | Buffer): void {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    this.#sent.push(buffer);
    if (!this.#ended) this.#socket.write(buffer);
  }

  /** Waits until the bytes behind the last match contain `text` (latin1), and moves behind it. */
  async until(text: string, seconds = PATIENCE): Promise<void> {
    const found = () => this.#received.indexOf(text, this.#cursor, 'latin1');
    await within(
      seconds,
      this.#watchers,
      () => found() >= 0 || this.#ended,
      () => this.#missing(text),
    );
    const at = found();
    if (at < 0) throw new Error(`${this.#missing(text)}: the proxy closed the connection`);
    this.#cursor = at + Buffer.byteLength(text, 'latin1');
  }

  /** Waits until every request sent has its whole answer, or the proxy has closed. Interim answers do not count. */
  async answered(seconds = PATIENCE): Promise<void> {
    const met = () => this.#ended || this.#answers() >= methodsOf(Buffer.concat(this.#sent)).length;
    await within(seconds, this.#watchers, met, () => this.#missing('a whole answer'));
    this.#cursor = this.#received.length;
  }

  /** Whether `text` stands anywhere behind the last match. */
  has(text: string): boolean {
    return this.#received.indexOf(text, this.#cursor, 'latin1') >= 0;
  }

  /** Waits until the proxy has closed; only then is the end part of the transcript. */
  async closed(seconds = PATIENCE): Promise<void> {
    await within(
      seconds,
      this.#watchers,
      () => this.#ended,
      () => this.#missing('the end'),
    );
    this.#sawEnd = true;
  }

  /** Waits until one of the texts came or the proxy has closed, and notes the end if it was that. */
  async untilOrClosed(text: string | readonly string[], seconds = PATIENCE): Promise<void> {
    const came = () => [text].flat().some((each) => this.has(each));
    const met = () => came() || this.#ended;
    await within(seconds, this.#watchers, met, () => this.#missing(String(text)));
    this.#sawEnd = !came();
  }

  /** Drops the connection without a goodbye of the protocol spoken on it. */
  drop(): void {
    this.#socket.destroy();
  }

  /** All bytes both ways, and whether the case saw the proxy close. */
  recording(): Recording {
    return {
      name: this.name,
      sent: Buffer.concat(this.#sent),
      received: this.#received,
      end: this.#sawEnd ? 'closed by the proxy' : 'not waited for',
    };
  }

  #answers(): number {
    const methods = methodsOf(Buffer.concat(this.#sent));
    let count = 0;
    let rest = this.#received;
    for (;;) {
      const message = readResponse(rest, methods[count] ?? 'GET');
      if (!message?.complete) return count;
      rest = rest.subarray(message.size);
      if (!message.startLine.includes(' 100 ')) count += 1;
    }
  }

  #missing(what: string): string {
    return `${this.name}: ${JSON.stringify(what)} did not come; received ${JSON.stringify(this.#received.toString('latin1'))}`;
  }

  #notify(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

export interface Recording {
  readonly name: string;
  readonly sent: Buffer;
  readonly received: Buffer;
  readonly end: 'closed by the proxy' | 'not waited for';
}

/** The hand a case plays with, on one side. */
export class Script {
  /** First segment of every path and first part of every channel name of the case. */
  readonly key: string;
  readonly #doors: Doors;
  readonly #origin: RecordingOrigin;
  readonly #clients: Wire[] = [];
  readonly #controls: Wire[] = [];

  constructor(key: string, doors: Doors, origin: RecordingOrigin) {
    this.key = key;
    this.#doors = doors;
    this.#origin = origin;
  }

  /** A channel nobody else uses. */
  channel(name: string): string {
    return `${this.key}-${name}`;
  }

  /** Opens a client connection and sends `bytes`. */
  async client(bytes: string | Buffer, name = `client ${this.#clients.length + 1}`): Promise<Wire> {
    const wire = await connect(name, this.#doors.httpPort);
    this.#clients.push(wire);
    wire.send(bytes);
    return wire;
  }

  /** Opens a connection to the control port, sends `bytes`, and keeps all that is answered. */
  async control(bytes: string): Promise<Wire> {
    const wire = await connect(`control ${this.#controls.length + 1}`, this.#doors.controlPort);
    this.#controls.push(wire);
    wire.send(bytes);
    return wire;
  }

  /** Sends `bytes` to the control port and waits until it closes. */
  async controlAnswer(bytes: string): Promise<void> {
    await (await this.control(bytes)).closed();
  }

  /** Publishes items once; anything but `Published` fails the case. The answer is not part of the transcript. */
  async publish(...items: readonly PublishItem[]): Promise<void> {
    await publishItems(this.#doors.controlPort, items);
  }

  /**
   * Publishes again and again until `wire` has `text` behind its last match, at the pace of the control port's answers.
   * For holds that end with what they get: nothing tells from outside that a hold has begun.
   */
  async publishUntil(wire: Wire, text: string, ...items: readonly PublishItem[]): Promise<void> {
    const deadline = Date.now() + PATIENCE * 1000;
    while (!wire.has(text) && Date.now() < deadline) await this.publish(...items);
    await wire.until(text, 1);
  }

  /**
   * Waits until a stream or WebSocket hold takes part in publishing, by way of a channel of its own that the hold
   * subscribes to after (or together with) the others. The probes are not part of the transcript.
   */
  async untilSubscribed(wire: Wire, channel: string): Promise<void> {
    const formats = { 'http-stream': { content: PROBE_TEXT }, 'ws-message': { content: PROBE_TEXT } };
    await this.publishUntil(wire, PROBE_TEXT, { channel, formats });
  }

  /** Waits until the origin has had `count` requests of this case. */
  async originRequests(count: number, seconds = PATIENCE): Promise<void> {
    await this.#origin.until(this.key, count, seconds);
  }

  /** Answers the last request of this case, whose answer was kept back. */
  originAnswers(answer: Answer): void {
    this.#origin.write(this.key, answer);
  }

  /** The WebSocket of this case at the origin, as soon as its handshake is answered. */
  async originSocket(): Promise<OriginSocket> {
    return await this.#origin.firstWebSocket(this.key, PATIENCE);
  }

  /** Makes the origin close the connections that carried requests of this case. */
  hangUpOrigin(): void {
    this.#origin.hangUp(this.key);
  }

  clientRecordings(): Recording[] {
    return this.#clients.map((wire) => wire.recording());
  }

  controlRecordings(): Recording[] {
    return this.#controls.map((wire) => wire.recording());
  }

  dropAll(): void {
    for (const wire of [...this.#clients, ...this.#controls]) wire.drop();
  }
}

/** Publishes through a control port and checks the answer. */
export async function publishItems(controlPort: number, items: readonly PublishItem[]): Promise<void> {
  const body = JSON.stringify({ items });
  const length = Buffer.byteLength(body);
  const wire = await connect('publisher', controlPort);
  wire.send(
    Buffer.from(
      `POST /publish/ HTTP/1.1\r\nHost: control\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n${body}`,
    ),
  );
  try {
    await wire.until('Published');
  } finally {
    wire.drop();
  }
}

/** Opens a raw connection on the loopback address. */
export async function connect(name: string, port: number): Promise<Wire> {
  const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return new Wire(name, socket);
}

/** Resolves as soon as `met`, which is asked again whenever a watcher is called; fails with `complaint` after `seconds`. */
export async function within(
  seconds: number,
  watchers: Set<() => void>,
  met: () => boolean,
  complaint: () => string,
): Promise<void> {
  if (met()) return;
  await new Promise<void>((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      watchers.delete(check);
    };
    const check = () => {
      if (!met()) return;
      done();
      resolve();
    };
    const timer = setTimeout(() => {
      done();
      reject(new Error(`${complaint()} (waited ${seconds} s)`));
    }, seconds * 1000);
    watchers.add(check);
  });
}
