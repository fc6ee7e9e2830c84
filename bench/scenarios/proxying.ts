/** Requests that are only passed on, and messages of WebSockets that are echoed. */
import { SMALL_BODY } from '../bodies.js';
import { shareOf } from '../clients.js';
import { closedLoopOutcome, measureLoad } from './closed-loop.js';
import type { Scenario } from './scenario.js';

const LARGE = 100_000;

function proxying(name: string, what: string, connections: number, path: string, bodyBytes: number): Scenario {
  return {
    name,
    what,
    needsZeroMq: false,
    run: async (stage) => {
      const all = stage.options.connections ?? connections;
      const measured = await measureLoad(stage, (index, count) => ({
        kind: 'requests',
        connections: shareOf(all, index, count),
        path,
        bodyBytes,
      }));
      return closedLoopOutcome(measured, 'requests', 'request', 'requests');
    },
  };
}

export const proxy = proxying('proxy', 'GET of 22 bytes, 64 connections', 64, '/small', SMALL_BODY.length);

export const proxyLarge = proxying('proxy-100k', 'GET of 100 kB, 32 connections', 32, `/large?bytes=${LARGE}`, LARGE);

export const wsecho: Scenario = {
  name: 'wsecho',
  what: '100 WebSockets, one message in flight each, echoed by the origin over HTTP',
  needsZeroMq: false,
  run: async (stage) => {
    const { connections = 100, messageBytes } = stage.options;
    const measured = await measureLoad(stage, (index, count) => ({
      kind: 'echoes',
      connections: shareOf(connections, index, count),
      messageBytes,
    }));
    return closedLoopOutcome(measured, 'messages', 'echo', 'messages');
  },
};

export const poll: Scenario = {
  name: 'poll',
  what: '200 long-polls on their own channels, each published to 10 ms after it polls',
  needsZeroMq: false,
  run: async (stage) => {
    const { connections = 200, messageBytes } = stage.options;
    const measured = await measureLoad(stage, (index, count) => ({
      kind: 'polls',
      connections: shareOf(connections, index, count),
      delay: 10,
      messageBytes,
    }));
    return closedLoopOutcome(measured, 'cycles', 'delivery', 'cycles');
  },
};
