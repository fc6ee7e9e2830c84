/** A ZHTTP worker on real sockets in this process: what comes is kept by session, what goes out is what the test says. */
import { Pull, Router, XPublisher } from 'zeromq';
import { zhttpAddresses } from '../../src/backend/zhttp/addresses.js';
import { decodeTnetstring, encodeTnetstring, type TnetInput, type TnetMap } from '../../src/protocol/tnetstring.js';
import { receiveAll } from '../../src/zeromq/receive-all.js';
import type { Opened } from './closing.js';
import { Watch, within } from './deadline.js';

/** The members of a packet; bytes are texts of one character for each byte, the elements of lists and maps too. */
export type Packet = Readonly<Record<string, unknown>>;

/** Members of a packet to be sent, beside those that every one has. */
export type Fields = Readonly<Record<string, TnetInput>>;

export interface WorkerOptions {
  /** Cannot be spoken to before `connectRouter`. */
  readonly routerLater?: boolean;
}

export class ZhttpWorker {
  private readonly sessions: WorkerSession[] = [];
  private readonly byId = new Map<string, WorkerSession>();
  private taken = 0;
  /** Packets that speak for several sessions. */
  readonly batches: Packet[] = [];
  private readonly watch = new Watch();

  private constructor(
    readonly name: string,
    /** What Holdfast calls itself. */
    readonly instanceId: string,
    private readonly pull: Pull,
    readonly router: Router,
    readonly pub: XPublisher,
    private readonly outStream: string,
  ) {
    void receiveAll(pull, ([frame]) => this.began(frame ?? Buffer.alloc(0)));
    void receiveAll(router, (frames) => this.followed(frames));
    void receiveAll(pub, () => {});
  }

  /** Connects, and resolves when all that is sent arrives. */
  static async connect(
    opened: Opened,
    spec: string,
    name = 'worker',
    { routerLater = false }: WorkerOptions = {},
  ): Promise<ZhttpWorker> {
    const addresses = zhttpAddresses(spec, 'the test');
    const pull = opened.add(new Pull({ linger: 0 }), (socket) => socket.close());
    const router = opened.add(new Router({ routingId: name, linger: 0 }), (socket) => socket.close());
    // What is beyond the mark of a PUB socket is lost, and tests send a great many packets at once.
    const pub = opened.add(new XPublisher({ linger: 0, sendHighWaterMark: 0 }), (socket) => socket.close());
    // One after the other: when the last of them is subscribed to, the first has been known for long.
    await meet(pull, addresses.out);
    if (!routerLater) await meet(router, addresses.outStream);
    pub.connect(addresses.in);
    const [topic] = await within('the subscription', pub.receive());
    return new ZhttpWorker(name, String(topic?.subarray(1)).trim(), pull, router, pub, addresses.outStream);
  }

  /** Makes the connection that `routerLater` has left out. */
  connectRouter(): Promise<void> {
    return meet(this.router, this.outStream);
  }

  /** What comes for this session of another worker is kept here from now on. */
  adopt({ first }: WorkerSession): WorkerSession {
    const session = new WorkerSession(this, first);
    this.byId.set(session.id, session);
    return session;
  }

  /** The next session that begins, or has begun and was not asked for yet. */
  async session(): Promise<WorkerSession> {
    const at = this.taken;
    this.taken += 1;
    await this.watch.until('a session at the worker', () => this.sessions.length > at);
    const session = this.sessions[at];
    if (session === undefined) throw new Error('unreachable');
    return session;
  }

  /** Sessions that have begun. */
  get count(): number {
    return this.sessions.length;
  }

  until(what: string, isTrue: () => boolean): Promise<void> {
    return this.watch.until(what, isTrue);
  }

  /** Publishes bytes to Holdfast as they are, behind its name. */
  publish(bytes: Buffer | string): Promise<void> {
    return this.pub.send(Buffer.concat([Buffer.from(`${this.instanceId} `), Buffer.from(bytes)]));
  }

  /** Sends bytes on the way back, over ROUTER. */
  route(...parts: readonly (Buffer | string)[]): Promise<void> {
    return this.router.send([this.instanceId, ...parts]);
  }

  /** Takes no more requests, and says nothing more: as one that has died. */
  die(): void {
    for (const socket of [this.pull, this.router, this.pub]) socket.close();
  }

  private began(frame: Buffer): void {
    const session = new WorkerSession(this, plain(frame));
    this.sessions.push(session);
    this.byId.set(session.id, session);
    this.watch.changed();
  }

  private followed(frames: readonly Buffer[]): void {
    const packet = plain(frames.at(-1) ?? Buffer.alloc(0));
    if (typeof packet.id === 'string') this.byId.get(packet.id)?.came(packet);
    else this.batches.push(packet);
    this.watch.changed();
  }
}

export class WorkerSession {
  readonly id: string;
  /** What has come after the first packet. */
  readonly packets: Packet[] = [];
  /** Bytes that Holdfast has given credits for, after the first packet. */
  credits = 0;
  private seq = 0;
  private readonly watch = new Watch();

  constructor(
    readonly worker: ZhttpWorker,
    /** The first packet. */
    readonly first: Packet,
  ) {
    this.id = String(first.id);
  }

  /** Sends a packet with the number that is due. */
  send(fields: Fields): Promise<void> {
    this.seq += 1;
    return this.say({ seq: this.seq - 1, ...fields });
  }

  /** Sends a packet with no number but that in `fields`. */
  say(fields: Fields): Promise<void> {
    return this.worker.publish(packetOf({ from: this.worker.name, id: this.id, ...fields }));
  }

  /** The same on the way back, over ROUTER. */
  answer(fields: Fields): Promise<void> {
    this.seq += 1;
    const packet = packetOf({ from: this.worker.name, id: this.id, seq: this.seq - 1, ...fields });
    return this.worker.route('', packet);
  }

  /** The head of an answer; more follows. */
  head(headers: readonly (readonly [string, string])[] = [], fields: Fields = {}): Promise<void> {
    return this.send({ code: 200, reason: 'OK', headers, more: true, ...fields });
  }

  /** What has come of `type`, `data` where there is none. */
  of(type: string): Packet[] {
    return this.packets.filter((packet) => (packet.type ?? 'data') === type);
  }

  /** Resolves with the first packet of `type`. */
  async gets(type: string): Promise<Packet> {
    await this.until(`a packet of type ${type}`, () => this.of(type).length > 0);
    return this.of(type)[0] ?? {};
  }

  until(what: string, isTrue: () => boolean): Promise<void> {
    return this.watch.until(what, isTrue, () => `; it got ${JSON.stringify(this.packets).slice(0, 2_000)}`);
  }

  came(packet: Packet): void {
    this.packets.push(packet);
    if (typeof packet.credits === 'number') this.credits += packet.credits;
    this.watch.changed();
  }
}

/** Connects, and resolves when both sides know each other. */
function meet(socket: Pull | Router, address: string): Promise<void> {
  const met = new Promise<void>((resolve) => socket.events.on('handshake', () => resolve()));
  socket.connect(address);
  return within(`the connection to ${address}`, met);
}

/** `T` and the members. */
export function packetOf(fields: Fields): Buffer {
  return Buffer.concat([Buffer.from('T'), encodeTnetstring(new Map(Object.entries(fields)))]);
}

function plain(frame: Buffer): Packet {
  return Object.fromEntries(
    [...(decodeTnetstring(frame.subarray(1)) as TnetMap)].map(([name, value]) => [name, plainValue(value)]),
  );
}

function plainValue(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (Array.isArray(value)) return value.map(plainValue);
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, one]) => [name, plainValue(one)]));
  return value;
}
