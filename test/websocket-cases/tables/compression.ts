/** Compressed messages (RFC 7692), with a client that offered permessage-deflate. Nobody keeps a window (7.1.1). */
import type { ClientCase } from '../case.js';
import { hex } from '../notation.js';

const HELLO = 'f248cdc9c90700';
const bytes = Buffer.from(HELLO, 'hex');

/** What is compressed comes back as it was; the test target's answers stay below the threshold. */
export const compression: readonly ClientCase[] = [
  { name: '7.2.3.1 the example of one block', send: `text+1:#${HELLO}`, expect: 'text:Hello open' },
  { name: '7.2.3.1 the example in two pieces', send: 'text-+1:#f248cd cont:#c9c90700', expect: 'text:Hello open' },
  { name: '7.2.3.2 the same message twice', send: `text+1:#${HELLO}^2`, expect: 'text:Hello^2 open' },
  {
    name: '7.2.3.2 a message that needs the window of the one before, which was agreed to be gone',
    send: `text+1:#${HELLO} text+1:#f200110000`,
    expect: ['text:Hello close:(1007) closed', 'text:Hello close:(1002) closed'],
  },
  {
    name: '7.2.3.3 the example of a block without compression',
    send: 'text+1:#000500faff48656c6c6f00',
    expect: 'text:Hello open',
  },
  { name: '7.2.3.4 the example of a final block', send: 'text+1:#f348cdc9c9070000', expect: 'text:Hello open' },
  {
    name: '7.2.3.4 a final block before another message',
    send: `text+1:#f348cdc9c9070000 text+1:#${HELLO}`,
    expect: 'text:Hello^2 open',
  },
  { name: '7.2.3.5 the example of two blocks', send: 'text+1:#f24805000000ffffcac9c90700', expect: 'text:Hello open' },
  { name: '7.2.3.6 the example of an empty message', send: 'text+1:#00', expect: 'text open' },
  { name: '7.2.3.6 an empty binary message', send: 'binary+1:#00', expect: 'binary open' },
  { name: '6 a message that is not compressed', send: 'text:plain', expect: 'text:plain open' },
  {
    name: '6 compressed and plain messages in turn',
    send: 'text+1:{one} text:two binary+1:{three} binary:four',
    expect: 'text:one text:two binary:three binary:four open',
  },
  { name: '6 a plain message in pieces', send: 'text-:pl cont:ain', expect: 'text:plain open' },
  {
    name: '6 a ping between compressed pieces',
    send: 'text-+1:#f248cd ping:now cont:#c9c90700',
    expect: 'ping:now text:Hello open',
  },
  { name: '6 an empty first piece', send: `text-+1 cont:#${HELLO}`, expect: 'text:Hello open' },
  { name: '6 an empty piece in the middle', send: 'text-+1:#f248 cont- cont:#cdc9c90700', expect: 'text:Hello open' },
  { name: '6 an empty last piece', send: `text-+1:#${HELLO} cont`, expect: 'text:Hello open' },
  ...[1, 2, 3, 4, 5, 6].map((at) => ({
    name: `6.2 pieces cut behind byte ${at}`,
    send: `text-+1:${hex(bytes.subarray(0, at))} cont:${hex(bytes.subarray(at))}`,
    expect: 'text:Hello open',
  })),
  {
    name: '6.2 pieces of one byte',
    send: `text-+1 ${[...bytes].map((one) => `cont-:${hex(Buffer.from([one]))}`).join(' ')} cont`,
    expect: 'text:Hello open',
  },
  ...[0, 1, 125, 1_000, 65_535, 65_536, 200_000].map((size) => ({
    name: `7.2.2 a message of ${size} bytes`,
    send: size === 0 ? 'binary+1:#00' : `binary+1:{x*${size}}`,
    expect: `binary:x*${size} open`,
  })),
  ...[9, 10, 11, 12, 13, 14, 15].map((bits) => ({
    name: `7.1.2 a window of ${bits} bits`,
    send: `text+1:${bits}{lorem-ipsum-*900}`,
    expect: `text:lorem-ipsum-*900 open`,
  })),
  { name: '7.2.1 fifty messages at once', send: 'text+1:{again-and-again}^50', expect: 'text:again-and-again^50 open' },
  { name: '8.1 text that is UTF-8 once it is inflated', send: 'text+1:{für€😀}', expect: 'text:für€😀 open' },
  ...['ff', 'c3', 'eda080', 'f4908080'].map((digits) => ({
    name: `8.1 text that is no UTF-8 once it is inflated: ${digits}`,
    send: `text+1:{#${digits}}`,
    expect: 'close:(1007) closed',
  })),
  { name: '5.6 a binary message that is no UTF-8', send: 'binary+1:{#ff00c3}', expect: 'binary:#ff00c3 open' },
  ...['07', '06ff', 'ffffffff', '6e6f74206465666c61746564'].map((digits) => ({
    name: `7.2.2 what cannot be inflated: ${digits}`,
    send: `text+1:#${digits}`,
    expect: ['close:(1007) closed', 'close:(1002) closed'],
  })),
  {
    name: '7.2.2 good messages before one that cannot be inflated',
    send: `text+1:#${HELLO} text+1:#07`,
    expect: ['text:Hello close:(1007) closed', 'text:Hello close:(1002) closed'],
  },
  ...['ping+1:p', 'pong+1:p', 'close+1:(1000)', 'ping+1'].map((send) => ({
    name: `6.1 a control frame with the bit: ${send}`,
    send,
    expect: 'close:(1002) closed',
  })),
  { name: '6.1 a later piece with the bit', send: 'text-+1:#f248cd cont+1:#c9c90700', expect: 'close:(1002) closed' },
  {
    name: '6.1 a later piece with the bit where the first has none',
    send: 'text-:a cont+1:{b}',
    expect: 'close:(1002) closed',
  },
  ...['+2', '+3', '+1+2', '+1+3', '+1+2+3'].map((bits) => ({
    name: `5.2 bits that mean nothing: ${bits}`,
    send: `text${bits}:#${HELLO}`,
    expect: 'close:(1002) closed',
  })),
  { name: '5.1 a compressed frame without a mask', send: `text+1!:#${HELLO}`, expect: 'close:(1002) closed' },
  {
    name: '5.5.1 a close behind a compressed message',
    send: `text+1:#${HELLO} close:(1000)`,
    expect: 'text:Hello close:(1000) closed',
  },
  {
    name: '7.1.1 the end of the connection within a compressed message',
    send: 'text-+1:#f248cd fin',
    expect: 'closed',
  },
];

/** With `maxMessageBytes` 1000. */
export const compressedLimits: readonly ClientCase[] = [
  { name: '10.4 the largest size, inflated', send: 'binary+1:{x*1000}', expect: 'binary:x*1000 open' },
  { name: '7.4.1 one byte more, inflated', send: 'binary+1:{x*1001}', expect: 'close:(1009) closed' },
  {
    name: '7.4.1 a hundred thousand bytes out of a hundred',
    send: 'binary+1:{x*100000}',
    expect: 'close:(1009) closed',
  },
  {
    name: '7.4.1 ten million bytes out of ten thousand',
    send: 'binary+1:{#00*10000000}',
    expect: 'close:(1009) closed',
  },
  {
    name: '7.4.1 inflated in pieces',
    send: 'binary-+1:{x*600},#0000ffff cont-:{x*600}',
    expect: 'close:(1009) closed',
  },
  {
    name: '7.4.1 a compressed message that says it is too large',
    send: 'binary+1=1001',
    expect: 'close:(1009) closed',
  },
  {
    name: '7.4.1 five thousand empty compressed pieces',
    send: 'binary-+1 cont-^5000 cont',
    expect: 'close:(1008) closed',
  },
  {
    name: '10.4 each compressed message is counted by itself',
    send: 'binary+1:{x*1000}^5',
    expect: 'binary:x*1000^5 open',
  },
];

/** With `compressionThreshold` 0: what comes back is compressed where that makes it shorter. */
export const compressedAnswers: readonly ClientCase[] = [
  { name: '6.1 a text that gets shorter', send: 'text:x*100', expect: 'deflated-text:x*100 open' },
  { name: '6.1 a binary message that gets shorter', send: 'binary:x*70000', expect: 'deflated-binary:x*70000 open' },
  { name: '6.1 each message by itself', send: 'text+1:{x*500}^3', expect: 'deflated-text:x*500^3 open' },
  { name: '6.1 a ping is never compressed', send: 'ping:x*125', expect: 'ping:x*125 open' },
  { name: '6.1 a pong is never compressed', send: 'pong:x*125', expect: 'pong:x*125 open' },
  { name: '6.1 a close is never compressed', send: 'close:(1000),x*123', expect: 'close:(1000),x*123 closed' },
];
