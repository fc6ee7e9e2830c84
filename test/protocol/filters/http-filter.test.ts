/** What the filters with an HTTP endpoint ask, and what its answers mean. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  HTTP_FILTER_BODY_MAX,
  type HttpFilterFailure,
  httpFilterRequest,
  judgeHttpFilterAnswer,
  judgeHttpFilterFailure,
} from '../../../src/protocol/filters/http-filter.js';
import { decodeHeaderText, getHeader, type HeaderList, isHeaderValue } from '../../../src/protocol/headers.js';
import { type SampleInput, sampleInput, verdictText } from './sample-input.js';

const CLIENT = 'https://example.com/app/stream?x=1';

function ask(sample: SampleInput, currentUri = CLIENT, clientUri?: string) {
  return httpFilterRequest('http-check', sampleInput(sample), currentUri, clientUri);
}

function urlOf(url: string, currentUri = CLIENT): string {
  const question = ask({ sub: { url } }, currentUri);
  return question.kind === 'error' ? `error: ${question.detail}` : question.request.url.href;
}

function headersOf(sample: SampleInput): HeaderList {
  const question = ask({ ...sample, sub: { url: '/', ...sample.sub } });
  return question.kind === 'error' ? [] : question.request.headers;
}

describe('the URL of httpFilterRequest', () => {
  const cases: [name: string, url: string, currentUri: string, expected: string][] = [
    ['is taken as it is', 'http://other.test/check?a=b', CLIENT, 'http://other.test/check?a=b'],
    ['is resolved against a path', 'check', CLIENT, 'https://example.com/app/check'],
    ['is resolved against a host', '/check', CLIENT, 'https://example.com/check'],
    ['is resolved against a scheme', '//other.test/x', CLIENT, 'https://other.test/x'],
    ['is resolved against a query', '?y', CLIENT, 'https://example.com/app/stream?y'],
    ['becomes http for a WebSocket', '/check', 'ws://example.com:81/s', 'http://example.com:81/check'],
    ['becomes https for a WebSocket with TLS', '/check', 'wss://example.com/s', 'https://example.com/check'],
    ['loses its fragment', '/check#part', CLIENT, 'https://example.com/check'],
    ['is missing when it is empty', '', CLIENT, 'error: missing url value'],
    ['is invalid without a host', 'http://', CLIENT, 'error: invalid url value'],
    ['is invalid with a port that is none', 'http://x:port/', CLIENT, 'error: invalid url value'],
    ['is invalid with a scheme nobody can ask', 'file:///etc/hosts', CLIENT, 'error: invalid url value'],
    ['is invalid with the scheme of a WebSocket', 'ws://example.com/', CLIENT, 'error: invalid url value'],
    ['is invalid when the connection has no address', '/check', '/app', 'error: invalid url value'],
  ];
  it.each(cases)('%s', (_name, url, currentUri, expected) => {
    expect(urlOf(url, currentUri)).toBe(expected);
  });

  it('is missing when the origin set none', () => {
    expect(ask({})).toEqual({ kind: 'error', detail: 'missing url value' });
  });

  const internals: [url: string, clientUri: string, internal: boolean][] = [
    ['/check', CLIENT, true],
    ['https://example.com:443/', CLIENT, true],
    ['https://EXAMPLE.com/', CLIENT, true],
    ['http://example.com/', CLIENT, false],
    ['https://example.com:444/', CLIENT, false],
    ['https://www.example.com/', CLIENT, false],
    ['https://example.com/', 'wss://example.com/socket', true],
    ['https://example.com/', 'https://other.test/', false],
  ];
  it.each(internals)('%s of a client at %s goes through its route: %s', (url, clientUri, internal) => {
    const question = ask({ sub: { url } }, CLIENT, clientUri);
    expect(question.kind === 'request' && question.request.internal).toBe(internal);
  });
});

describe('the rest of httpFilterRequest', () => {
  it('tells both metas as compact JSON with sorted keys', () => {
    const headers = headersOf({ sub: { url: '/c', b: '2', a: '1', '10': 'x', '9': 'y' }, pub: { sender: 'a "b"' } });
    expect(headers).toEqual([
      ['Sub-Meta', '{"10":"x","9":"y","a":"1","b":"2","url":"/c"}'],
      ['Pub-Meta', '{"sender":"a \\"b\\""}'],
    ]);
  });

  it('tells an empty meta too', () => {
    expect(getHeader(headersOf({}), 'Pub-Meta')).toBe('{}');
  });

  it('knows the id of each channel that has one', () => {
    const question = ask({ sub: { url: '/c' }, channels: { one: 'a', two: undefined, three: '' } });
    expect(question.kind === 'request' && [...question.request.lastIds]).toEqual([
      ['one', 'a'],
      ['three', ''],
    ]);
  });

  it('sends the content to http-modify, and nothing to http-check', () => {
    const input = sampleInput({ sub: { url: '/' }, content: 'text' });
    const bodies = (['http-check', 'http-modify'] as const).map((filter) => {
      const question = httpFilterRequest(filter, input, CLIENT);
      return question.kind === 'request' && question.request.body.toString();
    });
    expect(bodies).toEqual(['', 'text']);
  });

  it('never throws, and makes headers that can be sent and that say what was set', () => {
    const unit = fc.constantFrom(
      '\0',
      '\r',
      '\n',
      '\x7f',
      '"',
      '\\',
      ';',
      ',',
      ' ',
      'é',
      '\ud800',
      '😀',
      '/',
      ':',
      '%',
      '1',
      'a',
    );
    const text = fc.string({ unit });
    fc.assert(
      fc.property(fc.dictionary(text, text), text, text, (meta, url, id) => {
        ask({ sub: { url } });
        const headers = headersOf({ pub: meta, channels: { one: id } });
        for (const [, value] of headers) expect(isHeaderValue(value)).toBe(true);
        const told = JSON.parse(decodeHeaderText(getHeader(headers, 'Pub-Meta') ?? ''));
        expect(new Map(Object.entries(told))).toEqual(new Map(Object.entries(meta)));
      }),
    );
  });
});

describe('judgeHttpFilterAnswer', () => {
  const drop: HeaderList = [['action', 'drop']];
  const cases: [name: string, code: number, headers: HeaderList, body: string, check: string, modify: string][] = [
    ['200 with a body', 200, [], 'new', 'send: old', 'send: new'],
    ['200 without a body', 200, [], '', 'send: old', 'send: '],
    ['204', 204, [], '', 'send: old', 'send: old'],
    ['200 that says drop', 200, drop, 'new', 'drop', 'drop'],
    ['204 that says drop', 204, drop, '', 'drop', 'drop'],
    ['drop in another case', 200, [['Action', 'Drop']], 'new', 'send: old', 'send: new'],
    ['an action nobody knows', 200, [['Action', 'keep']], 'new', 'send: old', 'send: new'],
    ...[201, 301, 404, 500].map((code): [string, number, HeaderList, string, string, string] => {
      const error = `error: unexpected network request status: code=${code}`;
      return [`${code}, even when it says drop`, code, drop, 'new', error, error];
    }),
  ];
  it.each(cases)('%s', (_name, code, headers, body, check, modify) => {
    const answer = { code, headers, body: Buffer.from(body) };
    expect(verdictText(judgeHttpFilterAnswer('http-check', answer, Buffer.from('old')))).toBe(check);
    expect(verdictText(judgeHttpFilterAnswer('http-modify', answer, Buffer.from('old')))).toBe(modify);
  });

  it('takes a body of the greatest size and refuses a larger one', () => {
    const judge = (size: number) =>
      judgeHttpFilterAnswer('http-modify', { code: 200, headers: [], body: Buffer.alloc(size) }, Buffer.alloc(0));
    expect(judge(HTTP_FILTER_BODY_MAX).kind).toBe('send');
    expect(judge(HTTP_FILTER_BODY_MAX + 1)).toEqual({
      kind: 'error',
      detail: 'network response exceeded 100000 bytes',
    });
  });
});

describe('judgeHttpFilterFailure', () => {
  const cases: [failure: HttpFilterFailure, text: string][] = [
    ['connection-refused', 'connection refused'],
    ['connection-timed-out', 'connection timed out'],
    ['tls-error', 'tls error'],
    ['disconnected', 'disconnected'],
    ['request-timed-out', 'request timed out'],
    ['other', 'general error'],
  ];
  it.each(cases)('names %s', (failure, text) => {
    expect(judgeHttpFilterFailure(failure)).toEqual({ kind: 'error', detail: `network request failed: ${text}` });
  });
});
