/** JSON-P requests, and what they stand for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HeaderList, isHeaderName, isHeaderValue } from '../../src/protocol/headers.js';
import { readJsonpRequest } from '../../src/proxy/jsonp.js';
import type { JsonpOptions } from '../../src/routes/route.js';

const PLAIN: JsonpOptions = {
  mode: 'extended',
  callback: 'callback',
  body: undefined,
  defaultCallback: undefined,
  defaultMethod: 'GET',
};
const BASIC: JsonpOptions = { ...PLAIN, mode: 'basic', defaultMethod: 'POST' };
const BODY: JsonpOptions = { ...PLAIN, body: 'data', defaultCallback: 'cb0' };

const NONE = 'none';

function json(members: unknown): string {
  return encodeURIComponent(JSON.stringify(members));
}

function read(options: JsonpOptions, query: string, headers: HeaderList = [], method = 'GET') {
  return readJsonpRequest(options, { method, query, headers });
}

/** `CALLBACK METHOD QUERY BODY`, or the error. */
function summary(options: JsonpOptions, query: string): string {
  const reading = read(options, query);
  if (reading.kind === 'none') return NONE;
  if (reading.kind === 'error') return reading.text;
  const { wrapping, method, query: rest, body } = reading.request;
  return [wrapping.callback.toString('latin1'), method, rest, body === undefined ? '-' : body.toString('latin1')].join(
    ' ',
  );
}

describe('readJsonpRequest', () => {
  const cases: [name: string, options: JsonpOptions, query: string, expected: string][] = [
    ['takes a callback out of the query', PLAIN, '?callback=cb', 'cb GET  -'],
    ['keeps the rest of the query in order', PLAIN, '?a=1&callback=cb&b=2', 'cb GET ?a=1&b=2 -'],
    ['keeps the rest of the query as it is written', PLAIN, '?b=%zz&callback=a&c=+%20&d', 'a GET ?b=%zz&c=+%20&d -'],
    ['keeps empty parameters', PLAIN, '?&callback=a&&b', 'a GET ?&&b -'],
    ['takes the first of two callbacks, and both out', PLAIN, '?callback=a&callback=b&c', 'a GET ?c -'],
    ['decodes a callback', PLAIN, '?callback=a%5B0%5D%2eb', 'a[0].b GET  -'],
    ['does not take a plus for a space', PLAIN, '?callback=a+b', 'a+b GET  -'],
    ['keeps bytes that are no UTF-8', PLAIN, '?callback=%ff', '\xff GET  -'],
    ['takes an equals sign for part of a value', PLAIN, '?callback=a=b', 'a=b GET  -'],
    ['finds a name that is encoded', PLAIN, '?c%61llback=x', 'x GET  -'],
    ['refuses an empty callback', PLAIN, '?callback=&b=2', 'Invalid callback parameter.'],
    ['refuses a callback without a value', PLAIN, '?callback', 'Invalid callback parameter.'],
    ['refuses a callback that is not encoded well', PLAIN, '?callback=%zz', 'Invalid callback parameter.'],
    ['refuses a callback that ends within a code', PLAIN, '?callback=a%2', 'Invalid callback parameter.'],
    ['passes by a request without query', PLAIN, '', NONE],
    ['passes by a request without callback', PLAIN, '?_method=POST&_body=x', NONE],
    ['passes by a callback in another case', PLAIN, '?Callback=x', NONE],
    [
      'finds the callback under the name of the route',
      { ...PLAIN, callback: 'jc' },
      '?jc=x&callback=y',
      'x GET ?callback=y -',
    ],
    ['takes a method', PLAIN, '?callback=cb&_method=PUT', 'cb PUT  -'],
    ['takes the first of two methods', PLAIN, '?callback=cb&_method=PUT&_method=DELETE', 'cb PUT  -'],
    ['takes a method as it is written', PLAIN, '?callback=cb&_method=get', 'cb get  -'],
    ['takes a method in basic mode', BASIC, '?callback=cb&_method=GET', 'cb GET  -'],
    ['takes the default method of basic mode', BASIC, '?callback=cb', 'cb POST  -'],
    ['takes the default method of the route', { ...PLAIN, defaultMethod: 'PUT' }, '?callback=cb', 'cb PUT  -'],
    ['knows a default method without a route', { ...PLAIN, defaultMethod: undefined }, '?callback=cb', 'cb GET  -'],
    ['knows another in basic mode', { ...BASIC, defaultMethod: undefined }, '?callback=cb', 'cb POST  -'],
    ['refuses an empty method', PLAIN, '?callback=cb&_method=', 'Invalid _method parameter.'],
    ['refuses a method with a space', PLAIN, '?callback=cb&_method=GET%20/evil', 'Invalid _method parameter.'],
    ['refuses a method with a line end', PLAIN, '?callback=cb&_method=GET%0d%0a', 'Invalid _method parameter.'],
    ['refuses a method that is not ASCII', PLAIN, '?callback=cb&_method=%ff', 'Invalid _method parameter.'],
    ['refuses a method that is not encoded well', PLAIN, '?callback=cb&_method=%zz', 'Invalid _method parameter.'],
    ['takes a body', PLAIN, '?callback=cb&_method=POST&_body=hello%20%26', 'cb POST  hello &'],
    ['takes a body of any bytes', PLAIN, '?callback=cb&_body=a+b%ff%00', 'cb GET  a+b\xff\0'],
    ['refuses an empty body', PLAIN, '?callback=cb&_body=', 'Invalid _body parameter.'],
    ['refuses a body that is not encoded well', PLAIN, '?callback=cb&_body=%zz', 'Invalid _body parameter.'],
    ['leaves the parameter of another route alone', PLAIN, '?callback=cb&data=x', 'cb GET ?data=x -'],
    ['takes the body of the parameter of the route', BODY, '?callback=cb&data=%7b%7d', 'cb GET  {}'],
    ['takes the default callback when there is a body', BODY, '?data=1&x', 'cb0 GET ?x 1'],
    ['takes a callback without a body', BODY, '?callback=cb', 'cb GET  -'],
    ['leaves the usual name alone when the route has its own', BODY, '?callback=cb&_body=x', 'cb GET ?_body=x -'],
    ['refuses an empty body of that parameter', BODY, '?data=', 'Invalid body parameter.'],
    ['refuses such a body that is not encoded well', BODY, '?callback=cb&data=%zz', 'Invalid body parameter.'],
    ['passes by a request with neither callback nor body', BODY, '?x=1', NONE],
    ['wants a callback when the route has no default', { ...BODY, defaultCallback: undefined }, '?data=1', NONE],
    ['wants a parameter of the route for the default', { ...BODY, body: undefined }, '?_body=1', NONE],
    ['reports the callback first', PLAIN, '?_body=&_headers=&_method=&callback=', 'Invalid callback parameter.'],
    ['reports the method next', PLAIN, '?_body=&_headers=&_method=&callback=a', 'Invalid _method parameter.'],
    ['reports the headers next', PLAIN, '?_body=&_headers=&callback=a', 'Invalid _headers parameter.'],
  ];
  it.each(cases)('%s', (_name, options, query, expected) => {
    expect(summary(options, query)).toBe(expected);
  });

  it.each(['POST', 'HEAD', 'OPTIONS', 'get'])('passes by a request with method %s', (method) => {
    expect(read(PLAIN, '?callback=cb', [], method)).toEqual({ kind: 'none' });
  });

  it('keeps the mode of the route', () => {
    const reading = read(BASIC, '?callback=cb');
    expect(reading.kind === 'request' && reading.request.wrapping).toEqual({
      mode: 'basic',
      callback: Buffer.from('cb'),
    });
  });
});

describe('the headers of readJsonpRequest', () => {
  const client: HeaderList = [
    ['X-One', '1'],
    ['host', 'h.test'],
    ['Accept', 'text/html'],
    ['Content-Type', 'q/w'],
    ['X-One', '2'],
  ];
  const rest: HeaderList = [
    ['X-One', '1'],
    ['Content-Type', 'q/w'],
    ['X-One', '2'],
  ];
  const host: HeaderList = [
    ['Host', 'h.test'],
    ['Accept', '*/*'],
  ];
  const withType: HeaderList = [['Content-Type', 'application/json']];
  const cases: [name: string, options: JsonpOptions, query: string, expected: HeaderList][] = [
    ['put Host and Accept first', PLAIN, '', [...host, ...rest]],
    [
      'begin with those of the script, by name',
      PLAIN,
      `&_headers=${json({ 'X-B': '2', 'x-a': '3', 'X-A': '1' })}`,
      [['X-A', '1'], ['X-B', '2'], ['x-a', '3'], ...host, ...rest],
    ],
    ['can be none of the script', PLAIN, `&_headers=${json({})}`, [...host, ...rest]],
    [
      'leave out what a script has no hand in',
      PLAIN,
      `&_headers=${json({ HOST: 'evil', accept: 'a', 'Content-Length': '9', 'Transfer-Encoding': 'chunked', X: '' })}`,
      [['X', ''], ...host, ...rest],
    ],
    ['carry text as UTF-8', PLAIN, `&_headers=${json({ X: 'é' })}`, [['X', '\xc3\xa9'], ...host, ...rest]],
    ['name JSON for a body of the parameter of the route', BODY, '&data=1', [...withType, ...host, ...rest]],
    [
      'name JSON in place of what the script says',
      BODY,
      `&data=1&_headers=${json({ 'content-type': 'a/b', Z: '1' })}`,
      [['Z', '1'], ...withType, ...host, ...rest],
    ],
    ['name no type for another body', PLAIN, '&_body=1', [...host, ...rest]],
    ['name no type without a body', BODY, '', [...host, ...rest]],
  ];
  it.each(cases)('%s', (_name, options, query, expected) => {
    const reading = read(options, `?callback=cb${query}`, client);
    expect(reading.kind === 'request' && reading.request.headers).toEqual(expected);
  });

  it('have no Host when the client sent none', () => {
    const reading = read(PLAIN, '?callback=cb');
    expect(reading.kind === 'request' && reading.request.headers).toEqual([['Accept', '*/*']]);
  });

  const refused: [name: string, value: string][] = [
    ['nothing', ''],
    ['no JSON', 'x'],
    ['a list', json(['a'])],
    ['null', 'null'],
    ['a number as value', json({ X: 1 })],
    ['a list as value', json({ X: ['1'] })],
    ['bytes that are no UTF-8', '%7B%22X%22:%22%ff%22%7D'],
    ['a code that is none', '%zz'],
    ['a name with a space', json({ 'X Y': '1' })],
    ['an empty name', json({ '': '1' })],
    ['a value that would end its line', json({ X: '1\r\nY: 2' })],
    ['a name that would end its line', json({ 'X: 1\r\nY': '2' })],
  ];
  it.each(refused)('cannot be %s', (_name, value) => {
    expect(summary(PLAIN, `?callback=cb&_headers=${value}`)).toBe('Invalid _headers parameter.');
  });

  it('can be sent, whatever a script asks for, and nothing throws', () => {
    const part = fc.oneof(
      fc.constantFrom(
        'callback',
        '_method',
        '_headers',
        '_body',
        'data',
        '=',
        '&',
        '%',
        '%7B%22X%22%3A%22%0A%22%7D',
        'PUT',
      ),
      fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer())).map(json),
      fc.string(),
    );
    const query = fc.array(part, { maxLength: 12 }).map((parts) => `?callback=x&${parts.join('')}`);
    fc.assert(
      fc.property(query, fc.constantFrom(PLAIN, BASIC, BODY), (text, options) => {
        const reading = read(options, text);
        if (reading.kind === 'error')
          expect(reading.text).toMatch(/^Invalid (callback|_method|_headers|_body|body) parameter\.$/);
        if (reading.kind !== 'request') return;
        const { method, headers, query: left } = reading.request;
        expect(isHeaderName(method)).toBe(true);
        for (const [name, value] of headers)
          expect([name, isHeaderName(name), isHeaderValue(value)]).toEqual([name, true, true]);
        expect(left === '' || left.startsWith('?')).toBe(true);
        expect(read(options, left)).toEqual({ kind: NONE });
      }),
    );
  });
});
