import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ControlMessage, parseControlMessage } from '../../src/protocol/control-message.js';

describe('parseControlMessage', () => {
  it.each<[string, ControlMessage]>([
    ['{"type":"subscribe","channel":"a"}', { type: 'subscribe', channel: 'a', filters: [] }],
    [
      '{"type":"subscribe","channel":"a","filters":["skip-self","x"]}',
      { type: 'subscribe', channel: 'a', filters: ['skip-self', 'x'] },
    ],
    [
      '{"type":"subscribe","channel":"a","filters":["1","2","3","4","5","6"]}',
      { type: 'subscribe', channel: 'a', filters: ['1', '2', '3', '4', '5', '6'] },
    ],
    ['{"type":"unsubscribe","channel":"a","more":null}', { type: 'unsubscribe', channel: 'a' }],
    ['{"type":"detach"}', { type: 'detach' }],
    ['{"type":"session"}', { type: 'session', id: undefined }],
    ['{"type":"session","id":"s"}', { type: 'session', id: 's' }],
    ['{"type":"set-meta","name":"n"}', { type: 'set-meta', name: 'n', value: undefined }],
    ['{"type":"set-meta","name":"n","value":""}', { type: 'set-meta', name: 'n', value: '' }],
    ['{"type":"set-meta","name":"__proto__","value":"v"}', { type: 'set-meta', name: '__proto__', value: 'v' }],
    [
      '{"type":"keep-alive"}',
      { type: 'keep-alive', content: undefined, messageType: 'text', timeout: 55, mode: 'idle' },
    ],
    [
      '{"type":"keep-alive","content":"","timeout":0,"mode":"other"}',
      { type: 'keep-alive', content: Buffer.alloc(0), messageType: 'text', timeout: 55, mode: 'idle' },
    ],
    [
      '{"type":"keep-alive","content":"no","content-bin":"AQI=","message-type":"ping","timeout":3,"mode":"interval"}',
      { type: 'keep-alive', content: Buffer.of(1, 2), messageType: 'ping', timeout: 3, mode: 'interval' },
    ],
    [
      '{"type":"keep-alive","content-bin":"AQI="}',
      { type: 'keep-alive', content: Buffer.of(1, 2), messageType: 'text', timeout: 55, mode: 'idle' },
    ],
    [
      '{"type":"send-delayed","content":"é","message-type":"binary","timeout":"7"}',
      { type: 'send-delayed', content: Buffer.from('é'), messageType: 'binary', timeout: 7 },
    ],
    [
      '{"type":"send-delayed","message-type":"pong","timeout":0}',
      { type: 'send-delayed', content: Buffer.alloc(0), messageType: 'pong', timeout: 1 },
    ],
    [
      '{"type":"send-delayed","content":"\\ud800"}',
      { type: 'send-delayed', content: Buffer.from('\ufffd'), messageType: 'text', timeout: 1 },
    ],
    ['{"type":"flush-delayed"}', { type: 'flush-delayed' }],
  ])('reads %s', (json, message) => {
    expect(parseControlMessage(json)).toEqual({ kind: 'message', message });
    expect(parseControlMessage(Buffer.from(json))).toEqual({ kind: 'message', message });
  });

  it.each([
    ['[]', 'grip control packet is not an object'],
    ['null', 'grip control packet is not an object'],
    ['"detach"', 'grip control packet is not an object'],
    ['{}', "grip control object does not contain 'type'"],
    ['{"__proto__":{"type":"detach"}}', "grip control object does not contain 'type'"],
    ['{"type":1}', "grip control object contains 'type' with wrong type"],
    ['{"type":"set-hold"}', "'type' contains unknown value: set-hold"],
    ['{"type":"constructor"}', "'type' contains unknown value: constructor"],
    ['{"type":"subscribe"}', "grip control object does not contain 'channel'"],
    ['{"type":"subscribe","channel":1}', "grip control object contains 'channel' with wrong type"],
    ['{"type":"subscribe","channel":""}', "grip control object contains 'channel' with invalid value"],
    ['{"type":"subscribe","channel":"a","filters":"b"}', "grip control object contains 'filters' with wrong type"],
    ['{"type":"subscribe","channel":"a","filters":[1]}', 'filters contains value with wrong type'],
    ['{"type":"unsubscribe","channel":null}', "grip control object contains 'channel' with wrong type"],
    ['{"type":"unsubscribe","channel":""}', "grip control object contains 'channel' with invalid value"],
    ['{"type":"session","id":7}', "grip control object contains 'id' with wrong type"],
    ['{"type":"set-meta"}', "grip control object does not contain 'name'"],
    ['{"type":"set-meta","name":""}', "grip control object contains 'name' with invalid value"],
    ['{"type":"set-meta","name":"n","value":null}', "grip control object contains 'value' with wrong type"],
    ['{"type":"keep-alive","content":1}', "grip control object contains 'content' with wrong type"],
    ['{"type":"keep-alive","content-bin":1}', "grip control object contains 'content-bin' with wrong type"],
    ['{"type":"keep-alive","message-type":1}', "grip control object contains 'message-type' with wrong type"],
    ['{"type":"keep-alive","message-type":"close"}', "grip control object contains 'message-type' with unknown value"],
    ['{"type":"keep-alive","timeout":[]}', "grip control object contains 'timeout' with wrong type"],
    ['{"type":"keep-alive","timeout":-1}', "grip control object contains 'timeout' with invalid value"],
    ['{"type":"keep-alive","timeout":1e999}', "grip control object contains 'timeout' with invalid value"],
    ['{"type":"keep-alive","mode":1}', "grip control object contains 'mode' with wrong type"],
    ['{"type":"send-delayed","timeout":2147483648}', "grip control object contains 'timeout' with invalid value"],
  ])('refuses %s', (json, text) => {
    expect(parseControlMessage(json)).toEqual({
      kind: 'invalid',
      reason: `failed to parse grip control message: ${text}`,
    });
  });

  it.each(['', '{', '{"type":"detach"} x', "{'type':'detach'}", '{"type":"detach",}'])(
    'finds no JSON in %j',
    (json) => {
      expect(parseControlMessage(json)).toEqual({ kind: 'invalid', reason: 'grip control message is not valid json' });
    },
  );

  it('finds no JSON in bytes that are not UTF-8', () => {
    const json = Buffer.concat([Buffer.from('{"type":"session","id":"'), Buffer.of(0xff), Buffer.from('"}')]);
    expect(parseControlMessage(json)).toEqual({ kind: 'invalid', reason: 'grip control message is not valid json' });
  });

  it('never throws, whatever it is given', () => {
    const type = fc.constantFrom('subscribe', 'set-meta', 'session', 'keep-alive', 'send-delayed', 'x');
    const name = fc.constantFrom(
      'channel',
      'filters',
      'id',
      'name',
      'value',
      'content',
      'content-bin',
      'timeout',
      'mode',
    );
    const object = fc
      .tuple(type, fc.dictionary(name, fc.jsonValue()))
      .map(([given, members]) => JSON.stringify({ ...members, type: given }));
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), object), (json) => {
        expect(['message', 'invalid']).toContain(parseControlMessage(json).kind);
      }),
    );
  });
});
