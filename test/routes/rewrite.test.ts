import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRoute } from '../../src/routes/parse-route.js';
import { rewriteRequest } from '../../src/routes/rewrite.js';
import type { Route } from '../../src/routes/route.js';

function route(condition: string): Route {
  const parsed = parseRoute(`${condition} test`, { file: 'routes', line: 1 }, { readFile: () => '' });
  if (parsed.kind !== 'route') {
    throw new Error(`no route: ${condition}`);
  }
  return parsed.route;
}

describe('rewriteRequest', () => {
  it.each([
    ['*', 'a.example:80', '/x', 'a.example:80', '/x'],
    ['*,as_host=b.example', 'a.example:80', '/x', 'b.example', '/x'],
    ['*,as_host=b.example:81', 'a.example', '/x', 'b.example:81', '/x'],
    ['*,path_rem=3', 'h', '/v1/x', 'h', '/x'],
    ['*,path_rem=3', 'h', '/v1', 'h', '/'],
    ['*,path_rem=4', 'h', '/v1/x', 'h', '/x'],
    ['*,path_rem=100', 'h', '/v1/x', 'h', '/'],
    ['*,path_rem=3', 'h', '/%41/x', 'h', '/1/x'],
    ['*,path_rem=0', 'h', '/x', 'h', '/x'],
    ['*,path_beg=/a/,replace_beg=/b/', 'h', '/a/c', 'h', '/b/c'],
    ['*,replace_beg=/b/,path_beg=/a/', 'h', '/a/c', 'h', '/b/c'],
    ['*,path_beg=/a/,replace_beg=/b/', 'h', '/a/', 'h', '/b/'],
    ['*,path_beg=/a,replace_beg=', 'h', '/a/c', 'h', '/c'],
    ['*,path_beg=/a,replace_beg=', 'h', '/a', 'h', '/'],
    ['*,path_beg=/a/,replace_beg=', 'h', '/a/c', 'h', '/c'],
    ['*,path_beg=/a/,replace_beg=b/', 'h', '/a/c', 'h', '/b/c'],
    ['*,replace_beg=/b', 'h', '/c', 'h', '/b/c'],
    ['*,path_beg=/a,replace_beg=/b,path_rem=1', 'h', '/a/c', 'h', '/b/c'],
    ['*,path_beg=/a,replace_beg="/b c"', 'h', '/a/d', 'h', '/b%20c/d'],
  ])('under %s turns %s%s into %s%s', (condition, host, path, newHost, newPath) => {
    expect(rewriteRequest(route(condition), host, path)).toEqual({ host: newHost, path: newPath });
  });

  it('always gives a path that can be sent', () => {
    const text = fc.string({ unit: 'grapheme' }).map((part) => part.replace(/["\\]/g, ''));
    fc.assert(
      fc.property(text, fc.nat(40), fc.webPath(), (replacement, removed, path) => {
        for (const condition of [`*,replace_beg="${replacement}"`, `*,path_rem=${removed}`]) {
          expect(rewriteRequest(route(condition), 'h', `/${path}`).path).toMatch(/^\/[!-~]*$/);
        }
      }),
    );
  });
});
