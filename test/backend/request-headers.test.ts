import { describe, expect, it } from 'vitest';
import {
  GRIP_FEATURE,
  type HeaderContext,
  type HeaderSettings,
  originHeaders,
} from '../../src/backend/request-headers.js';
import type { HeaderList } from '../../src/protocol/headers.js';
import { CONTEXT, SETTINGS } from '../support/sample-headers.js';

/** Header lines as `Name: value`. */
function lines(
  client: readonly string[],
  settings: Partial<HeaderSettings> = {},
  context: Partial<HeaderContext> = {},
): string[] {
  const list = client.map((line): HeaderList[number] => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
  return originHeaders(list, { ...SETTINGS, ...settings }, { ...CONTEXT, ...context }).map(
    ([name, value]) => `${name}: ${value}`,
  );
}

describe('what an origin sees of a request', () => {
  it('is the example of the specification, in its order', () => {
    const client = ['Host: ex.com', 'User-Agent: c', 'X-Forwarded-For: 1.1.1.1', 'Connection: close'];
    expect(lines(client, {}, { grip: true, signature: 'TOKEN' })).toEqual([
      'User-Agent: c',
      'Grip-Sig: TOKEN',
      `Grip-Feature: ${GRIP_FEATURE}`,
      'X-Forwarded-For: 1.1.1.1',
    ]);
  });

  it('keeps order, case and repetitions of the client', () => {
    const client = ['b: 1', 'A: 2', 'B: 3', 'cookie: x=1', 'Cookie: y=2'];
    expect(lines(client)).toEqual(client);
  });

  it("has everything that is added behind the client's own headers, in a fixed order", () => {
    const all = lines(
      ['X-Forwarded-For: 1.1.1.1', 'CDN-Loop: a', 'A: 1'],
      { cdnLoop: 'me', setXForwardedProtocol: 'both', xForwardedFor: ['append'] },
      {
        routeHeaders: [['R', 'route']],
        origHeaders: true,
        grip: true,
        signature: 'TOKEN',
        lastIds: new Map([['c', '7']]),
        scheme: 'https',
      },
    );
    expect(all).toEqual([
      'A: 1',
      'R: route',
      'eb9bf0f5-X-Forwarded-For: 1.1.1.1',
      'eb9bf0f5-CDN-Loop: a',
      'eb9bf0f5-A: 1',
      'eb9bf0f5-R: route',
      'CDN-Loop: a, me',
      'Grip-Sig: TOKEN',
      `Grip-Feature: ${GRIP_FEATURE}`,
      'Grip-Last: c; last-id=7',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Protocol: https',
      'X-Forwarded-For: 1.1.1.1, 192.0.2.7',
    ]);
  });
});

describe('headers of the client', () => {
  it.each([
    'Connection',
    'Keep-Alive',
    'Accept-Encoding',
    'Content-Encoding',
    'Transfer-Encoding',
    'Expect',
    'Host',
    'Content-Length',
    'Grip-Sig',
    'Grip-Anything',
  ])('never include %s, whatever its case', (name) => {
    expect(lines([`${name}: x`, `${name.toUpperCase()}: x`, `${name.toLowerCase()}: x`, 'A: 1'])).toEqual(['A: 1']);
  });

  // `Upgrade` is not of this list: what `backend/origin-call.ts` writes goes without it.
  it.each(['Te', 'Trailer', 'Proxy-Authorization', 'Via', 'Gripping', 'Pushpin-Route', 'CDN-Loop'])(
    'include %s',
    (name) => {
      expect(lines([`${name}: x`])).toEqual([`${name}: x`]);
    },
  );

  it('lose Pushpin-Route where it was accepted', () => {
    expect(lines(['pushpin-route: r', 'A: 1'], { acceptPushpinRoute: true })).toEqual(['A: 1']);
  });
});

describe('header= of the route', () => {
  it.each<[string, HeaderList, string[]]>([
    ['takes the place of all headers of that name', [['x-a', 'route']], ['B: 2', 'x-a: route']],
    ['with an empty value only removes', [['X-A', '']], ['B: 2']],
    [
      'comes in the order of the route, the last of a name counting',
      [
        ['X-A', '1'],
        ['C', '2'],
        ['x-a', '3'],
      ],
      ['B: 2', 'C: 2', 'x-a: 3'],
    ],
    [
      'that is empty at last removes what an earlier one set',
      [
        ['X-A', '1'],
        ['X-A', ''],
      ],
      ['B: 2'],
    ],
    ['may be about a header the client did not send', [['N', 'new']], ['X-A: 1', 'B: 2', 'X-a: 3', 'N: new']],
  ])('%s', (_, routeHeaders, expected) => {
    expect(lines(['X-A: 1', 'B: 2', 'X-a: 3'], {}, { routeHeaders })).toEqual(expected);
  });
});

describe('orig_headers', () => {
  it('adds a marked copy of each header, in the order of the client, headers of the hop included', () => {
    expect(lines(['A: 1', 'Connection: close', 'B: 2'], {}, { origHeaders: true })).toEqual([
      'A: 1',
      'B: 2',
      'eb9bf0f5-A: 1',
      'eb9bf0f5-Connection: close',
      'eb9bf0f5-B: 2',
    ]);
  });

  it('moves what is marked already to the end as it is', () => {
    expect(lines(['EB9BF0F5-A: 1', 'B: 2'], {}, { origHeaders: true })).toEqual([
      'B: 2',
      'EB9BF0F5-A: 1',
      'eb9bf0f5-B: 2',
    ]);
  });

  it('makes no copy of headers that have to come with a mark', () => {
    const marked = lines(['Grip-Last: forged', 'B: 2'], { origHeadersNeedMark: ['GRIP-last'] }, { origHeaders: true });
    expect(marked).toEqual(['B: 2', 'eb9bf0f5-B: 2']);
  });

  it('leaves the headers of a trusted client as they are, in their places', () => {
    const client = ['EB9BF0F5-A: 1', 'B: 2', 'eb9bf0f5-C: 3', 'Grip-Sig: theirs', 'Connection: close'];
    expect(lines(client, {}, { origHeaders: true, trusted: true })).toEqual([
      'EB9BF0F5-A: 1',
      'B: 2',
      'eb9bf0f5-C: 3',
      'Grip-Sig: theirs',
    ]);
  });

  it('absent takes the marked headers of a trusted client away, too', () => {
    expect(lines(['eb9bf0f5-A: 1', 'C: 1'], {}, { trusted: true })).toEqual(['C: 1']);
  });

  it('absent takes marked headers away', () => {
    expect(lines(['eb9bf0f5-A: 1', 'Eb9Bf0F5-B: 1', 'C: 1'])).toEqual(['C: 1']);
  });
});

describe('CDN-Loop', () => {
  it.each<[string[], string]>([
    [[], 'me'],
    [['CDN-Loop: a, b'], 'a, b, me'],
    [['CDN-Loop: a', 'cdn-loop: b;x=1,c'], 'a, b;x=1, c, me'],
    [['CDN-Loop: '], 'me'],
  ])('of %j with a name of our own is one header: %s', (client, value) => {
    expect(lines(client, { cdnLoop: 'me' })).toEqual([`CDN-Loop: ${value}`]);
  });
});

describe('GRIP headers', () => {
  it('are on one line each, the features spelt out', () => {
    expect(GRIP_FEATURE).toBe(
      'status, session, link:next, link:gone, filter:skip-self, filter:skip-users, filter:require-sub, ' +
        'filter:build-id, filter:var-subst, filter:http-check, filter:http-modify',
    );
    expect(lines([], {}, { grip: true })).toEqual([`Grip-Feature: ${GRIP_FEATURE}`]);
  });

  it('take the place of those a client made up', () => {
    const client = ['Grip-Sig: forged', 'grip-feature: forged', 'Grip-Last: forged'];
    expect(lines(client, {}, { grip: true, signature: 'TOKEN' })).toEqual([
      'Grip-Sig: TOKEN',
      `Grip-Feature: ${GRIP_FEATURE}`,
    ]);
  });

  it('tell the last id of each channel on a header of its own', () => {
    const lastIds = new Map([
      ['a', '1'],
      ['b', ''],
    ]);
    expect(lines([], {}, { grip: true, lastIds }).slice(1)).toEqual([
      'Grip-Last: a; last-id=1',
      'Grip-Last: b; last-id=',
    ]);
  });

  it('are not sent where the route has no GRIP', () => {
    expect(lines(['A: 1'], {}, { signature: 'TOKEN', lastIds: new Map([['a', '1']]) })).toEqual(['A: 1']);
  });
});

describe('X-Forwarded-Proto and X-Forwarded-Protocol', () => {
  const FORGED = ['X-Forwarded-Proto: https', 'x-forwarded-protocol: https'];

  it.each<[string, Partial<HeaderSettings>, HeaderContext['scheme'], string[]]>([
    ['are passed on where nothing is set', {}, 'https', FORGED],
    ['are taken away where they are accepted', { acceptXForwardedProtocol: true }, 'https', []],
    ['are taken away for plain HTTP', { setXForwardedProtocol: 'both' }, 'http', []],
    ['are taken away for plain WebSockets', { setXForwardedProtocol: 'both' }, 'ws', []],
    ['are the first alone', { setXForwardedProtocol: 'proto-only' }, 'https', ['X-Forwarded-Proto: https']],
    [
      'are both of them',
      { setXForwardedProtocol: 'both' },
      'wss',
      ['X-Forwarded-Proto: wss', 'X-Forwarded-Protocol: wss'],
    ],
  ])('%s', (_, settings, scheme, expected) => {
    expect(lines(FORGED, settings, { scheme })).toEqual(expected);
  });
});

describe('X-Forwarded-For', () => {
  const CHAIN = ['X-Forwarded-For: 1.1.1.1,2.2.2.2', 'A: 1', 'x-forwarded-for:  3.3.3.3 '];

  it.each<[string[], string[], string | undefined]>([
    [CHAIN, [], '1.1.1.1, 2.2.2.2, 3.3.3.3'],
    [CHAIN, ['append'], '1.1.1.1, 2.2.2.2, 3.3.3.3, 192.0.2.7'],
    [CHAIN, ['truncate:0'], undefined],
    [CHAIN, ['truncate:0', 'append'], '192.0.2.7'],
    [CHAIN, ['append', 'truncate:0'], '192.0.2.7'],
    [CHAIN, ['truncate:1'], '3.3.3.3'],
    [CHAIN, ['truncate:2', 'append'], '2.2.2.2, 3.3.3.3, 192.0.2.7'],
    [CHAIN, ['truncate:9'], '1.1.1.1, 2.2.2.2, 3.3.3.3'],
    [['A: 1'], [], undefined],
    [['A: 1'], ['append'], '192.0.2.7'],
    [['A: 1', 'X-Forwarded-For: '], [], undefined],
  ])('of %j under the rule %j is %s, at the end', (client, xForwardedFor, value) => {
    expect(lines(client, { xForwardedFor })).toEqual([
      'A: 1',
      ...(value === undefined ? [] : [`X-Forwarded-For: ${value}`]),
    ]);
  });

  it('gets nothing appended for what is no client’s request', () => {
    expect(lines([], { xForwardedFor: ['append'] }, { peer: undefined })).toEqual([]);
  });

  it('is left out for a client that has gone: what it wrote itself must not stand last', () => {
    const forged = ['X-Forwarded-For: 10.0.0.1'];
    expect(lines(forged, { xForwardedFor: ['append'] }, { peer: {} })).toEqual([]);
  });
});
