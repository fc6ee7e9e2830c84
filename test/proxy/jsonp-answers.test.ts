/** Answers wrapped into the call of a script's function, byte by byte. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getHeader, type HeaderList } from '../../src/protocol/headers.js';
import {
  type JsonpHead,
  JsonpStream,
  type JsonpWrapping,
  wrapHeldResponse,
  wrapResponse,
} from '../../src/proxy/jsonp.js';
import { bytesOf, chunkings } from '../protocol/filters/chunkings.js';

const EXTENDED: JsonpWrapping = { mode: 'extended', callback: Buffer.from('cb') };
const SIMPLE: JsonpWrapping = { mode: 'basic', callback: Buffer.from('cb') };
const ANSWER: JsonpHead = { code: 200, reason: 'OK', headers: [['Content-Type', 'text/plain']] };

function wrapped(wrapping: JsonpWrapping, body: string | Buffer, head: Partial<JsonpHead> = {}): string {
  return wrapResponse(wrapping, { ...ANSWER, ...head, body: Buffer.from(body) }).body.toString();
}

describe('wrapResponse', () => {
  it('wraps all of an answer in extended mode', () => {
    expect(wrapped(EXTENDED, 'hello\n')).toBe(
      '/**/cb({"code": 200, "reason": "OK", "headers": {"Content-Type":"text/plain"}, "body": "hello\\n"});\n',
    );
  });

  it('answers 200 with a script, and mirrors how long it may be kept', () => {
    const headers: HeaderList = [
      ['Content-Type', 'text/plain'],
      ['Cache-Control', 'no-cache'],
      ['X', '1'],
      ['cache-control', 'private'],
      ['Vary', 'a'],
    ];
    const {
      code,
      reason,
      headers: sent,
    } = wrapResponse(SIMPLE, { code: 404, reason: 'No', headers, body: Buffer.from('x') });
    expect([code, reason]).toEqual([200, 'OK']);
    expect(sent).toEqual([
      ['Content-Type', 'application/javascript'],
      ['Cache-Control', 'no-cache'],
      ['cache-control', 'private'],
    ]);
  });

  const extended: [name: string, head: Partial<JsonpHead>, body: string | Buffer, expected: string][] = [
    [
      'tells code and reason',
      { code: 404, reason: 'No "way"', headers: [] },
      '',
      '{"code": 404, "reason": "No \\"way\\"", "headers": {}, "body": ""}',
    ],
    [
      'sorts headers, and tells the first of a name',
      {
        headers: [
          ['x-d', '2'],
          ['X-D', '1'],
          ['Vary', 'a'],
          ['X-D', '3'],
          ['10', 'a'],
          ['9', 'b'],
        ],
      },
      '',
      '{"code": 200, "reason": "OK", "headers": {"10":"a","9":"b","Vary":"a","X-D":"1","x-d":"2"}, "body": ""}',
    ],
    [
      'tells headers as UTF-8',
      { reason: '\xc3\xa9', headers: [['X', 'a/b\xc3\xa9"\\']] },
      '',
      '{"code": 200, "reason": "é", "headers": {"X":"a/bé\\"\\\\"}, "body": ""}',
    ],
    [
      'escapes what a string cannot hold',
      { headers: [] },
      '"\\/\b\f\n\r\t\0\x01\x1f\x0b</script>é😀',
      '{"code": 200, "reason": "OK", "headers": {}, "body": "\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u0001\\u001f\\u000b</script>é😀"}',
    ],
    [
      'escapes what ends a line of a script',
      { headers: [] },
      'a\u2028b\u2029c',
      '{"code": 200, "reason": "OK", "headers": {}, "body": "a\\u2028b\\u2029c"}',
    ],
    [
      'replaces what is no UTF-8',
      { headers: [] },
      Buffer.from('a\xff\xc3b', 'latin1'),
      '{"code": 200, "reason": "OK", "headers": {}, "body": "a\ufffd\ufffdb"}',
    ],
    [
      'keeps a byte order mark',
      { headers: [] },
      '\ufeffa',
      '{"code": 200, "reason": "OK", "headers": {}, "body": "\ufeffa"}',
    ],
  ];
  it.each(extended)('%s', (_name, head, body, argument) => {
    expect(wrapped(EXTENDED, body, head)).toBe(`/**/cb(${argument});\n`);
  });

  const basic: [name: string, body: string, expected: string][] = [
    ['puts the body into the call', '{"a":1}', '/**/cb({"a":1});\n'],
    ['takes a line feed off', 'a\n', '/**/cb(a);\n'],
    ['takes a carriage return and line feed off', 'a\r\n', '/**/cb(a);\n'],
    ['takes one line end off', 'a\n\n', '/**/cb(a\n);\n'],
    ['leaves a carriage return', 'a\r', '/**/cb(a\r);\n'],
    ['leaves line ends in the middle', '\na\r\nb', '/**/cb(\na\r\nb);\n'],
    ['makes an empty call of a line end', '\n', '/**/cb();\n'],
  ];
  it.each(basic)('%s in basic mode', (_name, body, expected) => {
    expect(wrapped(SIMPLE, body)).toBe(expected);
  });

  it('keeps any bytes in basic mode, of the callback too', () => {
    const callback = Buffer.from('\xff', 'latin1');
    const { body } = wrapResponse({ mode: 'basic', callback }, { ...ANSWER, body: Buffer.from('\xfe', 'latin1') });
    expect(body.toString('latin1')).toBe('/**/\xff(\xfe);\n');
  });

  it('cannot wrap nothing in basic mode', () => {
    expect(wrapResponse(SIMPLE, { ...ANSWER, body: Buffer.alloc(0) })).toEqual({
      code: 500,
      reason: 'Internal Server Error',
      headers: [['Content-Type', 'text/plain']],
      body: Buffer.from('Upstream response could not be JSON-P encoded.\n'),
    });
  });

  it('makes an argument in extended mode that says what the answer said', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(text, fc.integer({ min: 100, max: 999 }), (body, code) => {
        const script = wrapped(EXTENDED, body, { code, headers: [] });
        const argument = JSON.parse(script.slice('/**/cb('.length, -');\n'.length));
        expect(argument).toEqual({ code, reason: 'OK', headers: {}, body: Buffer.from(body).toString() });
      }),
    );
  });
});

describe('JsonpStream', () => {
  function pieces(wrapping: JsonpWrapping, chunks: readonly Buffer[]): string[] {
    const stream = new JsonpStream(wrapping, ANSWER);
    return [stream.start, ...chunks.map((chunk) => stream.update(chunk)), stream.finish()].map(String);
  }

  it('wraps a body as it comes in extended mode', () => {
    expect(pieces(EXTENDED, [Buffer.from('hi'), Buffer.from('y"\n')])).toEqual([
      '/**/cb({"code": 200, "reason": "OK", "headers": {"Content-Type":"text/plain"}, "body": "',
      'hi',
      'y\\"\\n',
      '"});\n',
    ]);
  });

  it('keeps a line end back in basic mode until more comes', () => {
    const chunks = ['a\n', 'b\r', '\n', '\n'].map((chunk) => Buffer.from(chunk));
    expect(pieces(SIMPLE, chunks)).toEqual(['/**/cb(', 'a', '\nb', '', '\r\n', ');\n']);
  });

  it('gives a carriage return at the very end', () => {
    expect(pieces(SIMPLE, [Buffer.from('a\r')])).toEqual(['/**/cb(', 'a', '\r);\n']);
  });

  it('keeps a character together that two chunks share', () => {
    const chunks = [Buffer.from('h\xc3', 'latin1'), Buffer.from('\xa9!', 'latin1')];
    expect(pieces(EXTENDED, chunks).slice(1)).toEqual(['h', 'é!', '"});\n']);
  });

  it('replaces a character that stays incomplete', () => {
    expect(pieces(EXTENDED, [Buffer.from('h\xc3', 'latin1')]).slice(1)).toEqual(['h', '\ufffd"});\n']);
  });

  it('makes an empty call of an empty body, because its head has gone', () => {
    expect(pieces(SIMPLE, [])).toEqual(['/**/cb(', ');\n']);
  });

  it('wraps any chunking like the whole', () => {
    const body = bytesOf('\r', '\n', '\r\n', '"', '\\', 'text', 'é', '😀', '\u2028', '\0').filter(
      ({ length }) => length > 0,
    );
    fc.assert(
      fc.property(chunkings(body), fc.constantFrom(EXTENDED, SIMPLE), ({ whole, chunks }, wrapping) => {
        const stream = new JsonpStream(wrapping, ANSWER);
        const output = [stream.start, ...chunks.map((chunk) => stream.update(chunk)), stream.finish()];
        expect({ ...stream.head, body: Buffer.concat(output) }).toEqual(
          wrapResponse(wrapping, { ...ANSWER, body: whole }),
        );
      }),
    );
  });
});

describe('wrapHeldResponse', () => {
  const held = (wrapping: JsonpWrapping, body: string | Buffer, headers: HeaderList = [], code = 200, reason = 'OK') =>
    wrapHeldResponse(wrapping, { code, reason, headers, body: Buffer.from(body) });

  it('wraps all of an answer in extended mode, members sorted and without spaces', () => {
    const headers: HeaderList = [
      ['Cache-Control', 'q'],
      ['X-B', '1'],
      ['content-type', 'q/q'],
      ['x-b', '2'],
      ['Content-Length', '7'],
    ];
    const answer = held(EXTENDED, 'pub"l\n', headers, 202, 'R "x"');
    expect(answer.body.toString()).toBe(
      '/**/cb({"body":"pub\\"l\\n","code":202,"headers":{"Cache-Control":"q","Content-Length":"7","X-B":"1, 2","content-type":"q/q"},"reason":"R \\"x\\""});\n',
    );
    expect([answer.code, answer.reason]).toEqual([200, 'OK']);
  });

  it.each([EXTENDED, SIMPLE])('keeps the other headers in $mode mode', (wrapping) => {
    const headers: HeaderList = [
      ['X-A', '9'],
      ['content-type', 'q/q'],
      ['Cache-Control', 'q'],
      ['x-a', '2'],
      ['Content-Length', '7'],
    ];
    expect(held(wrapping, 'x', headers).headers).toEqual([
      ['X-A', '9'],
      ['Cache-Control', 'q'],
      ['x-a', '2'],
      ['Content-Type', 'application/javascript'],
    ]);
  });

  it('adds nothing for empty lines of a name, and keeps the case that came first', () => {
    const headers: HeaderList = [
      ['x-b', ''],
      ['A', '1'],
      ['X-B', '2'],
      ['a', ''],
      ['x-b', '3'],
      ['Z', ''],
    ];
    expect(held(EXTENDED, '', headers).body.toString()).toBe(
      '/**/cb({"body":"","code":200,"headers":{"A":"1","Z":"","x-b":"2, 3"},"reason":"OK"});\n',
    );
  });

  it('replaces what is no UTF-8', () => {
    expect(held(EXTENDED, Buffer.from('a\xffb', 'latin1')).body.toString()).toContain('{"body":"a\ufffdb",');
  });

  const basic: [body: string, expected: string][] = [
    ['pub"l\n\n', '/**/cb(pub"l\n);\n'],
    ['x\r\n', '/**/cb(x);\n'],
    ['x\r', '/**/cb(x\r);\n'],
    ['', '/**/cb();\n'],
  ];
  it.each(basic)('wraps %j in basic mode', (body, expected) => {
    expect(held(SIMPLE, body).body.toString()).toBe(expected);
  });

  it('says the same as an answer that was not held', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 });
    const argument = (script: Buffer) => JSON.parse(script.toString().slice('/**/cb('.length, -');\n'.length));
    fc.assert(
      fc.property(text, fc.constantFrom('a', 'b'), (body, value) => {
        const answer = { code: 201, reason: 'Made', headers: [['X', value]] as HeaderList, body: Buffer.from(body) };
        expect(argument(wrapHeldResponse(EXTENDED, answer).body)).toEqual(
          argument(wrapResponse(EXTENDED, answer).body),
        );
        expect(wrapHeldResponse(SIMPLE, answer).body).toEqual(wrapResponse(SIMPLE, answer).body);
        expect(getHeader(wrapHeldResponse(SIMPLE, answer).headers, 'x')).toBe(value);
      }),
    );
  });
});
