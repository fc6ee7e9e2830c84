/** Which addresses our own PULL socket takes, and which it leaves to libzmq. */
import { describe, expect, it } from 'vitest';
import { boundSpec, parsePullEndpoint } from '../../src/control/pull-endpoint.js';

describe('an address of a PULL socket', () => {
  it.each([
    ['tcp://127.0.0.1:5560', { transport: 'tcp', host: '127.0.0.1', port: 5560 }],
    ['tcp://127.0.0.1:*', { transport: 'tcp', host: '127.0.0.1', port: 0 }],
    ['tcp://127.0.0.1:0', { transport: 'tcp', host: '127.0.0.1', port: 0 }],
    ['tcp://*:5560', { transport: 'tcp', host: '0.0.0.0', port: 5560 }],
    ['tcp://*:*', { transport: 'tcp', host: '0.0.0.0', port: 0 }],
    ['tcp://[::1]:65535', { transport: 'tcp', host: '::1', port: 65_535 }],
    ['tcp://[::]:*', { transport: 'tcp', host: '::', port: 0 }],
    ['ipc:///run/holdfast/pull', { transport: 'ipc', path: '/run/holdfast/pull' }],
    ['ipc://pull', { transport: 'ipc', path: 'pull' }],
  ])('is ours: %s', (spec, endpoint) => {
    expect(parsePullEndpoint(spec)).toEqual(endpoint);
  });

  it.each([
    'tcp://eth0:5560',
    'tcp://localhost:5560',
    'tcp://127.0.0.1',
    'tcp://127.0.0.1:',
    'tcp://127.0.0.1:65536',
    'tcp://127.0.0.1:+5',
    'tcp://127.0.0.1:5560x',
    'tcp://127.0.0.1:1;127.0.0.1:2',
    'tcp://127.1:5560',
    'tcp://::1:5560',
    'tcp://[127.0.0.1]:5560',
    'tcp://[*]:5560',
    'ipc://',
    'ipc://*',
    'ipc://@abstract',
    'inproc://pull',
    '',
  ])('is left to libzmq: %s', (spec) => {
    expect(parsePullEndpoint(spec)).toBeUndefined();
  });

  it.each([
    ['tcp://127.0.0.1:*', 'tcp://127.0.0.1:7'],
    ['tcp://*:*', 'tcp://0.0.0.0:7'],
    ['tcp://[::1]:*', 'tcp://[::1]:7'],
    ['ipc://pull', 'ipc://pull'],
  ])('is named with its port: %s', (spec, bound) => {
    const endpoint = parsePullEndpoint(spec);
    expect(endpoint === undefined ? undefined : boundSpec(endpoint, 7)).toBe(bound);
  });
});
