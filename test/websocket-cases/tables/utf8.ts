/** Text is UTF-8, in one piece or in many, wherever a character is cut (RFC 6455 5.6, 8.1; RFC 3629). */
import type { ClientCase } from '../case.js';
import { hex } from '../notation.js';

/** The first and the last character of each length, those around the surrogates, and some that only look wrong. */
const GOOD: readonly (readonly [what: string, text: string])[] = [
  ['U+0000', '\u0000'],
  ['U+007F', '\u007f'],
  ['U+0080', '\u0080'],
  ['U+07FF', '\u07ff'],
  ['U+0800', '\u0800'],
  ['U+D7FF', '\ud7ff'],
  ['U+E000', '\ue000'],
  ['U+FEFF at the beginning', '\ufeffx'],
  ['U+FFFD', '\ufffd'],
  ['U+FFFE', '\ufffe'],
  ['U+FFFF', '\uffff'],
  ['U+10000', '\u{10000}'],
  ['U+1FFFE', '\u{1fffe}'],
  ['U+10FFFF', '\u{10ffff}'],
  ['characters of all lengths', 'aß€😀z'],
];

const BAD: readonly (readonly [what: string, bytes: string])[] = [
  ['a continuation byte alone', '80'],
  ['the last continuation byte alone', 'bf'],
  ['a continuation byte behind a whole character', 'c3a9a9'],
  ['a lead of two bytes without the second', 'c3'],
  ['a lead of two bytes before ASCII', 'c328'],
  ['a lead of three bytes without the third', 'e282'],
  ['a lead of three bytes before ASCII', 'e28228'],
  ['a lead of four bytes without the fourth', 'f09f98'],
  ['a lead of four bytes before ASCII', 'f09f9828'],
  ['two leads in a row', 'c3c3a9'],
  ['a slash in two bytes', 'c0af'],
  ['U+0000 in two bytes', 'c080'],
  ['U+007F in two bytes', 'c1bf'],
  ['a slash in three bytes', 'e080af'],
  ['U+07FF in three bytes', 'e09fbf'],
  ['a slash in four bytes', 'f08080af'],
  ['U+FFFF in four bytes', 'f08fbfbf'],
  ['the first surrogate', 'eda080'],
  ['the last high surrogate', 'edafbf'],
  ['the first low surrogate', 'edb080'],
  ['the last surrogate', 'edbfbf'],
  ['a pair of surrogates', 'eda080edb080'],
  ['U+110000', 'f4908080'],
  ['U+13FFFF', 'f4bfbfbf'],
  ['a lead of U+140000', 'f5808080'],
  ['five bytes', 'f888808080'],
  ['six bytes', 'fc8480808080'],
  ['byte FE', 'fe'],
  ['byte FF', 'ff'],
  ['UTF-16', 'feff00680069'],
  ['Latin-1', '63616fe9'],
];

export const utf8: readonly ClientCase[] = [
  ...GOOD.flatMap(([what, text]) => {
    const bytes = Buffer.from(text);
    const expect = `text:${hex(bytes)} open`;
    const places = Array.from({ length: bytes.length - 1 }, (_, at) => at + 1);
    return [
      { name: `8.1 ${what}`, send: `text:${hex(bytes)}`, expect },
      ...places.map((at) => ({
        name: `8.1 ${what} in pieces cut behind byte ${at}`,
        send: `text-:${hex(bytes.subarray(0, at))} cont:${hex(bytes.subarray(at))}`,
        expect,
      })),
      {
        name: `8.1 ${what} in pieces of one byte, with pings between`,
        send: `text- ${[...bytes].map((byte) => `cont-:${hex(Buffer.from([byte]))} ping`).join(' ')} cont`,
        expect: `ping^${bytes.length} ${expect}`,
      },
    ];
  }),
  ...BAD.flatMap(([what, digits]) => {
    const bytes = Buffer.from(digits, 'hex');
    const expect = 'close:(1007) closed';
    return [
      { name: `8.1 ${what}`, send: `text:#${digits}`, expect },
      { name: `8.1 ${what} between good characters`, send: `text:good,#${digits},good`, expect },
      {
        name: `8.1 ${what} in pieces of one byte`,
        send: `text- ${[...bytes].map((byte) => `cont-:${hex(Buffer.from([byte]))}`).join(' ')} cont`,
        expect,
      },
      { name: `5.6 ${what} in a binary message`, send: `binary:#${digits}`, expect: `binary:#${digits} open` },
    ];
  }),
  { name: '8.1 what is missing comes in the next message', send: 'text:#e2 text:#82ac', expect: 'close:(1007) closed' },
  {
    name: '8.1 a bad text behind a good one',
    send: 'text:good text:#ff text:late',
    expect: 'text:good close:(1007) closed',
  },
  { name: '8.1 a long text whose last byte is bad', send: 'text:x*60000,#c3', expect: 'close:(1007) closed' },
];
