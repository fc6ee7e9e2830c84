/**
 * What a WebSocket origin may say, and what it may not (RFC 6455). Its frames have no mask, ours to it have one. A message
 * reaches the client whole. An origin that breaks the rules is told so with a close; its client loses the connection
 * without one, as when the origin is lost in any other way.
 */
import type { DeepPartial, Settings } from '../../../src/index.js';
import type { Group, OriginCase } from '../case.js';
import { byteByByte, bytesOf, cutAt } from '../notation.js';

const CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const BAD_CODES = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
const BAD_TEXTS = ['80', 'c3', 'c328', 'e282', 'c0af', 'e080af', 'eda080', 'f4908080', 'f888808080', 'fe', 'ff'];
const BITS = ['+1', '+2', '+3', '+1+2', '+2+3', '+1+2+3'];
const CUT = ['text:hello', 'binary:x*126', 'ping:hi'];

/** A frame, or several, that come through. */
function passes(name: string, send: string, client = send): OriginCase {
  return { name, send, client: `${client} open`, origin: 'open' };
}

/** What ends the connection: with this code at the origin, without any at the client. */
function breaks(name: string, send: string, code = 1002, before = ''): OriginCase {
  return { name, send, client: `${before} closed`.trim(), origin: `close:(${code}) closed` };
}

/** A close of the origin that its client hears and answers. */
function closes(name: string, send: string, heard = send): OriginCase {
  return { name, send, client: `${heard} waits`, answer: 'close:(1000)', origin: 'close:(1000) closed' };
}

const framing: readonly OriginCase[] = [
  passes('5.7 the example of a text without a mask', '#810548656c6c6f', 'text:Hello'),
  passes('5.7 the example in pieces', '#010348656c #80026c6f', 'text:Hello'),
  ...[0, 1, 125, 126, 127, 65_535, 65_536, 200_000, 1_000_000].map((size) =>
    passes(`5.2 a binary message of ${size} bytes`, `binary:y*${size}`),
  ),
  passes('5.2 three frames at once', 'text:one binary:#0002 text:three'),
  ...CUT.flatMap((word) =>
    Array.from({ length: Math.min(bytesOf(word, 'server').length - 1, 5) }, (_, at) =>
      passes(`5.2 ${word} cut behind byte ${at + 1}`, cutAt(word, at + 1, 'server'), word),
    ),
  ),
  passes('5.2 every byte by itself', byteByByte('text:hello binary:ab', 'server'), 'text:hello binary:ab'),
  ...['text!:hello', 'text!', 'binary!:x', 'ping!:x', 'pong!', 'close!:(1000)', 'text-!:he', 'text@00000000!:x'].map(
    (send) => breaks(`5.1 a frame with a mask: ${send}`, send),
  ),
  breaks('5.1 a frame with a mask behind a good one', 'text:good text!:bad text:late', 1002, 'text:good'),
  {
    name: '7.1.1 the end of the connection in the middle of a frame',
    send: 'text<4:hello fin',
    client: 'closed',
    origin: 'closed',
  },
  {
    name: '7.1.1 the end of the connection between two frames',
    send: 'text:hello fin',
    client: 'text:hello closed',
    origin: 'closed',
  },
];

const control: readonly OriginCase[] = [
  ...(['ping', 'pong'] as const).flatMap((kind) => [
    passes(`5.5 a ${kind} without content`, kind),
    passes(`5.5 a ${kind} of 125 bytes`, `${kind}:p*125`),
    passes(`5.5 a ${kind} whose content is no text`, `${kind}:#00fffec3`),
    passes(`5.4 a ${kind} between the pieces of a message`, `text-:he ${kind}:now cont:llo`, `${kind}:now text:hello`),
    breaks(`5.5 a ${kind} of 126 bytes`, `${kind}:p*126`),
    breaks(`5.5 a short ${kind} with a length of 16 bits`, `${kind}~16:hi`),
    breaks(`5.5 the first piece of a ${kind}`, `${kind}-:hi`),
  ]),
  ...BITS.flatMap((bits) => [
    breaks(`5.2 a text with bits ${bits}`, `text${bits}:x`),
    breaks(`5.2 a ping with bits ${bits}`, `ping${bits}`),
    breaks(`5.2 a piece with bits ${bits}`, `text-:x cont${bits}:y`),
  ]),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
    breaks(`5.2 opcode ${opcode}`, `op${opcode}:x`),
    breaks(`5.2 opcode ${opcode} within a message`, `text-:x op${opcode} cont:z`),
  ]),
];

const messages: readonly OriginCase[] = [
  passes('5.4 a text in three pieces', 'text-:a cont-:b cont:c', 'text:abc'),
  passes('5.4 nothing but empty pieces', 'binary- cont- cont', 'binary'),
  passes('5.4 a message in pieces behind another', 'text-:a cont:b binary-:c cont:d', 'text:ab binary:cd'),
  passes('5.4 a thousand pieces', 'binary-:x cont-:x^998 cont:x', 'binary:x*1000'),
  passes('5.4 a message that does not end', 'text-:he', ''),
  ...['cont:x', 'cont', 'cont-'].map((word) => breaks(`5.4 ${word} with nothing to continue`, word)),
  ...['text:b', 'binary-:b', 'text'].map((word) => breaks(`5.4 ${word} within a text`, `text-:a ${word} cont:c`)),
  ...BAD_TEXTS.flatMap((digits) => [
    breaks(`8.1 text that is not UTF-8: ${digits}`, `text:#${digits}`, 1007),
    breaks(`8.1 the same in pieces: ${digits}`, `text-:#${digits} cont`, 1007),
    passes(`5.6 the same in a binary message: ${digits}`, `binary:#${digits}`),
  ]),
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((at) => {
    const text = Buffer.from('ß€😀').toString('hex');
    const [front, back] = [text.slice(0, at * 2), text.slice(at * 2)];
    return passes(`8.1 characters cut behind byte ${at}`, `text-:#${front} cont:#${back}`, 'text:ß€😀');
  }),
];

const closing: readonly OriginCase[] = [
  closes('5.5.1 a close without a code', 'close', 'close:(1000)'),
  ...CODES.map((code) => closes(`7.4 close ${code} with a reason`, `close:(${code}),bye`)),
  closes('5.5 a reason of 123 bytes', 'close:(4000),r*123'),
  closes('5.5.1 a reason beyond ASCII', 'close:(4000),für€😀'),
  closes('5.5.1 a message behind the close', 'close:(1000) text:late', 'close:(1000)'),
  closes('5.5.1 nonsense behind the close', 'close:(1000) #ffffffffffff', 'close:(1000)'),
  closes('5.5.1 a message before the close', 'text:hello close:(4001)'),
  closes('5.5.1 a close within a message', 'text-:a close:(1000)', 'close:(1000)'),
  ...BAD_CODES.map((code) => breaks(`7.4 close ${code}`, `close:(${code}),bye`)),
  breaks('5.5.1 a close with half a code', 'close:#03'),
  breaks('5.5 a reason of 124 bytes', 'close:(1000),r*124'),
  breaks('5.5 a close to be continued', 'close-:(1000)'),
  ...BAD_TEXTS.map((digits) => breaks(`8.1 a reason that is not UTF-8: ${digits}`, `close:(1000),#${digits}`, 1007)),
];

/** With `maxRelayedMessageBytes` 1000. */
const limits: readonly OriginCase[] = [
  passes('10.4 a message of the largest size', 'binary:x*1000'),
  passes('10.4 pieces of the largest size together', 'text-:x*500 cont:x*500', 'text:x*1000'),
  passes('10.4 pings within a message do not count', 'text-:x*999 ping:p*125 cont:x', 'ping:p*125 text:x*1000'),
  breaks('7.4.1 a message that is too large', 'binary:x*1001', 1009),
  breaks('7.4.1 pieces that are too large together', 'text-:x*500 cont-:x*501', 1009),
  ...['1001', '65536', '2147483648', '9007199254740991', '9223372036854775807'].map((size) =>
    breaks(`7.4.1 a message that says it has ${size} bytes`, `binary=${size}`, 1009),
  ),
  breaks('7.4.1 five thousand empty pieces', 'binary- cont-^5000', 1008),
];

const HELLO = 'f248cdc9c90700';

/** The origin has agreed to compress; the client behind the proxy has not. */
const compression: readonly OriginCase[] = [
  passes('7.2.3.1 the example of one block', `text+1:#${HELLO}`, 'text:Hello'),
  passes('7.2.3.1 the example in two pieces', 'text-+1:#f248cd cont:#c9c90700', 'text:Hello'),
  passes('7.2.3.3 the example of a block without compression', 'text+1:#000500faff48656c6c6f00', 'text:Hello'),
  passes('7.2.3.4 the example of a final block, twice', 'text+1:#f348cdc9c9070000^2', 'text:Hello^2'),
  passes('7.2.3.5 the example of two blocks', 'text+1:#f24805000000ffffcac9c90700', 'text:Hello'),
  passes('7.2.3.6 the example of an empty message', 'text+1:#00', 'text'),
  passes('6 messages that are not compressed', 'text:plain text+1:{one} binary:two', 'text:plain text:one binary:two'),
  passes('6 a ping between compressed pieces', 'text-+1:#f248cd ping:x cont:#c9c90700', 'ping:x text:Hello'),
  ...[1, 2, 3, 4, 5, 6].map((at) =>
    passes(
      `6.2 pieces cut behind byte ${at}`,
      `text-+1:#${HELLO.slice(0, at * 2)} cont:#${HELLO.slice(at * 2)}`,
      'text:Hello',
    ),
  ),
  ...[1, 1_000, 65_536, 1_000_000].map((size) =>
    passes(`7.2.2 a message of ${size} bytes`, `binary+1:{x*${size}}`, `binary:x*${size}`),
  ),
  passes('7.2.1 fifty messages at once', 'text+1:{again}^50', 'text:again^50'),
  passes('8.1 text that is UTF-8 once it is inflated', 'text+1:{für€😀}', 'text:für€😀'),
  breaks('8.1 text that is no UTF-8 once it is inflated', 'text+1:{#eda080}', 1007),
  breaks('7.2.2 what cannot be inflated', 'text+1:#07', 1007),
  breaks('6.1 a compressed ping', 'ping+1:p'),
  breaks('6.1 a compressed close', 'close+1:(1000)'),
  breaks('6.1 a later piece with the bit', 'text-+1:#f248cd cont+1:#c9c90700'),
  breaks('5.2 a bit that means nothing', `text+2:#${HELLO}`),
  breaks('5.2 a bit that means nothing besides', `text+1+2:#${HELLO}`),
  breaks('7.4.1 seventeen million bytes out of few', 'binary+1:{#00*17000000}', 1009),
  breaks('7.4.1 many empty compressed pieces', 'binary-+1 cont-^33000', 1008),
  closes('5.5.1 a close behind a compressed message', `text+1:#${HELLO} close:(1000)`, 'text:Hello close:(1000)'),
];

export interface OriginGroup extends Group<OriginCase> {
  readonly settings?: DeepPartial<Settings>;
  /** Lines that the origin's answer to the handshake has besides. */
  readonly more?: readonly string[];
}

export const originGroups: readonly OriginGroup[] = [
  { name: 'framing', rows: framing },
  { name: 'control frames, bits and opcodes', rows: control },
  { name: 'messages', rows: messages },
  { name: 'closing', rows: closing },
  { name: 'limits', rows: limits, settings: { websocket: { maxRelayedMessageBytes: 1_000 } } },
  {
    name: 'compression',
    rows: compression,
    settings: { websocket: { allowCompression: true } },
    more: ['Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover'],
  },
];
