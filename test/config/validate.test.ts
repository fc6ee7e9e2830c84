import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  abbreviate,
  checkText,
  checkValue,
  didYouMean,
  invalidValue,
  parseAddress,
  type ValueType,
} from '../../src/config/validate.js';

const INTEGER: ValueType = { kind: 'integer', min: 1, max: 10 };
const NUMBER: ValueType = { kind: 'number', min: 0.5, max: 10 };
const CHOICE: ValueType = { kind: 'choice', values: ['close', 'drop'] };
const ADDRESS: ValueType = { kind: 'address', defaultHost: '127.0.0.1' };
const PLACE: ValueType = { kind: 'address', defaultHost: '0.0.0.0', unix: true };
const PREFIX: ValueType = { kind: 'metric-prefix' };
const ADDRESSES: ValueType = { kind: 'list', item: 'address' };
const ENDPOINTS: ValueType = { kind: 'list', item: 'endpoint' };
const RULES: ValueType = { kind: 'list', item: 'forwarded-rule' };
const ROUTES: ValueType = { kind: 'list', item: 'route-line' };
const URI: ValueType = { kind: 'http-uri' };
const HEADERS: ValueType = { kind: 'list', item: 'header' };
const OCTAL: ValueType = { kind: 'octal' };
const ALL_TYPES: readonly ValueType[] = [
  { kind: 'boolean' },
  { kind: 'text' },
  { kind: 'key' },
  { kind: 'path' },
  { kind: 'list', item: 'header-name' },
  ...[INTEGER, NUMBER, CHOICE, ADDRESS, ADDRESSES, ENDPOINTS, RULES, ROUTES, OCTAL, PLACE, PREFIX, URI, HEADERS],
];

const right = (value: unknown) => ({ ok: true, value });
const WRONG = { ok: false };

describe('an address that may be a path', () => {
  it.each<[unknown, unknown]>([
    ['9100', { host: '0.0.0.0', port: 9100 }],
    [9100, { host: '0.0.0.0', port: 9100 }],
    ['[::1]:9100', { host: '::1', port: 9100 }],
    ['ipc:///run/metrics', { path: '/run/metrics' }],
    ['ipc://metrics', { path: 'metrics' }],
    ['/run/metrics', { path: '/run/metrics' }],
    [{ path: '/run/metrics' }, { path: '/run/metrics' }],
    ['off', undefined],
    ['', undefined],
  ])('reads %j', (written, address) => {
    expect(checkValue(PLACE, written)).toEqual(right(address));
  });

  it.each(['ipc://', 'ipc:///', '/', '/run/', 'run/metrics', '/run/a\0b', { path: '' }, { path: 5 }, 'unix:x'])(
    'refuses %j',
    (written) => {
      expect(checkValue(PLACE, written)).toEqual(WRONG);
    },
  );

  it('is for nobody who did not ask for one', () => {
    expect([checkValue(ADDRESS, '/run/x'), checkValue(ADDRESS, { path: '/run/x' })]).toEqual([WRONG, WRONG]);
  });
});

describe('the prefix of a metric', () => {
  it.each(['', 'pushpin_', 'a:b_', '_9'])('may be %j', (prefix) => {
    expect(checkText(PREFIX, prefix)).toEqual(right(prefix));
  });

  it.each(['9', 'a-', 'ä', 'a b', '{', 'a\n'])('may not be %j', (prefix) => {
    expect(checkText(PREFIX, prefix)).toEqual(WRONG);
  });
});

describe('parseAddress', () => {
  it.each([
    ['7999', { host: 'HOST', port: 7999 }],
    ['0', { host: 'HOST', port: 0 }],
    ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
    ['localhost:65535', { host: 'localhost', port: 65535 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['[::]:0', { host: '::', port: 0 }],
    ['my-host.example:80', { host: 'my-host.example', port: 80 }],
  ])('reads %s', (text, address) => {
    expect(parseAddress(text, 'HOST')).toEqual(address);
  });

  it.each([
    '',
    ':80',
    '65536',
    '99999',
    '123456',
    '-1',
    '80 ',
    '::1',
    '::1:80',
    '[::1]',
    '[x]:80',
    '[127.0.0.1]:80',
    '300.0.0.1:80',
    '1.2.3:80',
    'a b:80',
    'http://x:80',
    'x:',
    'x:8o',
    '80\n',
  ])('refuses %j', (text) => {
    expect(parseAddress(text, 'HOST')).toBeUndefined();
  });
});

describe('checkValue', () => {
  it.each<[ValueType, unknown, unknown]>([
    [{ kind: 'boolean' }, true, right(true)],
    [{ kind: 'boolean' }, 'true', WRONG],
    [{ kind: 'boolean' }, 1, WRONG],
    [INTEGER, 1, right(1)],
    [INTEGER, 10, right(10)],
    [INTEGER, 0, WRONG],
    [INTEGER, 11, WRONG],
    [INTEGER, 1.5, WRONG],
    [INTEGER, '5', WRONG],
    [INTEGER, Number.NaN, WRONG],
    [NUMBER, 0.5, right(0.5)],
    [NUMBER, Number.POSITIVE_INFINITY, WRONG],
    [{ kind: 'text' }, '', right('')],
    [{ kind: 'text' }, 123, WRONG],
    [{ kind: 'path' }, 'routes', right('routes')],
    [{ kind: 'path' }, '', WRONG],
    [{ kind: 'path' }, 'a\0b', WRONG],
    [URI, '', right('')],
    [URI, 'http://127.0.0.1:4318', right('http://127.0.0.1:4318')],
    [URI, 'https://[::1]/a/b/', right('https://[::1]/a/b/')],
    ...['http://', 'http://a:99999', 'http://a b', 'http://a/?b', 'grpc://a', 'localhost:4318', 'http://a\n'].map(
      (value): [ValueType, unknown, unknown] => [URI, value, WRONG],
    ),
    [HEADERS, ['A: b', 'X-Y:z, "w"'], right(['A: b', 'X-Y:z, "w"'])],
    ...['A', ': b', 'A b: c', 'A:', 'A: ', 'A: b\r\nC: d', 'A: é'].map((value): [ValueType, unknown, unknown] => [
      HEADERS,
      [value],
      WRONG,
    ]),
    [CHOICE, 'drop', right('drop')],
    [CHOICE, 'Drop', WRONG],
    [ADDRESS, 5561, right({ host: '127.0.0.1', port: 5561 })],
    [ADDRESS, { host: '::1', port: 1 }, right({ host: '::1', port: 1 })],
    [ADDRESS, { host: '::1', port: 65536 }, WRONG],
    [ADDRESS, { host: 'a b', port: 1 }, WRONG],
    [ADDRESS, { host: '::1' }, WRONG],
    [ADDRESS, 'off', right(undefined)],
    [ADDRESS, '', right(undefined)],
    [ADDRESS, false, right(undefined)],
    [ADDRESS, true, WRONG],
    [ADDRESS, null, WRONG],
    [
      ADDRESSES,
      [7999, '[::]:80'],
      right([
        { host: '0.0.0.0', port: 7999 },
        { host: '::', port: 80 },
      ]),
    ],
    [ADDRESSES, '80', right([{ host: '0.0.0.0', port: 80 }])],
    [ADDRESSES, [], right([])],
    [ADDRESSES, ['off'], WRONG],
    [ADDRESSES, [[80]], WRONG],
    [ENDPOINTS, ['tcp://*:5560', 'ipc://run/in'], right(['tcp://*:5560', 'ipc://run/in'])],
    [ENDPOINTS, ['http://x'], WRONG],
    [RULES, ['truncate:0', 'append'], right(['truncate:0', 'append'])],
    [RULES, ['truncate:'], WRONG],
    [ROUTES, ['  '], WRONG],
    [OCTAL, '660', right(0o660)],
    [OCTAL, '0660', right(0o660)],
    [OCTAL, '0o660', right(0o660)],
    [OCTAL, 0o660, right(0o660)],
    [OCTAL, 'off', right(undefined)],
    [OCTAL, '888', WRONG],
    [OCTAL, 0o1000, WRONG],
    [OCTAL, -1, WRONG],
  ])('%j with %j gives %j', (type, value, checked) => {
    expect(checkValue(type, value)).toEqual(checked);
  });
});

describe('checkText', () => {
  it.each<[ValueType, string, unknown]>([
    [{ kind: 'boolean' }, 'true', right(true)],
    [{ kind: 'boolean' }, '1', right(true)],
    [{ kind: 'boolean' }, 'false', right(false)],
    [{ kind: 'boolean' }, '0', right(false)],
    [{ kind: 'boolean' }, 'yes', WRONG],
    [{ kind: 'boolean' }, '', WRONG],
    [INTEGER, '7', right(7)],
    [INTEGER, '7.0', WRONG],
    [INTEGER, ' 7', WRONG],
    [INTEGER, '0x7', WRONG],
    [INTEGER, '', WRONG],
    [NUMBER, '1.5', right(1.5)],
    [NUMBER, '1e1', WRONG],
    [{ kind: 'text' }, '007', right('007')],
    [{ kind: 'key' }, 'a,b', right('a,b')],
    [
      ADDRESSES,
      '80, 127.0.0.1:81',
      right([
        { host: '0.0.0.0', port: 80 },
        { host: '127.0.0.1', port: 81 },
      ]),
    ],
    [
      ADDRESSES,
      '[::]:80,[::1]:81',
      right([
        { host: '::', port: 80 },
        { host: '::1', port: 81 },
      ]),
    ],
    [ADDRESSES, '["80"]', right([{ host: '0.0.0.0', port: 80 }])],
    [ADDRESSES, '["80"', WRONG],
    [RULES, '', right([])],
    [RULES, '[]', right([])],
    [ROUTES, '*,debug test', right(['*,debug test'])],
    [ROUTES, 'a x:1\nb y:2', right(['a x:1', 'b y:2'])],
    [ADDRESS, 'off', right(undefined)],
  ])('%j with %j gives %j', (type, text, checked) => {
    expect(checkText(type, text)).toEqual(checked);
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ALL_TYPES), fc.string(), (type, text) => {
        expect(typeof checkText(type, text).ok).toBe('boolean');
      }),
    );
  });

  it('never throws, whatever the value', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ALL_TYPES), fc.anything(), (type, value) => {
        expect(typeof checkValue(type, value).ok).toBe('boolean');
      }),
    );
  });

  it('reads back every address it has written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(65535), (host, port) => {
        const text = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
        expect(parseAddress(text, 'HOST')).toEqual({ host, port });
      }),
    );
  });
});

describe('messages', () => {
  it('name what is wanted and what was written', () => {
    expect(invalidValue('http.max_headers in x.yaml, line 3', INTEGER, 'many').message).toBe(
      'http.max_headers in x.yaml, line 3 must be an integer from 1 to 10, not "many"',
    );
  });

  it('keep signing keys and headers to themselves', () => {
    expect(invalidValue('proxy.sig_key', { kind: 'key' }, 12345).message).not.toContain('12345');
    expect(invalidValue('tracing.headers', HEADERS, ['Bearer 12345']).message).toBe(
      'tracing.headers must be a list of `Name: value`',
    );
  });

  it.each<[unknown, string]>([
    ['x', '"x"'],
    [undefined, 'undefined'],
    [10n, 'a value without a text form'],
    ['y'.repeat(100), `"${'y'.repeat(56)}...`],
  ])('show %s shortly', (value, shown) => {
    expect(abbreviate(value)).toBe(shown);
  });

  it.each([
    ['max_header', '; did you mean max_headers?'],
    ['MAX_HEADERS', '; did you mean max_headers?'],
    ['listne', '; did you mean listen?'],
    ['something_else_entirely', ''],
    ['z'.repeat(5000), ''],
  ])('guess what %s was to be', (word, guess) => {
    expect(didYouMean(word, ['listen', 'max_headers'])).toBe(guess);
  });
});
