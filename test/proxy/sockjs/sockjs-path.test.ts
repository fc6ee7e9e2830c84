import { describe, expect, it } from 'vitest';
import type { RequestUri } from '../../../src/proxy/request-uri.js';
import {
  originUri,
  parameterOf,
  pathBelow,
  type SockjsRoute,
  sessionPath,
  socketAt,
  speaksSockjs,
} from '../../../src/proxy/sockjs/sockjs-path.js';
import { parseRoutesLines } from '../../../src/routes/load-routes.js';

describe('a path below SockJS', () => {
  it.each([
    ['/0/abc/xhr', { id: 'abc', resource: 'xhr' }],
    ['//abc/xhr', { id: 'abc', resource: 'xhr' }],
    ['/0/abc/', undefined],
    ['/0//xhr', undefined],
    ['/0/abc', undefined],
    ['/0/abc/xhr/', undefined],
    ['/a/0/abc/xhr', undefined],
    ['0/abc/xhr', undefined],
    ['x/0/abc/xhr', undefined],
    ['', undefined],
  ])('%j names the session %j', (path, session) => {
    expect(sessionPath(path)).toEqual(session);
  });

  it.each([
    ['/websocket', 'raw'],
    ['/0/abc/websocket', 'framed'],
    ['/0/abc/else', 'framed'],
    ['/websocket/', undefined],
    ['websocket', undefined],
    ['', undefined],
  ])('%j is a WebSocket of the kind %j', (path, kind) => {
    expect(socketAt(path)).toBe(kind);
  });
});

describe('the parameters of a query', () => {
  it.each([
    ['c=a', 'a'],
    ['callback=a&c=b', 'b'],
    ['c=&c=a', 'a'],
    ['x=1&%63=a%20b', 'a b'],
    ['c=a+b', 'a+b'],
    ['c=%2b', '+'],
    ['c=%4', '%4'],
    ['c=%zz%41', '%zzA'],
    ['c=a=b', 'a=b'],
  ])('%j have %j', (query, value) => {
    expect(parameterOf(query, ['c', 'callback'])?.toString()).toBe(value);
  });

  it('are the first of the names that is filled', () => {
    expect(parameterOf('c=b&callback=a', ['callback', 'c'])?.toString()).toBe('a');
    expect(parameterOf('c=b&callback=', ['callback', 'c'])?.toString()).toBe('b');
    expect(parameterOf('', ['callback', 'c'])).toBeUndefined();
    expect(parameterOf('c&callback', ['callback', 'c'])).toBeUndefined();
  });

  it('are bytes, in which a form writes blanks as plus signs', () => {
    expect(parameterOf('d=%e9+%2B', ['d'], { plus: true })).toEqual(Buffer.from('\xe9 +', 'latin1'));
  });
});

function parsed(line: string): SockjsRoute {
  const [route] = parseRoutesLines([line], 'routes').table.routes();
  if (route === undefined) throw new Error(`no route in ${line}`);
  return { ...route, sockjs: route.sockjs ?? '' };
}

describe('a route with SockJS', () => {
  const uri = (path: string): RequestUri => ({
    secure: false,
    authority: 'example.com',
    host: 'example.com',
    path,
    query: '?a=b',
    asked: undefined,
  });

  it('is spoken on all paths that begin like its own', () => {
    const route = parsed('*,sockjs=/echo test');
    expect(['/echo', '/echo/info', '/echoes'].map((path) => speaksSockjs(route, uri(path)))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['/', '/Echo', '/ech%6f'].map((path) => speaksSockjs(route, uri(path)))).toEqual([false, false, false]);
    expect(speaksSockjs({ ...route, sockjs: undefined }, uri('/echo'))).toBe(false);
    expect(speaksSockjs(undefined, uri('/echo'))).toBe(false);
  });

  it('has paths below it without their escapes', () => {
    expect(pathBelow(parsed('*,sockjs=/echo test'), uri('/echo/%30/%c3%a9'))).toBe('/0/\u00e9');
  });

  it('asks its origin at its own path, or at another one', () => {
    const own = parsed('*,sockjs=/echo test');
    expect(originUri(own, uri('/echo/0/abc/xhr'), 'http')).toEqual(uri('/echo'));
    expect(originUri(own, uri('/echo/0/abc/websocket'), 'ws')).toEqual(uri('/echo/websocket'));
    const other = parsed('*,sockjs=/echo,sockjs_as_path=/chat test');
    expect(originUri(other, uri('/echo/0/abc/xhr'), 'http')).toEqual(uri('/chat'));
    expect(originUri(other, uri('/echo/0/abc/websocket'), 'ws')).toEqual(uri('/chat'));
  });
});
