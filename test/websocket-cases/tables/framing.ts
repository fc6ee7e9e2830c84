/** Frames as such: lengths, masks, and where the network cuts them (RFC 6455 5.2, 5.3). */
import type { ClientCase } from '../case.js';
import { byteByByte, bytesOf, cutAt } from '../notation.js';

const SIZES = [0, 1, 2, 124, 125, 126, 127, 128, 1_000, 65_535, 65_536, 65_537, 200_000];
const CUT = ['text:hello', 'binary:x*126', 'ping:hi', 'close:(1000),bye'];

export const framing: readonly ClientCase[] = [
  { name: '5.7 the example of a masked text', send: '#818537fa213d7f9f4d5158', expect: '#810548656c6c6f open' },
  ...SIZES.map((size) => ({
    name: `5.2 a binary message of ${size} bytes`,
    send: `binary:y*${size}`,
    expect: `binary:y*${size} open`,
  })),
  ...SIZES.slice(3, 12).map((size) => ({
    name: `5.2 a text of ${size} bytes`,
    send: `text:y*${size}`,
    expect: `text:y*${size} open`,
  })),
  ...['00000000', 'ffffffff', '80000001', '00ff00ff', '0a0d0a0d'].map((mask) => ({
    name: `5.3 the mask ${mask}`,
    send: `text@${mask}:masked binary@${mask}:#00ff80`,
    expect: 'text:masked binary:#00ff80 open',
  })),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((size) => ({
    name: `5.3 a mask over ${size} bytes`,
    send: `binary@a1b2c3d4:${'abcdefghi'.slice(0, size)}`,
    expect: `binary:${'abcdefghi'.slice(0, size)} open`,
  })),
  {
    name: '5.3 a mask of its own for each frame',
    send: 'text@01020304:one text@99aabbcc:two text@00000001:three',
    expect: 'text:one text:two text:three open',
  },
  ...['text!:hello', 'text!', 'binary!:x*70000', 'ping!', 'pong!:x', 'close!:(1000)', 'text-!:he'].map((send) => ({
    name: `5.1 a frame without a mask: ${send}`,
    send,
    expect: 'close:(1002) closed',
  })),
  { name: '5.1 a piece without a mask', send: 'text-:he cont!:llo', expect: 'close:(1002) closed' },
  {
    name: '5.1 a frame without a mask behind a good one',
    send: 'text:good text!:bad text:late',
    expect: 'text:good close:(1002) closed',
  },
  {
    name: '5.2 a length of 64 bits with its highest bit set',
    send: '#82ff8000000000000001',
    expect: ['close:(1002) closed', 'close:(1009) closed'],
  },
  ...CUT.flatMap((word) => {
    const size = bytesOf(word, 'client').length;
    const places = Array.from({ length: Math.min(size - 1, 9) }, (_, at) => at + 1);
    const expect = word.startsWith('close') ? `${word} closed` : `${word} open`;
    return places.map((at) => ({ name: `5.2 ${word} cut behind byte ${at}`, send: cutAt(word, at, 'client'), expect }));
  }),
  ...[1, 2, 3, 5, 9, 10, 13, 14, 15].map((at) => ({
    name: `5.2 a length of 64 bits cut behind byte ${at}`,
    send: cutAt('binary:z*70000', at, 'client'),
    expect: 'binary:z*70000 open',
  })),
  {
    name: '5.2 every byte by itself',
    send: byteByByte('text:hello binary:ab', 'client'),
    expect: 'text:hello binary:ab open',
  },
  {
    name: '5.2 three frames at once',
    send: 'text:one binary:two text:three',
    expect: 'text:one binary:two text:three open',
  },
  { name: '5.2 a frame and a half', send: 'text:whole text<7:half', expect: 'text:whole waits' },
  ...[1, 2, 4, 6, 8].map((count) => ({
    name: `5.2 the first ${count} bytes of a frame`,
    send: `text<${count}:hello`,
    expect: 'waits',
  })),
  { name: '7.1.1 the end of the connection in the middle of a frame', send: 'text<8:hello fin', expect: 'closed' },
  { name: '7.1.1 the end of the connection between two frames', send: 'text:hello fin', expect: 'text:hello closed' },
];
