/**
 * The metrics port of the original Pinghub (pinghub specification 7): whoever connects over TCP is told six lines, sorted by
 * name, and the connection ends. Nothing is read.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { ReadableRate } from '../observe/readable-rate.js';
import { listenOn } from '../sockets/open-sockets.js';
import { Timed, type Wheel } from '../time/wheel.js';

/** Milliseconds between two looks at the counters. */
const TICK = 5_000;
/** Share of the difference that a five-minute average takes on in one of them. */
const ALPHA = 1 - Math.exp(-5 / 300);
/** Connections at a time; each lasts for one write. */
const MAX_CONNECTIONS = 100;
/** Milliseconds that a client may take to take the report. */
const PATIENCE = 5_000;

/** What the lines are made of, read when somebody asks. */
export interface PinghubFigures {
  readonly channels: number;
  readonly websockets: number;
  readonly postmsgs: number;
  readonly websocketmsgs: number;
  readonly drops: number;
  readonly sends: number;
}

type MeterName = 'drops' | 'postmsgs' | 'sends' | 'websocketmsgs';

export class MuninPort extends Timed {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly meters: Readonly<Record<MeterName, FiveMinutes>> = {
    drops: new FiveMinutes(),
    postmsgs: new FiveMinutes(),
    sends: new FiveMinutes(),
    websocketmsgs: new FiveMinutes(),
  };

  constructor(
    private readonly figures: () => PinghubFigures,
    private readonly wheel: Wheel,
    private readonly warnings: ReadableRate,
  ) {
    super();
    this.server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.sockets.delete(socket));
      // Whatever it has to say, and whether it ends its side or not.
      socket.end(this.report(), () => socket.destroySoon());
      socket.setTimeout(PATIENCE, () => socket.destroy());
    });
    this.server.maxConnections = MAX_CONNECTIONS;
  }

  /** @throws HoldfastError HOLDFAST_LISTEN_FAILED naming `setting` */
  async listen(host: string, port: number, setting: string): Promise<{ host: string; port: number }> {
    const address = await listenOn(this.server, { host, port }, { setting, warnings: this.warnings });
    this.wheel.start(this, TICK);
    return address;
  }

  async close(): Promise<void> {
    this.wheel.stop(this);
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  onTime(): void {
    this.wheel.start(this, TICK);
    const figures = this.figures();
    for (const [name, meter] of Object.entries(this.meters)) meter.tick(figures[name as MeterName]);
  }

  private report(): string {
    const { channels, websockets } = this.figures();
    const lines = Object.entries(this.meters).map(([name, meter]) => `${name}5m.value ${meter.rate.toFixed(3)}`);
    return `${[`channels.value ${channels}`, `websockets.value ${websockets}`, ...lines].sort().join('\n')}\n`;
  }
}

/** Events a second, as an average in which those of five minutes ago have faded to a third. */
class FiveMinutes {
  rate = 0;
  private seen = 0;
  private begun = false;

  /** @param count - events since the start */
  tick(count: number): void {
    const now = (count - this.seen) / (TICK / 1_000);
    this.seen = count;
    this.rate = this.begun ? this.rate + ALPHA * (now - this.rate) : now;
    this.begun = true;
  }
}
