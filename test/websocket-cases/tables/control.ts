/** Pings, pongs, reserved bits and opcodes (RFC 6455 5.2, 5.5). The test target gives pings and pongs back as they come. */
import type { ClientCase } from '../case.js';

const FAILS = 'close:(1002) closed';
const BITS = ['+1', '+2', '+3', '+1+2', '+1+3', '+2+3', '+1+2+3'];

export const pings: readonly ClientCase[] = [
  ...(['ping', 'pong'] as const).flatMap((kind) => [
    { name: `5.5 a ${kind} without content`, send: kind, expect: `${kind} open` },
    { name: `5.5 a ${kind} with content`, send: `${kind}:hello`, expect: `${kind}:hello open` },
    { name: `5.5 a ${kind} whose content is no text`, send: `${kind}:#00fffec3`, expect: `${kind}:#00fffec3 open` },
    { name: `5.5 a ${kind} of 125 bytes`, send: `${kind}:p*125`, expect: `${kind}:p*125 open` },
    { name: `5.5 a ${kind} of 126 bytes`, send: `${kind}:p*126`, expect: FAILS },
    { name: `5.5 a ${kind} of 70,000 bytes`, send: `${kind}:p*70000`, expect: FAILS },
    { name: `5.5 a ${kind} that says it has 126 bytes`, send: `${kind}=126`, expect: FAILS },
    { name: `5.5 a short ${kind} with a length of 16 bits`, send: `${kind}~16:hi`, expect: FAILS },
    { name: `5.5 a short ${kind} with a length of 64 bits`, send: `${kind}~64:hi`, expect: FAILS },
    { name: `5.5 the first piece of a ${kind}`, send: `${kind}-:hi`, expect: FAILS },
    { name: `5.5 a ${kind} in two pieces`, send: `${kind}-:hi cont:ho`, expect: FAILS },
    { name: `5.5 a ${kind} in pieces within a message`, send: `text-:he ${kind}-:hi cont:llo`, expect: FAILS },
    {
      name: `5.4 a ${kind} between the pieces of a message`,
      send: `text-:he ${kind}:now cont:llo`,
      expect: `${kind}:now text:hello open`,
    },
  ]),
  { name: '5.5.2 ten pings', send: 'ping:x^10', expect: 'ping:x^10 open' },
  {
    name: '5.5.2 pings between all the pieces',
    send: 'text-:a ping:1 cont-:b ping:2 cont-:c pong:3 cont:d',
    expect: 'ping:1 ping:2 pong:3 text:abcd open',
  },
  { name: '5.5.2 a ping and a text at once', send: 'ping:first text:second', expect: 'ping:first text:second open' },
  { name: '5.5.2 a ping behind a text', send: 'text:first ping:second', expect: 'text:first ping:second open' },
  { name: '5.5 a ping in the middle of a frame is part of it', send: 'binary=9 ping:hi', expect: 'waits' },
];

export const reserved: readonly ClientCase[] = [
  ...['text:x', 'text', 'binary:x', 'ping:x', 'pong:x', 'close:(1000)'].flatMap((word) =>
    BITS.map((bits) => {
      const [kind = '', ...rest] = word.split(':');
      return { name: `5.2 ${word} with bits ${bits}`, send: [kind + bits, ...rest].join(':'), expect: FAILS };
    }),
  ),
  ...BITS.map((bits) => ({ name: `5.2 a piece with bits ${bits}`, send: `text-:x cont${bits}:y`, expect: FAILS })),
  { name: '5.2 a reserved bit behind a good frame', send: 'text:good text+2:bad', expect: `text:good ${FAILS}` },
  { name: '5.2 a good frame behind a reserved bit', send: 'text+2:bad text:late', expect: FAILS },
];

export const opcodes: readonly ClientCase[] = [
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
    { name: `5.2 opcode ${opcode}`, send: `op${opcode}:x`, expect: FAILS },
    { name: `5.2 opcode ${opcode} without content`, send: `op${opcode}`, expect: FAILS },
    { name: `5.2 opcode ${opcode}, to be continued`, send: `op${opcode}-:x cont:y`, expect: FAILS },
    { name: `5.2 opcode ${opcode} within a message`, send: `text-:x op${opcode}:y cont:z`, expect: FAILS },
  ]),
  { name: '5.2 an unknown opcode behind a good frame', send: 'text:good op3:bad', expect: `text:good ${FAILS}` },
];
