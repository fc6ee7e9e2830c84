import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRoute } from '../../src/routes/parse-route.js';
import type { Route, RouteProtocol } from '../../src/routes/route.js';
import { RouteTable } from '../../src/routes/route-table.js';

function routes(lines: readonly string[]): Route[] {
  return lines.map((line, index) => {
    const parsed = parseRoute(line, { file: 'routes', line: index + 1 }, { readFile: () => '' });
    if (parsed.kind !== 'route') {
      throw new Error(`no route: ${line}`);
    }
    return parsed.route;
  });
}

/** The first target of the route found, which the lines below use as a name. */
function found(lines: readonly string[], protocol: RouteProtocol, secure: boolean, host: string, path: string) {
  return RouteTable.from(routes(lines)).table.lookup(protocol, secure, host, path)?.targets[0]?.name;
}

describe('RouteTable.lookup', () => {
  it.each<
    [name: string, lines: string[], request: [RouteProtocol, boolean, string, string], target: string | undefined]
  >([
    ['nothing in an empty table', [], ['http', false, 'h', '/'], undefined],
    ['the default for any host', ['* A:1'], ['http', false, 'h', '/'], 'A:1'],
    ['the default for an empty host', ['* A:1'], ['http', false, '', '/'], 'A:1'],
    ['the exact host before the default', ['* A:1', 'h B:1'], ['http', false, 'h', '/'], 'B:1'],
    ['the default for a host without rules', ['h B:1', '* A:1'], ['http', false, 'i', '/'], 'A:1'],
    ['nothing when no host fits and no default is there', ['h B:1'], ['http', false, 'i', '/'], undefined],
    ['no default for a host whose rules fail', ['* A:1', 'h,path_beg=/b B:1'], ['http', false, 'h', '/a'], undefined],
    ['no wildcard domains', ['*.h B:1'], ['http', false, 'a.h', '/'], undefined],
    ['an IPv6 host without brackets', ['::1 B:1'], ['http', false, '::1', '/'], 'B:1'],
    ['hosts named like parts of objects', ['* A:1'], ['http', false, '__proto__', '/'], 'A:1'],
    ['no rule that has no domain', [',id=x A:1'], ['http', false, '', '/'], undefined],
    ['only rules of the protocol', ['*,proto=ws A:1'], ['http', false, 'h', '/'], undefined],
    ['a rule of the protocol', ['*,proto=ws A:1'], ['ws', false, 'h', '/'], 'A:1'],
    ['only rules of the security', ['*,ssl=yes A:1'], ['http', false, 'h', '/'], undefined],
    ['a rule for TLS', ['*,ssl=yes A:1', '*,ssl=no B:1'], ['http', true, 'h', '/'], 'A:1'],
    ['a rule for plain connections', ['*,ssl=yes A:1', '*,ssl=no B:1'], ['http', false, 'h', '/'], 'B:1'],
    ['paths by bytes, not by segment', ['*,path_beg=/ab A:1'], ['http', false, 'h', '/abc'], 'A:1'],
    ['paths as they are encoded', ['*,path_beg=/%41 A:1'], ['http', false, 'h', '/A'], undefined],
    ['the longest path', ['*,path_beg=/a A:1', '*,path_beg=/a/b B:1', '* C:1'], ['http', false, 'h', '/a/b'], 'B:1'],
    [
      'the shorter path where the longer fails',
      ['*,path_beg=/a/b B:1', '*,path_beg=/a A:1'],
      ['http', false, 'h', '/a/c'],
      'A:1',
    ],
    ['protocol before a longer path', ['*,path_beg=/a A:1', '*,proto=http B:1'], ['http', false, 'h', '/a'], 'B:1'],
    [
      'protocol before a longer path that comes later',
      ['*,proto=http B:1', '*,path_beg=/a A:1'],
      ['http', false, 'h', '/a'],
      'B:1',
    ],
    ['protocol before ssl', ['*,proto=http B:1', '*,ssl=no A:1'], ['http', false, 'h', '/'], 'B:1'],
    [
      'the longer path among rules of the protocol',
      ['*,proto=http B:1', '*,proto=http,path_beg=/a A:1'],
      ['http', false, 'h', '/a'],
      'A:1',
    ],
    [
      'ssl before a longer path that came earlier',
      ['*,path_beg=/long A:1', '*,ssl=no B:1'],
      ['http', false, 'h', '/long/x'],
      'B:1',
    ],
    [
      'a longer path before ssl that came earlier',
      ['*,ssl=no B:1', '*,path_beg=/long A:1'],
      ['http', false, 'h', '/long/x'],
      'A:1',
    ],
    ['ssl among equals, later', ['* A:1', '*,ssl=no B:1'], ['http', false, 'h', '/'], 'B:1'],
    ['ssl among equals, earlier', ['*,ssl=no B:1', '* A:1'], ['http', false, 'h', '/'], 'B:1'],
    [
      'the longest path when both name ssl',
      ['*,ssl=no,path_beg=/long A:1', '*,ssl=no B:1'],
      ['http', false, 'h', '/long'],
      'A:1',
    ],
    [
      'the first of two paths of one length that came with ssl',
      ['*,ssl=yes B:1', '* A:1'],
      ['http', true, 'h', '/'],
      'B:1',
    ],
  ])('finds %s', (_name, lines, request, target) => {
    expect(found(lines, ...request)).toBe(target);
  });

  it('finds a rule exactly if one of the right host fits, and one with a protocol if any has it', () => {
    const line = fc
      .tuple(
        fc.constantFrom('*', 'a', 'b'),
        fc.constantFrom('', ',proto=http', ',proto=ws'),
        fc.constantFrom('', ',ssl=yes', ',ssl=no'),
        fc.constantFrom('', ',path_beg=/', ',path_beg=/x', ',path_beg=/x/y'),
      )
      .map((parts) => `${parts.join('')} test`);
    const request = fc.tuple(
      fc.constantFrom<RouteProtocol>('http', 'ws'),
      fc.boolean(),
      fc.constantFrom('a', 'b', 'c'),
      fc.constantFrom('/', '/x', '/x/y/z', '/y'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), request, (lines, [protocol, secure, host, path]) => {
        const { table } = RouteTable.from(routes(lines));
        const route = table.lookup(protocol, secure, host, path);
        const domain = table.routes().some((candidate) => candidate.domain === host) ? host : '*';
        const fitting = table
          .routes()
          .filter((candidate) => candidate.domain === domain)
          .filter((candidate) => [undefined, protocol].includes(candidate.protocol))
          .filter((candidate) => [undefined, secure].includes(candidate.ssl) && path.startsWith(candidate.pathBeg));
        expect(route === undefined).toBe(fitting.length === 0);
        if (route !== undefined) {
          expect(fitting).toContain(route);
          expect(route.protocol !== undefined).toBe(fitting.some((candidate) => candidate.protocol !== undefined));
          // Without ssl in play the order of the file does not matter: the longest path of the best kind wins.
          const rivals = fitting.filter((candidate) => candidate.protocol === route.protocol);
          if (fitting.every((candidate) => candidate.ssl === undefined)) {
            expect(route.pathBeg.length).toBe(Math.max(...rivals.map((candidate) => candidate.pathBeg.length)));
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('RouteTable.from', () => {
  it('leaves out a condition that was there before, and says where', () => {
    const lines = ['h,proto=ws A:1', 'h B:1', 'H,proto=ws,id=x C:1', 'i,proto=ws D:1', 'h,ssl=no E:1', 'h F:1'];
    const { table, warnings } = RouteTable.from(routes(lines));
    expect(warnings).toEqual(['routes:3 skipping duplicate condition', 'routes:6 skipping duplicate condition']);
    expect(table.size).toBe(4);
    expect(table.routes().map((route) => route.source.line)).toEqual([1, 2, 4, 5]);
    expect(table.byId('x', '/')).toEqual({ kind: 'none' });
  });

  it('tells ssl=no from no ssl, and a path from its beginning', () => {
    const { warnings } = RouteTable.from(routes(['* A:1', '*,ssl=no A:1', '*,ssl=yes A:1', '*,path_beg=/ A:1']));
    expect(warnings).toEqual([]);
  });

  it('keeps rules without a domain side by side', () => {
    const { table, warnings } = RouteTable.from(routes([',id=a A:1', ',id=b B:1']));
    expect(warnings).toEqual([]);
    expect(table.size).toBe(2);
    expect(table.byId('b', '/')).toMatchObject({ kind: 'route', route: { id: 'b' } });
  });

  it('lists the zhttp addresses once for each spec', () => {
    const lines = ['a zhttp/x zhttpreq/y', 'b zhttpreq/x h:80', 'a zhttp/z', 'c zhttp/y', 'd zhttp/x'];
    const { table, warnings } = RouteTable.from(routes(lines));
    expect(table.zhttpAddresses()).toEqual([
      { kind: 'zhttp', spec: 'x' },
      { kind: 'zhttpreq', spec: 'y' },
    ]);
    expect(warnings.slice(1)).toEqual([
      'zhttp/x and zhttpreq/x are one address (and 1 more such pairs): only the first is bound, requests to the other get 502',
    ]);
  });

  it.each([
    [100, []],
    [101, ['too many unique zhttp route targets, limiting to 100']],
    [150, ['too many unique zhttp route targets, limiting to 100']],
  ])('with %i zhttp specs warns %j and binds no more than 100', (count, expected) => {
    const lines = Array.from({ length: count }, (_, index) => `host${index} zhttp/spec${index} zhttp/spec${index}`);
    const { table, warnings } = RouteTable.from(routes(lines));
    expect(warnings).toEqual(expected);
    expect(table.size).toBe(count);
    expect(table.zhttpAddresses()).toHaveLength(100);
    expect(table.zhttpAddresses()[99]).toEqual({ kind: 'zhttp', spec: 'spec99' });
  });
});

describe('RouteTable.byId', () => {
  const { table } = RouteTable.from(
    routes(['h,id=api,path_beg=/api A:1', 'h,ssl=yes B:1', 'i,id=twice C:1', 'j,id=twice D:1', '*,id=__proto__ E:1']),
  );

  it.each([
    ['api', '/api/x', { kind: 'route', route: { source: { line: 1 } } }],
    ['api', '/other', { kind: 'none' }],
    ['h,*,no-ssl,*', '/', { kind: 'route', route: { source: { line: 2 } } }],
    ['h,*,*,/api', '/api', { kind: 'none' }],
    ['twice', '/', { kind: 'shared' }],
    ['__proto__', '/', { kind: 'route', route: { source: { line: 5 } } }],
    ['constructor', '/', { kind: 'none' }],
    ['', '/', { kind: 'none' }],
  ])('answers for the id %s and the path %s', (id, path, answer) => {
    expect(table.byId(id, path)).toMatchObject(answer);
  });

  it('keeps rules of a shared id reachable by host', () => {
    expect(table.lookup('http', false, 'i', '/')?.source.line).toBe(3);
    expect(table.lookup('http', false, 'j', '/')?.source.line).toBe(4);
  });

  it('takes an implied id that equals an explicit one as shared', () => {
    const shared = RouteTable.from(routes(['h A:1', '"i","id=h,*,*,*" B:1', '"j","id=h,*,*,*" C:1'])).table;
    expect(shared.byId('h,*,*,*', '/')).toEqual({ kind: 'shared' });
  });
});
