import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCommand, replyOf } from '../../src/control/command-messages.js';
import { encodeTnetstring, type TnetInput } from '../../src/protocol/tnetstring.js';

function message(members: Record<string, TnetInput>): Buffer {
  return encodeTnetstring(new Map(Object.entries(members)));
}

function commandOf(method: string, args: Record<string, TnetInput> = {}): unknown {
  return parseCommand(message({ method, args: new Map(Object.entries(args)) }))?.command;
}

const BAD = { kind: 'failed', condition: 'bad-request' };

describe('a command in a tnetstring', () => {
  it.each([
    ['conncheck', { ids: ['a', 'b'] }, { kind: 'conncheck', ids: ['a', 'b'] }],
    ['conncheck', { ids: [] }, { kind: 'conncheck', ids: [] }],
    ['get-zmq-uris', {}, { kind: 'get-zmq-uris' }],
    ['recover', {}, { kind: 'recover' }],
    ['refresh', { cid: 'a' }, { kind: 'refresh', connection: 'a' }],
    ['refresh', { channel: 'c' }, { kind: 'refresh-channel', channel: 'c' }],
    ['refresh', { cid: 'a', channel: 'c' }, { kind: 'refresh', connection: 'a' }],
    ['publish', { items: [] }, { kind: 'publish', items: [] }],
    ['conncheck', {}, BAD],
    ['conncheck', { ids: 'a' }, BAD],
    ['conncheck', { ids: ['a', 1] }, BAD],
    ['refresh', {}, BAD],
    ['refresh', { cid: 1 }, BAD],
    ['refresh', { channel: true }, BAD],
    ['publish', {}, { ...BAD, text: "Invalid format: object does not contain 'items'" }],
    ['publish', { items: 'x' }, { ...BAD, text: "Invalid format: object contains 'items' with wrong type" }],
    ['dance', {}, { kind: 'failed', condition: 'method-not-found' }],
  ])('%s with %j', (method, args, expected) => {
    expect(commandOf(method, args)).toEqual(expected);
  });

  it('publishes nothing when one of the items is wrong', () => {
    const good = new Map<string, TnetInput>([
      ['channel', 'a'],
      ['http-stream', new Map([['content', 'x']])],
    ]);
    expect(commandOf('publish', { items: [good] })).toMatchObject({ kind: 'publish', items: [{ channel: 'a' }] });
    expect(commandOf('publish', { items: [good, new Map()] })).toEqual({
      ...BAD,
      text: "Invalid format: publish item object does not contain 'channel'",
    });
  });

  it('needs no arguments where there are none', () => {
    expect(parseCommand(message({ method: 'recover', id: 'x' }))).toEqual({
      id: Buffer.from('x'),
      command: { kind: 'recover' },
    });
  });

  it.each([
    ['a tnetstring of another type', encodeTnetstring(['recover'])],
    ['no tnetstring', Buffer.from('recover')],
    ['one that is tagged', Buffer.from('T19:6:method,7:recover,}')],
    ['one that is cut off', message({ method: 'recover' }).subarray(0, -2)],
    ['a method that is no text', message({ method: 1 })],
    ['no method', message({ id: 'x' })],
    ['arguments that are null', message({ method: 'recover', args: null })],
    ['arguments that are no map', message({ method: 'recover', args: ['x'] })],
    ['an id that is no text', message({ method: 'recover', id: 1 })],
    ['nothing', Buffer.alloc(0)],
  ])('is no request as %s', (_, bytes) => {
    expect(parseCommand(bytes)).toBeUndefined();
  });

  it('is read or refused, whatever it holds', () => {
    const value: fc.Arbitrary<TnetInput> = fc.letrec<{ value: TnetInput }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc
          .array(fc.tuple(fc.constantFrom('ids', 'cid', 'channel', 'items', 'x'), tie('value')))
          .map((all) => new Map(all)),
      ),
    })).value;
    const method = fc.constantFrom('conncheck', 'refresh', 'publish', 'recover', 'dance');
    fc.assert(
      fc.property(method, value, (name, args) => {
        const request = parseCommand(message({ method: name, args }));
        expect(request === undefined).toBe(!(args instanceof Map));
      }),
    );
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseCommand(Buffer.from(bytes))));
  });
});

describe('a reply', () => {
  it.each([
    ['what is done', { kind: 'done' } as const, '37:2:id,1:1,7:success,4:true!5:value,0:~}'],
    ['connections', { kind: 'connections', ids: ['a'] } as const, '41:2:id,1:1,7:success,4:true!5:value,4:1:a,]}'],
    [
      'a failure',
      { kind: 'failed', condition: 'bad-request', text: 'no' } as const,
      '67:2:id,1:1,7:success,5:false!9:condition,11:bad-request,5:value,2:no,}',
    ],
    [
      'addresses',
      { kind: 'uris', uris: new Map([['command', 'tcp://x']]) } as const,
      '58:2:id,1:1,7:success,4:true!5:value,20:7:command,7:tcp://x,}}',
    ],
  ])('tells of %s', (_, outcome, bytes) => {
    expect(replyOf(Buffer.from('1'), outcome).toString()).toBe(bytes);
  });

  it('has no id when the request had none', () => {
    expect(replyOf(undefined, { kind: 'done' }).toString()).toBe('28:7:success,4:true!5:value,0:~}');
  });
});
