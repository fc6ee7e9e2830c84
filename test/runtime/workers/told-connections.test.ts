import { describe, expect, it } from 'vitest';
import type { StatsPacket } from '../../../src/observe/stats/stats-sink.js';
import { ToldConnections } from '../../../src/runtime/workers/told-connections.js';

const began = (id: string, more: object = {}): StatsPacket => ({ type: 'conn', fields: { id, ttl: 120, ...more } });
const over = (id: string, more: object = {}): StatsPacket => ({
  type: 'conn',
  fields: { id, unavailable: true, ...more },
});

describe('the connections of a worker that were told of', () => {
  it('are over with it, each once, and those that were over before are not told of again', () => {
    const told: StatsPacket[] = [];
    const connections = new ToldConnections((packet) => told.push(packet));
    const packets: StatsPacket[] = [
      began('a', { route: 'one' }),
      began('b'),
      { type: 'activity', fields: { count: 2 } },
      began('a', { route: 'one' }),
      began('c'),
      over('b'),
    ];
    for (const packet of packets) connections.packet(packet);
    expect(told.splice(0)).toEqual(packets);
    connections.gone();
    expect(told.splice(0)).toEqual([over('a', { route: 'one' }), over('c')]);
    connections.gone();
    expect(told).toEqual([]);
  });
});
