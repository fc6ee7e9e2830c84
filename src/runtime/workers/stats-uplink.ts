/** What a worker has to say for the stats socket, which is in the main process: packets go out once a turn. */
import type { RouteTraffic, StatsPacket, StatsSink } from '../../observe/stats/stats-sink.js';
import type { WorkerBus } from './worker-uplink.js';

export class StatsUplink implements StatsSink {
  private packets: StatsPacket[] = [];

  constructor(private readonly bus: WorkerBus) {}

  packet(packet: StatsPacket): void {
    if (this.packets.length === 0) setImmediate(() => this.flush());
    this.packets.push(packet);
  }

  traffic(routes: readonly RouteTraffic[]): void {
    this.bus.send({ kind: 'traffic', routes });
  }

  private flush(): void {
    const { packets } = this;
    this.packets = [];
    this.bus.send({ kind: 'stats', packets });
  }
}
