/** What origins write on WebSockets: events of WebSocket-over-HTTP, control messages, and the frames made of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseControlMessage } from '../../src/protocol/control-message.js';
import {
  decodeCloseContent,
  decodeEvents,
  encodeCloseContent,
  encodeEvents,
  type WebSocketEvent,
} from '../../src/protocol/websocket-events.js';
import { encodeCloseFrame, encodeFrame, isValidCloseCode, WS_OPCODES } from '../../src/protocol/websocket-frame.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import {
  byteMutationsOf,
  expectCleanPrototypes,
  jsonList,
  jsonObject,
  jsonString,
  longTextOf,
  outcomeOf,
} from './inputs.js';

const share = new FuzzShare('websocket-text', 5);

const PIECES = [
  ...['\r\n', '\r', '\n', ' ', '0', '5', 'a', 'ff', '0x', '7fffffff', '80000000', 'fffffffff', '-1', '\0', '\xff'],
  ...['OPEN', 'TEXT', 'BINARY', 'PING', 'PONG', 'CLOSE', 'DISCONNECT', 'OTHER', 'TEXT 5\r\nhello\r\n', 'c:', 'm:'],
  ...['{', '}', '"type"', '"subscribe"', ':', ',', '"__proto__"', '[', ']', '"'],
];

const content = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes));
const events: fc.Arbitrary<WebSocketEvent[]> = fc.array(
  fc.oneof(
    fc.record({ type: fc.constantFrom('TEXT', 'BINARY', 'PING', 'PONG', 'CLOSE', 'OTHER'), content }),
    fc.record({ type: fc.constantFrom('OPEN', 'DISCONNECT', 'TEXT', 'CLOSE'), content: fc.constant(undefined) }),
  ),
  { maxLength: 6 },
);

const text = jsonString(fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('', 'a', 'AA==', '\ud800')));
const control = jsonObject({
  type: jsonString(
    fc.constantFrom(
      ...['subscribe', 'unsubscribe', 'detach', 'session', 'set-meta', 'keep-alive', 'send-delayed', 'flush-delayed'],
      'other',
    ),
  ),
  channel: text,
  filters: jsonList(jsonString(fc.constantFrom('skip-self', 'x')), 7),
  id: text,
  name: text,
  value: text,
  content: text,
  'content-bin': text,
  'message-type': jsonString(fc.constantFrom('text', 'binary', 'ping', 'pong', 'other')),
  timeout: fc.oneof(fc.integer().map(String), fc.constantFrom('0', '0.2', '1e10', '"7"', 'true', '-0')),
  mode: jsonString(fc.constantFrom('idle', 'interval', 'other')),
});

describe('events of WebSocket-over-HTTP', () => {
  it(
    'come back as they were written, wherever the body is put together',
    () =>
      share.check(
        fc.property(events, events, (one, other) => {
          const whole = Buffer.concat([encodeEvents(one), encodeEvents(other)]);
          expect(decodeEvents(whole)).toEqual([...one, ...other]);
          expect(encodeEvents([...one, ...other]).equals(whole)).toBe(true);
        }),
      ),
    share.timeout,
  );

  it(
    'are read or refused when some of the bytes are wrong, and never make content that was not there',
    () =>
      share.check(
        fc.property(byteMutationsOf(events.map(encodeEvents), PIECES), (body) => {
          const outcome = outcomeOf(() => decodeEvents(body), 'HOLDFAST_EVENTS_INVALID');
          if (outcome.kind === 'refused') return;
          const bytes = outcome.value.reduce((sum, event) => sum + (event.content?.length ?? 0), 0);
          expect(bytes).toBeLessThanOrEqual(body.length);
          for (const event of outcome.value) decodeCloseContent(event.content);
        }),
      ),
    share.timeout,
  );
});

describe('a control message', () => {
  it(
    'is a message within its bounds, or the reason why it is none',
    () =>
      share.check(
        fc.property(byteMutationsOf(control.map(Buffer.from), PIECES), (json) => {
          const reading = parseControlMessage(json);
          expectCleanPrototypes();
          if (reading.kind === 'invalid') {
            expect(reading.reason).toMatch(/^(?:grip control message is not valid json|failed to parse grip control )/);
            return;
          }
          const { message } = reading;
          if ('timeout' in message) expect(message.timeout >= 1 && message.timeout <= 0x7fffffff).toBe(true);
          if ('channel' in message) expect(message.channel).not.toBe('');
        }),
      ),
    share.timeout,
  );

  it(
    'or a body of events is read in time when it is long',
    () =>
      share.check(
        fc.property(longTextOf(PIECES), (input) => {
          const bytes = Buffer.from(input, 'latin1');
          expect(['message', 'invalid']).toContain(parseControlMessage(bytes).kind);
          expect(['value', 'refused']).toContain(outcomeOf(() => decodeEvents(bytes), 'HOLDFAST_EVENTS_INVALID').kind);
        }),
      ),
    share.timeout,
  );
});

describe('a frame', () => {
  it(
    'has the length of its content, a close its code and as much of its reason as there is room for',
    () =>
      share.check(
        fc.property(
          fc.constantFrom(...Object.values(WS_OPCODES)),
          fc
            .oneof(fc.nat({ max: 300 }), fc.integer({ min: 65_530, max: 65_540 }))
            .map((size) => Buffer.alloc(size, 'x')),
          fc.integer({ min: -1, max: 0x10001 }),
          fc.string({ unit: 'binary', maxLength: 140 }),
          (opcode, payload, code, reason) => {
            const frame = encodeFrame(opcode, payload);
            const carried = opcode < 8 ? payload.length : Math.min(payload.length, 125);
            expect(payloadOf(frame).length).toBe(carried);
            const body = payloadOf(encodeCloseFrame(code, reason));
            const close = decodeCloseContent(body);
            expect(close.code).toBe(isValidCloseCode(code) ? code : undefined);
            expect(reason.startsWith(close.reason)).toBe(true);
            const whole = encodeCloseContent(code, reason);
            if (whole !== undefined) expect(decodeCloseContent(whole)).toEqual({ code, reason });
          },
        ),
      ),
    share.timeout,
  );
});

/** The payload of an unmasked frame, by the length it claims. */
function payloadOf(frame: Buffer): Buffer {
  const short = (frame[1] ?? 0) & 0x7f;
  if (short < 126) return frame.subarray(2, 2 + short);
  return short === 126 ? frame.subarray(4, 4 + frame.readUInt16BE(2)) : frame.subarray(10, 10 + frame.readUInt32BE(6));
}
