import { describe, expect, it } from 'vitest';
import { parseRoute } from '../../src/routes/parse-route.js';
import type { Route } from '../../src/routes/route.js';

function read(line: string): Route | string {
  const parsed = parseRoute(line, { file: 'routes', line: 1 }, { readFile: () => '' });
  if (parsed.kind === 'blank') throw new Error('blank');
  return parsed.kind === 'route' ? parsed.route : parsed.message;
}

function options(line: string): unknown {
  const route = read(line);
  const target = typeof route === 'string' ? undefined : route.targets[0];
  return target?.kind === 'pinghub' ? target.pinghub : route;
}

describe('a pinghub target', () => {
  it('has the originals’ numbers where none are given', () => {
    expect(options('* pinghub')).toEqual({
      origin: undefined,
      socketPublish: true,
      maxMessageBytes: 65_536,
      maxBodyBytes: 1_048_576,
      terms: {
        outboxMessages: 256,
        slowCloseCode: undefined,
        closeTimeout: 10_000,
        pings: { interval: 27_000, timeout: 30_000 },
      },
    });
  });

  it('takes them from its options', () => {
    const line =
      '* pinghub,origin=https://example.com:8443,ws_publish=false,max_message=512,max_body=10,outbox=1,ping_interval=5,pong_timeout=7';
    expect(options(line)).toEqual({
      origin: 'https://example.com:8443',
      socketPublish: false,
      maxMessageBytes: 512,
      maxBodyBytes: 10,
      terms: {
        outboxMessages: 1,
        slowCloseCode: undefined,
        closeTimeout: 10_000,
        pings: { interval: 5_000, timeout: 7_000 },
      },
    });
    expect(options('* pinghub,ws_publish,origin=')).toMatchObject({ socketPublish: true, origin: undefined });
  });

  it.each([
    ['origin=example.com', 'origin must use format scheme://host[:port]'],
    ['origin=https://', 'origin must use format scheme://host[:port]'],
    ['ping_interval=30', 'pong_timeout must be longer than ping_interval'],
    ['ws_publish=no', 'ws_publish must be true or false'],
    ['max_message=0', 'max_message must be a whole number from 1 to 1000000000'],
    ['max_body=1k', 'max_body must be a whole number from 1 to 1000000000'],
    ['outbox=-1', 'outbox must be a whole number from 1 to 1000000000'],
    ['ping_interval=0.5', 'ping_interval must be a whole number from 1 to 86400'],
    ['pong_timeout=86401', 'pong_timeout must be a whole number from 1 to 86400'],
  ])('says what is wrong with %s', (option, text) => {
    expect(read(`* pinghub,${option}`)).toBe(`routes:1: pinghub: ${text}`);
  });
});

describe('an option that there is not', () => {
  it.each(['orgin=https://example.com', 'ws_publsh=false', 'over_http', 'ssl'])('is no option: %s', (option) => {
    const names = 'origin, ws_publish, max_message, max_body, outbox, ping_interval, pong_timeout, auth';
    const [name] = option.split('=');
    expect(read(`* pinghub,${option}`)).toBe(`routes:1: pinghub: there is no option ${name}, only ${names}`);
  });
});

describe('the auth option', () => {
  it('counts for the whole route, wherever it stands', () => {
    expect(read('*,auth=http://127.0.0.1:8089/check test')).toMatchObject({ auth: 'http://127.0.0.1:8089/check' });
    expect(read('* test,auth=https://auth.example test')).toMatchObject({ auth: 'https://auth.example/' });
    expect(read('*,auth=http://one/ test,auth=http://two/')).toMatchObject({ auth: 'http://one/' });
    expect(read('* test')).toMatchObject({ auth: undefined });
    expect(read('* test,auth=elsewhere')).toBe('routes:1: auth must be a URL with http or https');
  });

  it.each(['*,auth= test', '*,auth test', '* test,auth=', '*,auth=http://one/,auth= test'])(
    'without a URL lets nobody in: %s',
    (line) => {
      expect(read(line)).toBe('routes:1: auth must be a URL with http or https');
    },
  );
});
