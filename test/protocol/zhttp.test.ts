import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../src/errors/holdfast-error.js';
import { decodeTnetstring, encodeTnetstring, type TnetInput } from '../../src/protocol/tnetstring.js';
import {
  decodeZhttpResponse,
  encodeZhttpRequest,
  type ZhttpRequestPacket,
  type ZhttpResponsePacket,
} from '../../src/protocol/zhttp.js';

function frame(members: Record<string, TnetInput>): Buffer {
  return Buffer.concat([Buffer.from('T'), encodeTnetstring(new Map(Object.entries(members)))]);
}

/** A decoded packet with only the given members set. */
function packet(members: Partial<ZhttpResponsePacket>): ZhttpResponsePacket {
  return {
    from: undefined,
    id: undefined,
    seq: undefined,
    type: 'data',
    condition: undefined,
    credits: undefined,
    more: false,
    code: undefined,
    reason: undefined,
    headers: undefined,
    body: undefined,
    contentType: undefined,
    userData: undefined,
    ext: { multi: false, quiet: false },
    ...members,
  };
}

describe('encodeZhttpRequest', () => {
  it('writes the first packet of a stream', () => {
    const encoded = encodeZhttpRequest({
      from: 'proxy_3666',
      id: 'c759',
      seq: 0,
      method: 'GET',
      uri: 'http://zh.example/st?a=b',
      headers: [['Host', 'zh.example']],
      stream: true,
      routerResp: true,
      credits: 200_000,
      ignorePolicies: true,
      ext: { multi: true },
    });
    expect(encoded.toString()).toBe(
      'T239:4:from,10:proxy_3666,2:id,4:c759,3:seq,1:0#6:method,3:GET,3:uri,24:http://zh.example/st?a=b,' +
        '7:headers,25:21:4:Host,10:zh.example,]]6:stream,4:true!11:router-resp,4:true!7:credits,6:200000#' +
        '15:ignore-policies,4:true!3:ext,15:5:multi,4:true!}}',
    );
  });

  it.each<[string, Partial<ZhttpRequestPacket>, Record<string, unknown>]>([
    ['nothing that is undefined or false', { seq: undefined, more: false, body: undefined, ext: { multi: false } }, {}],
    [
      'no type for data',
      { type: 'data', seq: 3, body: Buffer.of(255), more: true },
      { seq: 3, body: Buffer.of(255), more: true },
    ],
    ['a credit', { type: 'credit', seq: 1, credits: 6 }, { type: Buffer.from('credit'), seq: 1, credits: 6 }],
    ['a zero', { seq: 0, credits: 0 }, { seq: 0, credits: 0 }],
    [
      'an error',
      { type: 'error', condition: 'bad-request' },
      { type: Buffer.from('error'), condition: Buffer.from('bad-request') },
    ],
    ['the limit of req mode', { maxSize: 1_000_000 }, { 'max-size': 1_000_000 }],
    [
      'a close',
      { type: 'close', code: 1000, body: Buffer.from('bye') },
      { type: Buffer.from('close'), code: 1000, body: Buffer.from('bye') },
    ],
    [
      'a binary message',
      { contentType: 'binary', body: Buffer.alloc(0) },
      { 'content-type': Buffer.from('binary'), body: Buffer.alloc(0) },
    ],
    [
      'the properties of a target',
      { trustConnectHost: true, ignoreTlsErrors: true, clientCert: 'C', clientKey: 'K' },
      {
        'trust-connect-host': true,
        'ignore-tls-errors': true,
        'client-cert': Buffer.from('C'),
        'client-key': Buffer.from('K'),
      },
    ],
    ['user data', { userData: new Map([['a', 1]]) }, { 'user-data': new Map([['a', 1]]) }],
    ['quiet', { ext: { quiet: true } }, { ext: new Map([['quiet', true]]) }],
    [
      'headers byte by byte',
      { headers: [['A', '\xff\xe9']] },
      { headers: [[Buffer.from('A'), Buffer.of(0xff, 0xe9)]] },
    ],
    [
      'wide header characters as UTF-8',
      { headers: [['A', '\u010a']] },
      { headers: [[Buffer.from('A'), Buffer.from('\u010a')]] },
    ],
  ])('writes %s', (_name, members, expected) => {
    const encoded = encodeZhttpRequest({ from: 'p', id: 'i', ...members });
    expect(encoded.subarray(0, 1).toString()).toBe('T');
    expect(decodeTnetstring(encoded.subarray(1))).toEqual(
      new Map<string, unknown>(Object.entries({ from: Buffer.from('p'), id: Buffer.from('i'), ...expected })),
    );
  });

  it('writes the sessions of a batch', () => {
    const encoded = encodeZhttpRequest({
      from: 'p',
      id: [
        { id: 'a', seq: 3 },
        { id: 'b', seq: undefined },
      ],
      type: 'keep-alive',
    });
    expect(encoded.toString()).toBe(
      'T76:4:from,1:p,2:id,35:19:2:id,1:a,3:seq,1:3#}9:2:id,1:b,}]4:type,10:keep-alive,}',
    );
  });
});

describe('decodeZhttpResponse', () => {
  it.each<[string, Record<string, TnetInput>, Partial<ZhttpResponsePacket>]>([
    ['an empty map', {}, {}],
    [
      'the head of a response',
      { from: 'me', id: 'c759', seq: 0, code: 200, reason: 'OK', headers: [['A', 'b']], more: true },
      { from: 'me', id: 'c759', seq: 0, code: 200, reason: 'OK', headers: [['A', 'b']], more: true },
    ],
    [
      'a part of a body',
      { seq: 1, body: Buffer.of(0, 255), more: true },
      { seq: 1, body: Buffer.of(0, 255), more: true },
    ],
    ['the last part', { seq: 2, body: 'part2\n', more: false }, { seq: 2, body: Buffer.from('part2\n') }],
    ['a credit', { type: 'credit', credits: 200_000 }, { type: 'credit', credits: 200_000 }],
    ['an error', { type: 'error', condition: 'rejected' }, { type: 'error', condition: 'rejected' }],
    ['a close', { type: 'close', code: 4000, body: 'bye' }, { type: 'close', code: 4000, body: Buffer.from('bye') }],
    ['a message type', { 'content-type': 'binary' }, { contentType: 'binary' }],
    ['extensions', { ext: new Map([['multi', true]]) }, { ext: { multi: true, quiet: false } }],
    ['user data', { 'user-data': [1] }, { userData: [1] }],
    [
      'a batch',
      {
        id: [
          new Map<string, TnetInput>([
            ['id', 'a'],
            ['seq', 3],
          ]),
          new Map([['id', 'b']]),
        ],
      },
      {
        id: [
          { id: 'a', seq: 3 },
          { id: 'b', seq: undefined },
        ],
      },
    ],
    ['null as absent', { id: null, seq: null, more: null, ext: null, headers: null, type: null }, {}],
    ['members it does not know as absent', { passthrough: 1, other: 'x' }, {}],
    [
      'header and reason bytes as characters',
      { headers: [['A', Buffer.of(0xe9)]], reason: Buffer.of(0xff) },
      { headers: [['A', '\xe9']], reason: '\xff' },
    ],
    ['header values without the blanks around them', { headers: [['A', ' b\t']] }, { headers: [['A', 'b']] }],
  ])('reads %s', (_name, members, expected) => {
    expect(decodeZhttpResponse(frame(members))).toEqual(packet(expected));
  });

  it.each([
    'data',
    'error',
    'credit',
    'keep-alive',
    'cancel',
    'handoff-start',
    'handoff-proceed',
    'close',
    'ping',
    'pong',
  ])('knows the type %s', (type) => {
    expect(decodeZhttpResponse(frame({ type })).type).toBe(type);
  });

  it.each<[string, Record<string, TnetInput>]>([
    ["'from' is not a string", { from: 1 }],
    ["'id' is not a string", { id: 1 }],
    ["'id' has an element that is not a map", { id: ['a'] }],
    ["'id' has an element without 'id'", { id: [new Map([['seq', 1]])] }],
    [
      "'seq' is not a whole number from 0",
      {
        id: [
          new Map([
            ['id', 'a'],
            ['seq', 'b'],
          ]),
        ],
      },
    ],
    ["'seq' is not a whole number from 0", { seq: '1' }],
    ["'seq' is not a whole number from 0", { seq: -1 }],
    ["'credits' is not a whole number from 0", { credits: 1.5 }],
    ["'code' is not a whole number from 0", { code: '200' }],
    ["'type' is not a string", { type: true }],
    ["'type' is unknown", { type: 'toString' }],
    ["'condition' is not a string", { condition: [] }],
    ["'more' is not a boolean", { more: 'true' }],
    ["'reason' is not a string", { reason: 1 }],
    ["'reason' has a control character", { reason: 'OK\r\nA: b' }],
    ["'headers' is not a list", { headers: new Map([['A', 'b']]) }],
    ["'headers' has an element that is not a pair", { headers: ['A: b'] }],
    ["'headers' has an element that is not a pair", { headers: [['A', 'b', 'c']] }],
    ["'headers' has an element that is not a pair", { headers: [['A', 1]] }],
    ["'headers' has a name or value that HTTP cannot carry", { headers: [['A b', 'c']] }],
    ["'headers' has a name or value that HTTP cannot carry", { headers: [['A', 'b\r\nC: d']] }],
    ["'body' is not a string", { body: 1 }],
    ["'content-type' is not a string", { 'content-type': 1 }],
    ["'content-type' is neither text nor binary", { 'content-type': 'text/plain' }],
    ["'ext' is not a map", { ext: true }],
    ["'multi' is not a boolean", { ext: new Map([['multi', 1]]) }],
  ])('refuses with "%s" packet %#', (text, members) => {
    expect(() => decodeZhttpResponse(frame(members))).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_PACKET_INVALID', message: `invalid zhttp packet: ${text}` }),
    );
  });

  it.each([
    ['', 'it does not start with T'],
    ['0:}', 'it does not start with T'],
    ['J{}', 'it does not start with T'],
    ['T', 'malformed tnetstring: no complete length at byte 0'],
    ['T0:]', 'it is not a map'],
  ])('refuses the frame %j', (text, what) => {
    expect(() => decodeZhttpResponse(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_PACKET_INVALID', message: `invalid zhttp packet: ${what}` }),
    );
  });

  it('reads what the encoder writes where both have the member', () => {
    const token = fc.stringMatching(/^[A-Za-z-]{1,10}$/);
    const value = fc.stringMatching(/^[!-~\xa0-\xff]{0,20}$/);
    const members = fc.record({
      from: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
      id: fc.string({ unit: 'grapheme' }),
      seq: fc.option(fc.nat(), { nil: undefined }),
      type: fc.constantFrom('data' as const, 'credit' as const, 'ping' as const),
      credits: fc.option(fc.nat(), { nil: undefined }),
      headers: fc.option(fc.array(fc.tuple(token, value)), { nil: undefined }),
      body: fc.option(
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        { nil: undefined },
      ),
      more: fc.boolean(),
    });
    fc.assert(
      fc.property(members, (request) => {
        expect(decodeZhttpResponse(encodeZhttpRequest(request))).toEqual(packet(request));
      }),
    );
  });

  it('throws only HoldfastError, whatever the frame is', () => {
    const names = fc.constantFrom('id', 'seq', 'type', 'headers', 'body', 'ext', 'more', 'code');
    const values: fc.Arbitrary<TnetInput> = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(fc.array(fc.string())),
      fc.constant(new Map<string, TnetInput>([['id', 1]])),
    );
    const frames = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.concat([Buffer.from('T'), bytes])),
      fc.dictionary(names, values).map(frame),
    );
    fc.assert(
      fc.property(frames, (bytes) => {
        try {
          decodeZhttpResponse(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
        }
      }),
    );
  });
});
