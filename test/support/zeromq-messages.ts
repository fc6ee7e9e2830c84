/** Messages for the ZeroMQ sockets: items, and what only looks like one. */
import { encodeTnetstring } from '../../src/protocol/tnetstring.js';

/** A stream item as a tagged netstring. */
export function tnetItem(content: string, channel = 'news'): Buffer {
  const item = new Map([
    ['channel', channel],
    ['formats', new Map([['http-stream', new Map([['content', content]])]])],
  ] as [string, string | Map<string, Map<string, string>>][]);
  return encodeTnetstring(item);
}

export const GOOD = tnetItem('good\n');
/** Messages that are no items. */
export const JUNK: readonly Buffer[] = [
  Buffer.alloc(0),
  Buffer.from('junk'),
  Buffer.from([0, 255, 254, 1]),
  Buffer.from('J'),
  Buffer.from('T'),
  Buffer.from('J{'),
  Buffer.from('J[]'),
  Buffer.from('Jnull'),
  Buffer.from('J"\xff"', 'latin1'),
  Buffer.from('J{}'),
  Buffer.from(`J${'['.repeat(100_000)}`),
  Buffer.from(`J{"channel":"news","http-stream":{"content":5}}`),
  Buffer.from('J{"__proto__":{"channel":"news","http-stream":{"content":"evil"}}}'),
  Buffer.from('4:junk'),
  Buffer.from('4:junk,'),
  Buffer.from('99999999999:x,'),
  Buffer.from('5:x,'),
  Buffer.from('-1:x,'),
  Buffer.from('0:}'),
  Buffer.from('T0:}'),
  Buffer.from('8:4:true!0:}}'),
  nested(5_000),
  encodeTnetstring(new Map([['channel', 'news']])),
  encodeTnetstring(new Map<string, string | number>([['channel', 5]])),
  encodeTnetstring(['news']),
];

/** Lists in lists. */
function nested(levels: number): Buffer {
  let bytes = Buffer.from('0:]');
  for (let level = 1; level < levels; level += 1)
    bytes = Buffer.concat([Buffer.from(`${bytes.length}:`), bytes, Buffer.from(']')]);
  return bytes;
}
