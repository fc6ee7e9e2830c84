/** The fields of request lines, one by one and in their order (specification 14.1, 3.5). */
import { describe, expect, it } from 'vitest';
import { resolveSettings } from '../../src/config/schema.js';
import type { ClientRequest } from '../../src/front/client-request.js';
import type { HeaderList } from '../../src/protocol/headers.js';
import type { ProxySettings } from '../../src/proxy/proxy-parts.js';
import {
  type LogParts,
  logRequest,
  logSubrequest,
  type RequestLine,
  type SubrequestLogLine,
} from '../../src/proxy/request-log.js';
import { requestUri } from '../../src/proxy/request-uri.js';
import { parseRoute } from '../../src/routes/parse-route.js';
import type { Route, Target } from '../../src/routes/route.js';
import type { CollectedLog } from '../support/collected-log.js';
import { sampleHolds } from '../support/sample-hold-parts.js';

function sampleProxy(settings: Partial<ProxySettings>): { readonly proxy: LogParts; readonly log: CollectedLog } {
  const { parts, log } = sampleHolds();
  const { proxy } = resolveSettings({});
  return { proxy: { settings: { ...proxy, logFrom: false, logUserAgent: false, ...settings }, holds: parts }, log };
}

function routeOf(line: string): Route {
  const parsed = parseRoute(line, { file: 'routes', line: 1 }, { readFile: () => '' });
  if (parsed.kind !== 'route') throw new Error(`no route: ${line}`);
  return parsed.route;
}

function targetOf(route: Route): Target {
  const [target] = route.targets;
  if (target === undefined) throw new Error('no target');
  return target;
}

interface Row extends Partial<Omit<RequestLine, 'request' | 'uri' | 'route' | 'target'>> {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: HeaderList;
  readonly peer?: string | undefined;
  /** A line of a routes file. */
  readonly line?: string;
  readonly routeless?: true;
  /** Refused before a target was asked. */
  readonly refused?: true;
  readonly settings?: Partial<ProxySettings>;
}

function requestLine({ line = '* origin:80', settings = {}, headers = [], ...row }: Row): string[] {
  const { proxy, log } = sampleProxy(settings);
  const route = row.routeless === true ? undefined : routeOf(line);
  const request: ClientRequest = {
    method: row.method ?? 'GET',
    target: row.path ?? '/a?b=1',
    headers: [['Host', 'h.example'], ...headers],
    secure: false,
    peer: { remoteAddress: 'peer' in row ? row.peer : '10.0.0.1' },
    body: undefined,
  };
  logRequest(proxy, {
    request,
    scheme: row.scheme ?? 'http',
    uri: requestUri(request, false),
    route,
    target: row.refused === true || route === undefined ? undefined : targetOf(route),
    trusted: row.trusted ?? false,
    retry: row.retry ?? false,
    shared: row.shared,
    result: row.result ?? { kind: 'answered', code: 200, size: 5 },
  });
  return log.lines;
}

const GET = 'info GET http://h.example/a?b=1 -> origin:80';
const FROM = { logFrom: true };
const AGENT = { logUserAgent: true };
const FORWARDED: HeaderList = [['X-Forwarded-For', '1.2.3.4, 5.6.7.8']];
const CUT: Partial<ProxySettings> = { ...FROM, xForwardedFor: ['truncate:0', 'append'] };
const CUT_TRUSTED: Partial<ProxySettings> = { ...FROM, xForwardedForTrusted: ['truncate:0', 'append'] };
const LAST_IDS: HeaderList = [['Grip-Last', 'news; last-id=41, sport; last-id=7']];

describe('a request line', () => {
  it.each<[name: string, row: Row, expected: string]>([
    ['names method, URI, target, code and size', {}, `${GET} code=200 5`],
    ['keeps the method as it is', { method: 'PURGE' }, 'info PURGE http://h.example/a?b=1 -> origin:80 code=200 5'],
    ['says https', { scheme: 'https' }, 'info GET https://h.example/a?b=1 -> origin:80 code=200 5'],
    ['has no target when none was asked', { refused: true }, 'info GET http://h.example/a?b=1 code=200 5'],
    [
      'marks a WebSocket that goes over HTTP',
      { scheme: 'wss', line: '* origin:80,over_http', result: { kind: 'answered', code: 101, size: 0 } },
      'info GET wss://h.example/a?b=1 -> origin:80[http] code=101 0',
    ],
    ['does not mark a WebSocket to another target', { scheme: 'ws' }, `${GET.replace('http:', 'ws:')} code=200 5`],
    ['does not mark a request over HTTP', { line: '* origin:80,over_http' }, `${GET} code=200 5`],
    ['says that a client is held', { result: { kind: 'accepted' } }, `${GET} accept`],
    ['says that there was no clean end', { result: { kind: 'error' } }, `${GET} error`],
    ['says that it was a retry', { retry: true }, `${GET} code=200 5 retry`],
    ['says which answer was shared', { shared: 12 }, `${GET} code=200 5 shared=12`],
    ['names a route with an id of its own', { line: '*,id=main origin:80' }, `${GET} route=main code=200 5`],
    ['has no address unless asked', { headers: FORWARDED }, `${GET} code=200 5`],
    ['names the peer', { settings: FROM }, `${GET} from=10.0.0.1 code=200 5`],
    ['names nobody on a socket without addresses', { settings: FROM, peer: undefined }, `${GET} code=200 5`],
    ['names who it was forwarded for', { settings: FROM, headers: FORWARDED }, `${GET} from=1.2.3.4 code=200 5`],
    [
      'names an IPv6 address it was forwarded for',
      { settings: FROM, headers: [['X-Forwarded-For', '::1']] },
      `${GET} from=::1 code=200 5`,
    ],
    [
      'does not believe what is no address',
      { settings: FROM, headers: [['X-Forwarded-For', 'unknown, 1.2.3.4']] },
      `${GET} from=10.0.0.1 code=200 5`,
    ],
    [
      'does not believe what is cut off for everybody',
      { settings: CUT, headers: FORWARDED },
      `${GET} from=10.0.0.1 code=200 5`,
    ],
    [
      'believes a trusted client where only others are cut off',
      { settings: CUT, headers: FORWARDED, trusted: true },
      `${GET} from=1.2.3.4 code=200 5`,
    ],
    [
      'does not believe a trusted client that is cut off',
      { settings: CUT_TRUSTED, headers: FORWARDED, trusted: true },
      `${GET} from=10.0.0.1 code=200 5`,
    ],
    [
      'believes others where only trusted clients are cut off',
      { settings: CUT_TRUSTED, headers: FORWARDED },
      `${GET} from=1.2.3.4 code=200 5`,
    ],
    [
      'names the referring page',
      { headers: [['Referer', 'http://a.example/%C3%A9?q=1']] },
      `${GET} ref=http://a.example/%C3%A9?q=1 code=200 5`,
    ],
    [
      'makes one word of a Referer with blanks, controls and bytes beyond ASCII',
      { headers: [['Referer', 'http://a/ code=500 1\troute=z\x7f\xc3\xa9']] },
      `${GET} ref=http://a/%20code=500%201%09route=z%7F%C3%A9 code=200 5`,
    ],
    ['passes over an empty Referer', { headers: [['Referer', '']] }, `${GET} code=200 5`],
    ['has no program unless asked', { headers: [['User-Agent', 'curl/8']] }, `${GET} code=200 5`],
    [
      'names the program',
      { settings: AGENT, headers: [['User-Agent', 'curl/8 (é)'.replace('é', '\xc3\xa9')]] },
      `${GET} code=200 5 ua=curl/8 (é)`,
    ],
    ['passes over an empty User-Agent', { settings: AGENT, headers: [['User-Agent', '']] }, `${GET} code=200 5`],
    ['passes over a missing User-Agent', { settings: AGENT }, `${GET} code=200 5`],
    [
      'lists the last ids of a trusted client',
      { headers: LAST_IDS, trusted: true },
      `${GET} code=200 5 #news=41 #sport=7`,
    ],
    ['lists nothing that another client says', { headers: LAST_IDS }, `${GET} code=200 5`],
    [
      'has all its fields in order',
      {
        line: '*,id=main origin:80',
        settings: { ...FROM, ...AGENT },
        headers: [['User-Agent', 'curl/8'], ['Referer', 'http://a/'], ...LAST_IDS],
        trusted: true,
        retry: true,
        shared: 3,
      },
      `${GET} from=10.0.0.1 ref=http://a/ route=main code=200 5 retry shared=3 ua=curl/8 #news=41 #sport=7`,
    ],
    [
      'has neither route nor target where there is no route',
      { routeless: true },
      'info GET http://h.example/a?b=1 code=200 5',
    ],
  ])('%s', (_name, row, expected) => {
    expect(requestLine(row)).toEqual([expected]);
  });

  it.each([0, 1])('is not written for a route with log_level=%i', (level) => {
    expect(requestLine({ line: `*,log_level=${level} origin:80` })).toEqual([]);
  });

  it.each([2, 3, 4, 99])('is written for a route with log_level=%i', (level) => {
    expect(requestLine({ line: `*,log_level=${level} origin:80` })).toEqual([`${GET} code=200 5`]);
  });
});

describe('the line of a request of ours', () => {
  function subrequestLine(line: Partial<SubrequestLogLine>, text = '* origin:80'): string[] {
    const { proxy, log } = sampleProxy({ ...FROM, ...AGENT });
    const route = routeOf(text);
    logSubrequest(proxy, {
      method: 'GET',
      uri: 'http://h.example/next',
      route,
      target: targetOf(route),
      result: { kind: 'answered', code: 200, size: 12 },
      shared: undefined,
      lastIds: new Map(),
      ...line,
    });
    return log.lines;
  }

  const NEXT = 'info GET http://h.example/next';

  it.each<[name: string, line: Partial<SubrequestLogLine>, expected: string]>([
    ['names method, URI, target, code and size', {}, `${NEXT} -> origin:80 code=200 12`],
    ['keeps the method', { method: 'POST' }, 'info POST http://h.example/next -> origin:80 code=200 12'],
    ['has no target when none was asked', { target: undefined }, `${NEXT} code=200 12`],
    ['says that there was no clean end', { result: { kind: 'error' } }, `${NEXT} -> origin:80 error`],
    ['says which answer was shared', { shared: 4 }, `${NEXT} -> origin:80 code=200 12 shared=4`],
    [
      'lists the last ids at the end',
      {
        shared: 4,
        lastIds: new Map([
          ['news', '41'],
          ['sport', '7'],
        ]),
      },
      `${NEXT} -> origin:80 code=200 12 shared=4 #news=41 #sport=7`,
    ],
  ])('%s', (_name, line, expected) => {
    expect(subrequestLine(line)).toEqual([expected]);
  });

  it('names a route with an id of its own', () => {
    expect(subrequestLine({}, '*,id=main origin:80')).toEqual([`${NEXT} -> origin:80 route=main code=200 12`]);
  });

  it('is not written for a route with log_level=1', () => {
    expect(subrequestLine({}, '*,log_level=1 origin:80')).toEqual([]);
  });
});
