import { describe, expect, it } from 'vitest';
import { ConnectionStats } from '../../../src/observe/stats/connection-stats.js';
import type { RouteTraffic, StatsPacket } from '../../../src/observe/stats/stats-sink.js';
import { Wheel } from '../../../src/time/wheel.js';
import { ManualClock } from '../../support/manual-clock.js';

const FACTS = { type: 'http', peer: '192.0.2.1', secure: false, route: 'one' } as const;

function sample(settings: Partial<{ connectionSend: boolean; connectionTtl: number }> = {}) {
  const clock = new ManualClock();
  const packets: StatsPacket[] = [];
  const traffic: RouteTraffic[] = [];
  let last = 0;
  const stats = new ConnectionStats(
    { connectionSend: true, connectionTtl: 8, ...settings },
    new Wheel(clock),
    { packet: (packet) => packets.push(packet), traffic: (routes) => traffic.push(...routes) },
    () => `id-${++last}`,
  );
  stats.wake();
  const take = (type: StatsPacket['type']) => packets.splice(0).filter((packet) => packet.type === type);
  const minutes = () => traffic.splice(0).reduce((sum, one) => sum + one.traffic.minutes, 0);
  return { clock, stats, packets, traffic, take, minutes };
}

describe('ConnectionStats', () => {
  it('tells of a connection again before three quarters of its time to live are over', () => {
    const { clock, stats, take } = sample();
    const connection = stats.begin(FACTS);
    expect(take('conn')).toHaveLength(1);
    let silence = 0;
    let times = 0;
    for (let at = 0; at < 30_000; at += 100) {
      clock.advance(100);
      silence += 100;
      if (take('conn').length === 0) continue;
      expect(silence).toBeLessThanOrEqual(6_000);
      expect(silence).toBeGreaterThan(3_000);
      silence = 0;
      times += 1;
    }
    expect(times).toBeGreaterThanOrEqual(5);
    stats.end(connection);
    clock.advance(20_000);
    expect(take('conn')).toEqual([{ type: 'conn', fields: { id: 'id-1', unavailable: true, route: 'one' } }]);
  });

  it('counts a minute when it begins', () => {
    const { clock, stats, minutes } = sample();
    clock.advance(300);
    const first = stats.begin(FACTS);
    clock.advance(1_000);
    expect(minutes()).toBe(1);
    clock.advance(57_000);
    expect(minutes()).toBe(0);
    clock.advance(3_000);
    expect(minutes()).toBe(1);
    stats.begin(FACTS);
    clock.advance(60_000);
    expect(minutes()).toBe(3);
    stats.end(first);
    clock.advance(60_000);
    expect(minutes()).toBe(1);
  });

  it('counts each minute once after a long stop of the process', () => {
    const { clock, stats, minutes } = sample();
    stats.begin(FACTS);
    clock.advance(1_000);
    expect(minutes()).toBe(1);
    clock.stall(59_500);
    clock.advance(1_000);
    expect(minutes()).toBe(1);
  });

  it('sums up what happens within 100 ms, by route', () => {
    const { clock, stats, packets } = sample({ connectionSend: false });
    const connection = stats.begin(FACTS);
    stats.begin({ ...FACTS, route: '' });
    stats.keptAlive(connection);
    clock.advance(200);
    expect(packets).toEqual([
      { type: 'activity', fields: { count: 2, route: 'one' } },
      { type: 'activity', fields: { count: 1 } },
      { type: 'counts', fields: { 'requests-received': 2 } },
    ]);
  });

  it('takes messages for activity once a minute', () => {
    const { clock, stats, take } = sample();
    const connection = stats.begin({ ...FACTS, type: 'ws' });
    clock.advance(200);
    expect(take('activity')).toHaveLength(1);
    for (let second = 0; second < 125; second += 1) {
      clock.advance(1_000);
      stats.messaged(connection);
    }
    clock.advance(200);
    expect(take('activity').map(({ fields }) => fields.count)).toEqual([1, 1]);
  });

  it('forgets a route that is silent, after it has said so once', () => {
    const { clock, stats, traffic } = sample();
    stats.end(stats.begin(FACTS));
    clock.advance(1_000);
    expect(traffic.splice(0)).toMatchObject([{ route: 'one', most: 1, open: 0 }]);
    clock.advance(1_000);
    expect(traffic.splice(0)).toMatchObject([{ route: 'one', most: 0, open: 0 }]);
    clock.advance(5_000);
    expect(traffic).toEqual([]);
  });

  it('tells nothing before anybody listens, and ends everybody at its end', () => {
    const { stats, packets } = sample();
    stats.begin({ ...FACTS, secure: true, peer: undefined });
    stats.close();
    expect(packets).toEqual([
      { type: 'conn', fields: { id: 'id-1', type: 'http', ttl: 8, ssl: true, route: 'one' } },
      { type: 'conn', fields: { id: 'id-1', unavailable: true, route: 'one' } },
      { type: 'activity', fields: { count: 1, route: 'one' } },
      { type: 'counts', fields: { 'requests-received': 1 } },
    ]);
  });
});
