/** Messages in pieces, and what is too much of anything (RFC 6455 5.4, 7.4.1, 10.4). */
import type { ClientCase } from '../case.js';
import { byteByByte } from '../notation.js';

const FAILS = 'close:(1002) closed';

export const fragments: readonly ClientCase[] = [
  { name: '5.4 a text in two pieces', send: 'text-:he cont:llo', expect: 'text:hello open' },
  { name: '5.4 a binary message in two pieces', send: 'binary-:#00 cont:#ff', expect: 'binary:#00ff open' },
  { name: '5.4 a text in three pieces', send: 'text-:a cont-:b cont:c', expect: 'text:abc open' },
  { name: '5.4 a text in a hundred pieces', send: 'text-:a cont-:a^98 cont:a', expect: 'text:a*100 open' },
  { name: '5.4 pieces that come one by one', send: 'text-:a | cont-:b | cont:c', expect: 'text:abc open' },
  { name: '5.4 pieces cut everywhere', send: byteByByte('text-:ab cont:cd', 'client'), expect: 'text:abcd open' },
  { name: '5.4 an empty first piece', send: 'text- cont:hello', expect: 'text:hello open' },
  { name: '5.4 an empty piece in the middle', send: 'text-:he cont- cont:llo', expect: 'text:hello open' },
  { name: '5.4 an empty last piece', send: 'text-:hello cont', expect: 'text:hello open' },
  { name: '5.4 nothing but empty pieces', send: 'text- cont- cont- cont', expect: 'text open' },
  { name: '5.4 an empty binary message in pieces', send: 'binary- cont', expect: 'binary open' },
  {
    name: '5.4 pieces with masks of their own',
    send: 'text-@01020304:he cont@fefdfcfb:llo',
    expect: 'text:hello open',
  },
  {
    name: '5.4 one message in pieces behind another',
    send: 'text-:a cont:b binary-:c cont:d',
    expect: 'text:ab binary:cd open',
  },
  { name: '5.4 a whole message behind one in pieces', send: 'text-:a cont:b text:c', expect: 'text:ab text:c open' },
  { name: '5.4 large pieces', send: 'binary-:x*70000 cont-:x*70000 cont:x*60000', expect: 'binary:x*200000 open' },
  { name: '5.4 a message that does not end', send: 'text-:he cont-:l', expect: 'open' },
  ...['cont:x', 'cont', 'cont-:x', 'cont-'].flatMap((word) => [
    { name: `5.4 ${word} with nothing to continue`, send: word, expect: FAILS },
    { name: `5.4 ${word} behind a whole message`, send: `text:good ${word}`, expect: `text:good ${FAILS}` },
    { name: `5.4 ${word} behind a message in pieces`, send: `text-:a cont:b ${word}`, expect: `text:ab ${FAILS}` },
  ]),
  ...['text:b', 'text-:b', 'binary:b', 'binary-:b', 'text', 'binary-'].flatMap((word) => [
    { name: `5.4 ${word} within a text`, send: `text-:a ${word} cont:c`, expect: FAILS },
    { name: `5.4 ${word} within a binary message`, send: `binary-:a cont-:a ${word}`, expect: FAILS },
  ]),
  { name: '5.5.1 a close within a message', send: 'text-:a close:(1000) cont:b', expect: 'close:(1000) closed' },
  { name: '7.1.1 the end of the connection within a message', send: 'text-:a cont-:b fin', expect: 'closed' },
];

/** With `maxMessageBytes` 1000. */
export const limits: readonly ClientCase[] = [
  { name: '10.4 a message of the largest size', send: 'binary:x*1000', expect: 'binary:x*1000 open' },
  { name: '10.4 a text of the largest size', send: 'text:x*1000', expect: 'text:x*1000 open' },
  ...['binary:x*1001', 'text:x*1001', 'binary:x*65536', 'binary:x*100000'].map((send) => ({
    name: `7.4.1 too large: ${send}`,
    send,
    expect: 'close:(1009) closed',
  })),
  ...[
    '1001',
    '65535',
    '65536',
    '2147483647',
    '2147483648',
    '4294967296',
    '9007199254740991',
    '9223372036854775807',
  ].map((size) => ({
    name: `7.4.1 a message that says it has ${size} bytes, before it has come`,
    send: `binary=${size}`,
    expect: 'close:(1009) closed',
  })),
  {
    name: '10.4 pieces of the largest size together',
    send: 'text-:x*500 cont-:x*499 cont:x',
    expect: 'text:x*1000 open',
  },
  {
    name: '7.4.1 pieces one byte too large together',
    send: 'text-:x*500 cont-:x*500 cont:x',
    expect: 'close:(1009) closed',
  },
  { name: '7.4.1 a last piece that says it is too large', send: 'text-:x*500 cont=501', expect: 'close:(1009) closed' },
  { name: '10.4 each message is counted by itself', send: 'binary:x*1000^5', expect: 'binary:x*1000^5 open' },
  {
    name: '10.4 pings within a message do not count',
    send: 'binary-:x*999 ping:p*125^3 cont:x',
    expect: 'ping:p*125^3 binary:x*1000 open',
  },
  {
    name: '10.4 empty pieces do not make it larger',
    send: 'binary-:x*1000 cont-^20 cont',
    expect: 'binary:x*1000 open',
  },
  { name: '10.4 a thousand pieces of one byte', send: 'binary-:x cont-:x^998 cont:x', expect: 'binary:x*1000 open' },
  { name: '7.4.1 five thousand empty pieces', send: 'binary- cont-^5000 cont', expect: 'close:(1008) closed' },
  {
    name: '7.4.1 good messages before one that is too large',
    send: 'text:a binary=1001 text:b',
    expect: 'text:a close:(1009) closed',
  },
  {
    name: '7.4.1 a message that is too large within a close',
    send: 'close:(1000) binary=1001',
    expect: 'close:(1000) closed',
  },
];
