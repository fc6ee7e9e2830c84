/** Bytes of a PUSH in, what a PULL makes of them out (RFC 23, RFC 30, RFC 37). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../../src/errors/holdfast-error.js';
import { PullSession, type SkipReason } from '../../../src/protocol/zmtp/pull-session.js';
import { cutAt, cutInto } from '../../support/pieces.js';
import {
  ANSWER,
  claim,
  commandOf,
  frameOf,
  greetingOf,
  HELLO,
  messageOf,
  pingOf,
  pongOf,
  properties,
  readyOf,
} from '../../support/zmtp-peer.js';

const MAX_MESSAGE = 1_000;

type Event = 'ready' | { message: string } | { skipped: SkipReason } | { within: number } | { fault: string };

/** A session that writes down what it does. */
class Recorded {
  readonly events: Event[] = [];
  private readonly sent: Buffer[] = [];
  readonly session = new PullSession(MAX_MESSAGE, {
    send: (bytes) => this.sent.push(bytes),
    ready: () => this.events.push('ready'),
    message: (message) => this.events.push({ message: message.toString('latin1') }),
    skipped: (skipped) => this.events.push({ skipped }),
    expectWithin: (within) => this.events.push({ within }),
  });

  constructor() {
    this.session.begin();
  }

  get answers(): Buffer {
    return Buffer.concat(this.sent);
  }

  /** Reads pieces until one is refused. */
  read(...pieces: readonly Buffer[]): this {
    try {
      for (const piece of pieces) this.session.read(piece);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'HOLDFAST_ZMTP_INVALID') throw error;
      this.events.push({ fault: error.message });
    }
    return this;
  }
}

function eventsOf(...pieces: readonly Buffer[]): Event[] {
  return new Recorded().read(...pieces).events;
}

/** What comes after the handshake. */
function traffic(...pieces: readonly Buffer[]): Event[] {
  const events = eventsOf(HELLO, ...pieces);
  expect(events.shift()).toBe('ready');
  return events;
}

/** `bytes` in pieces that end at `cuts`, which may be any numbers. */
function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  return cutAt(
    bytes,
    cuts.map((at) => at % bytes.length),
  );
}

describe('the greeting', () => {
  it('is sent before anything has come', () => {
    expect(new Recorded().answers).toEqual(ANSWER.subarray(0, 64));
  });

  it('is answered with READY when all 64 bytes have come', () => {
    const recorded = new Recorded().read(HELLO.subarray(0, 63));
    expect(recorded.answers).toHaveLength(64);
    recorded.read(HELLO.subarray(63, 64));
    expect(recorded.answers).toEqual(ANSWER);
    expect(recorded.events).toEqual([]);
  });

  it.each([
    ['3.0', greetingOf()],
    ['3.1', greetingOf({ minor: 1 })],
    ['a version to come', greetingOf({ major: 4, minor: 9 })],
    ['as-server, which means nothing without security', greetingOf({ asServer: 1 })],
    ['any filler', greetingOf({ filler: 7 })],
  ])('may be that of %s', (_what, greeting) => {
    expect(eventsOf(greeting, readyOf())).toEqual(['ready']);
  });

  it('may come as libzmq sends it: signature, version, then the rest', () => {
    const greeting = greetingOf();
    expect(
      eventsOf(greeting.subarray(0, 10), greeting.subarray(10, 11), greeting.subarray(11), readyOf(), messageOf('a')),
    ).toEqual(['ready', { message: 'a' }]);
  });

  const FOREIGN = 'it does not speak ZMTP 3';
  it.each([
    ['HTTP at its first byte', Buffer.from('G'), FOREIGN],
    ['ZMTP 1.0, which begins with an empty identity', Buffer.from([1, 0]), FOREIGN],
    ['ZMTP 1.0 with a long frame', Buffer.from('\xff\0\0\0\0\0\0\0\x01\0', 'latin1'), FOREIGN],
    ['zeros', Buffer.alloc(64), FOREIGN],
    ['ZMTP 2.0 at its version', greetingOf({ major: 1 }).subarray(0, 11), 'it speaks ZMTP 2 or older, not ZMTP 3'],
    ['ZMTP 2.1', greetingOf({ major: 2 }), 'it speaks ZMTP 2 or older, not ZMTP 3'],
    ['PLAIN', greetingOf({ mechanism: 'PLAIN' }), 'it wants the security mechanism PLAIN, there is only NULL'],
    ['CURVE', greetingOf({ mechanism: 'CURVE' }), 'it wants the security mechanism CURVE, there is only NULL'],
    ['more than NULL', greetingOf({ mechanism: 'NULLS' }), 'it wants the security mechanism NULLS, there is only NULL'],
    [
      'a line break in it',
      greetingOf({ mechanism: 'A\nB' }),
      'it wants the security mechanism "A\\nB", there is only NULL',
    ],
    ['none', greetingOf({ mechanism: '' }), 'it wants the security mechanism "", there is only NULL'],
  ])('is refused: %s', (_what, greeting, fault) => {
    expect(eventsOf(greeting)).toEqual([{ fault }]);
    expect(eventsOf(...cutInto(greeting, [1]))).toEqual([{ fault }]);
  });
});

describe('the handshake', () => {
  it.each([
    ['Socket-Type alone', commandOf('READY', properties(['Socket-Type', 'PUSH']))],
    ['names in any case', commandOf('READY', properties(['SOCKET-type', 'PUSH']))],
    ['an identity', commandOf('READY', properties(['Identity', 'me'], ['Socket-Type', 'PUSH']))],
    ['properties of its own', commandOf('READY', properties(['X-A', 'b'.repeat(200)], ['Socket-Type', 'PUSH']))],
    ['a long frame', frameOf(4, readyOf().subarray(2), true)],
  ])('takes a READY with %s', (_what, ready) => {
    expect(eventsOf(greetingOf(), ready, messageOf('a'))).toEqual(['ready', { message: 'a' }]);
  });

  const MALFORMED = 'its READY has malformed metadata';
  it.each([
    ['PUB', readyOf('PUB'), 'it is "PUB", not PUSH'],
    ['PULL', readyOf('PULL'), 'it is "PULL", not PUSH'],
    ['push', readyOf('push'), 'it is "push", not PUSH'],
    ['no type', commandOf('READY'), 'it is no socket, not PUSH'],
    ['the name without a value', commandOf('READY', properties(['Socket-Type', 'PUSH']).subarray(0, 14)), MALFORMED],
    ['a value cut off', commandOf('READY', properties(['Socket-Type', 'PUSH']).subarray(0, -1)), MALFORMED],
    ['a property without a name', commandOf('READY', properties(['', 'PUSH'])), MALFORMED],
    ['a type twice', commandOf('READY', properties(['Socket-Type', 'PUSH'], ['socket-type', 'PUB'])), MALFORMED],
    ['a byte behind it', commandOf('READY', `${properties(['Socket-Type', 'PUSH'])}\x01`), MALFORMED],
    ['an error', commandOf('ERROR', '\x04stop'), 'it refused us: "stop"'],
    ['an error that claims more', commandOf('ERROR', Buffer.from([255, 10])), 'it refused us: "\\n"'],
    ['another command', commandOf('HELLO'), 'it sent another command before READY'],
    ['a PING', pingOf(0), 'it sent another command before READY'],
    ['a message', messageOf('a'), 'it sent a message before READY'],
    ['a READY that is a message', frameOf(0, readyOf().subarray(2)), 'it sent a message before READY'],
    ['no name', frameOf(4, ''), 'it sent a command without a name'],
    ['an empty name', frameOf(4, '\0'), 'it sent a command without a name'],
    ['a name cut off', frameOf(4, '\x06READY'), 'it sent a command without a name'],
    ['a command too large', claim(8_193n, 4), 'it sent a command of 8193 bytes'],
    ['a command of parts', frameOf(5, readyOf().subarray(2)), 'it sent a command of several parts'],
    ['reserved flags', frameOf(0x80, ''), 'it sent a frame with reserved flags (0x80)'],
  ])('is over with %s', (_what, bytes, fault) => {
    expect(eventsOf(greetingOf(), bytes, readyOf(), messageOf('a'))).toEqual([{ fault }]);
  });
});

describe('messages', () => {
  it.each([
    ['empty', ''],
    ['of one byte', 'a'],
    ['of 255 bytes', 'b'.repeat(255)],
    ['of 256 bytes', 'c'.repeat(256)],
    ['as large as may be', 'd'.repeat(MAX_MESSAGE)],
  ])('come out as they are: %s', (_what, message) => {
    expect(traffic(messageOf(message))).toEqual([{ message }]);
    expect(traffic(frameOf(0, message, true))).toEqual([{ message }]);
  });

  it('come out of one read with the handshake', () => {
    expect(eventsOf(Buffer.concat([HELLO, messageOf('a'), messageOf('b')]))).toEqual([
      'ready',
      { message: 'a' },
      { message: 'b' },
    ]);
  });

  it.each([
    ['two parts', messageOf('a', 'b'), 'parts'],
    ['an empty part in front', messageOf('', 'b'), 'parts'],
    ['parts that are too large', messageOf('a'.repeat(2_000), 'b'.repeat(2_000)), 'parts'],
    ['a hundred thousand parts', messageOf(...Array.from({ length: 100_000 }, () => '')), 'parts'],
    ['a byte too many', messageOf('a'.repeat(MAX_MESSAGE + 1)), 'size'],
  ] as const)('are passed by: %s', (_what, bytes, skipped) => {
    expect(traffic(bytes, messageOf('next'))).toEqual([{ skipped }, { message: 'next' }]);
  });

  it.each([
    ['more than a hundred thousand parts', messageOf(...Array.from({ length: 100_001 }, () => '')), /100000 parts/],
    ['a frame of 2^31 bytes', claim(2n ** 31n), /a frame of 2147483648 bytes/],
    ['a frame of 2^63 bytes', claim(2n ** 63n), /a frame of 9223372036854776000 bytes/],
    ['a frame of 2^64 - 1 bytes', claim(2n ** 64n - 1n), /a frame of/],
    ...[8, 16, 32, 64, 128].map((flag) => [`flag ${flag}`, frameOf(flag, 'a'), /reserved flags/] as const),
    ['a command without a name', frameOf(4, ''), /a command without a name/],
    ['a command of parts', frameOf(5, '\x04PING\0\0'), /a command of several parts/],
    ['a command too large', claim(8_193n, 4), /a command of 8193 bytes/],
    ['a PING without a time to live', commandOf('PING', '\0'), /a malformed PING/],
  ] as const)('end with %s', (_what, bytes, fault) => {
    const events = traffic(messageOf('before'), bytes, messageOf('behind'));
    expect(events).toEqual([{ message: 'before' }, { fault: expect.stringMatching(fault) }]);
  });

  it('are views where they came in one piece, and stay as they are where they did not', () => {
    const messages: Buffer[] = [];
    const handler = { send: () => {}, ready: () => {}, skipped: () => {}, expectWithin: () => {} };
    const session = new PullSession(MAX_MESSAGE, { ...handler, message: (message) => messages.push(message) });
    const bytes = Buffer.concat([HELLO, messageOf('whole'), messageOf('in pieces')]);
    const first = Buffer.from(bytes.subarray(0, -4));
    session.read(first);
    session.read(bytes.subarray(-4));
    expect(messages.map(String)).toEqual(['whole', 'in pieces']);
    first.fill(0);
    expect(messages.map(String)).toEqual(['\0\0\0\0\0', 'in pieces']);
  });

  it('do not come out any more once the session is stopped, not even those of the same read', () => {
    const messages: string[] = [];
    const session = new PullSession(MAX_MESSAGE, {
      send: () => {},
      ready: () => {},
      skipped: () => {},
      expectWithin: () => {},
      message: (message) => {
        messages.push(message.toString());
        session.stop();
      },
    });
    session.read(Buffer.concat([HELLO, messageOf('a'), messageOf('b')]));
    session.read(messageOf('c'));
    expect(messages).toEqual(['a']);
  });
});

describe('commands', () => {
  it.each([
    ['no context', pingOf(0), pongOf('')],
    ['a context', pingOf(0, 'x\0y'), pongOf('x\0y')],
    ['sixteen bytes of context', pingOf(0, '0123456789abcdef'), pongOf('0123456789abcdef')],
    ['more context than there may be', pingOf(0, '0123456789abcdefg'), pongOf('0123456789abcdef')],
  ])('PING is answered with PONG: %s', (_what, ping, pong) => {
    const recorded = new Recorded().read(HELLO, ping, messageOf('a'));
    expect(recorded.answers).toEqual(Buffer.concat([ANSWER, pong]));
    expect(recorded.events).toEqual(['ready', { message: 'a' }]);
  });

  it('PING says how long its sender may be silent', () => {
    expect(traffic(pingOf(300))).toEqual([{ within: 30_000 }]);
    expect(traffic(pingOf(0xffff))).toEqual([{ within: 6_553_500 }]);
  });

  it.each([
    ['PONG', pongOf('x')],
    ['SUBSCRIBE', commandOf('SUBSCRIBE', 'topic')],
    ['READY again', readyOf()],
    ['ERROR', commandOf('ERROR', '\x03why')],
    ['one to come', commandOf('NEW')],
  ])('others mean nothing: %s', (_what, command) => {
    const recorded = new Recorded().read(HELLO, command, messageOf('a'));
    expect(recorded.answers).toEqual(ANSWER);
    expect(recorded.events).toEqual(['ready', { message: 'a' }]);
  });

  it('may stand between the parts of a message', () => {
    expect(traffic(frameOf(1, 'a'), pingOf(1), frameOf(0, 'b'))).toEqual([{ within: 100 }, { skipped: 'parts' }]);
  });
});

describe('any bytes', () => {
  const part = fc.oneof(
    { weight: 5, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 250, maxLength: 300 }) },
    { weight: 1, arbitrary: fc.integer({ min: 990, max: 1_010 }).map((size) => new Uint8Array(size).fill(97)) },
  );
  const step = fc.oneof(
    fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => {
      const [only] = parts;
      const skipped: Event = { skipped: parts.length > 1 ? 'parts' : 'size' };
      const taken = only !== undefined && parts.length === 1 && only.length <= MAX_MESSAGE;
      const event: Event = taken ? { message: Buffer.from(only).toString('latin1') } : skipped;
      return { bytes: messageOf(...parts.map((one) => Buffer.from(one))), events: [event], answer: Buffer.alloc(0) };
    }),
    fc
      .tuple(fc.integer({ min: 0, max: 0xffff }), fc.string({ maxLength: 16, unit: 'grapheme-ascii' }))
      .map(([ttl, context]) => ({
        bytes: pingOf(ttl, context),
        events: (ttl === 0 ? [] : [{ within: ttl * 100 }]) as Event[],
        answer: pongOf(context),
      })),
  );

  it('come to the same however they are cut', () => {
    fc.assert(
      fc.property(fc.array(step), fc.array(fc.nat(5_000)), (steps, cuts) => {
        const bytes = Buffer.concat([HELLO, ...steps.map((one) => one.bytes)]);
        const recorded = new Recorded().read(...cut(bytes, cuts));
        expect(recorded.events).toEqual(['ready', ...steps.flatMap((one) => one.events)]);
        expect(recorded.answers).toEqual(Buffer.concat([ANSWER, ...steps.map((one) => one.answer)]));
      }),
    );
  });

  it('come to the same byte by byte', () => {
    const bytes = Buffer.concat([HELLO, messageOf('a'), pingOf(1), messageOf('b', 'c'), messageOf('d'.repeat(300))]);
    expect(eventsOf(...cutInto(bytes, [1]))).toEqual(eventsOf(bytes));
  });

  it('broken anywhere, they end in events and at most one fault, the same however they are cut', () => {
    const pieces = Buffer.concat([HELLO, messageOf('a'), pingOf(1, 'x'), messageOf('b', 'c'), messageOf('d')]);
    const broken = fc.tuple(fc.nat(pieces.length - 1), fc.nat(255)).map(([at, byte]) => {
      const bytes = Buffer.from(pieces);
      bytes[at] = byte;
      return bytes;
    });
    const any = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.concat([HELLO, Buffer.from(bytes)]));
    fc.assert(
      fc.property(fc.oneof(broken, any), fc.array(fc.nat(300)), (bytes, cuts) => {
        const whole = eventsOf(bytes);
        expect(eventsOf(...cut(bytes, cuts))).toEqual(whole);
        expect(whole.filter((event) => typeof event === 'object' && 'fault' in event).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1_000 },
    );
  });
});
