import { describe, expect, it } from 'vitest';
import { type Encoding, Publication } from '../../src/hub/publication.js';
import type { Item } from '../../src/protocol/item.js';
import { streamItem } from '../support/sample-items.js';

class CountingEncoding implements Encoding {
  calls = 0;

  constructor(private readonly bytes: Buffer | undefined) {}

  encode(_item: Item): Buffer | undefined {
    this.calls += 1;
    return this.bytes;
  }
}

describe('the bytes of a publication', () => {
  it('are made once for each encoding and shared', () => {
    const encodings = ['one', 'two', 'three'].map((text) => new CountingEncoding(Buffer.from(text)));
    const publication = new Publication(streamItem('c', 'x'));
    const first = encodings.map((encoding) => publication.encoded(encoding));
    const second = encodings.map((encoding) => publication.encoded(encoding));
    expect(first.map(String)).toEqual(['one', 'two', 'three']);
    for (const [at, bytes] of second.entries()) expect(bytes).toBe(first[at]);
    expect(encodings.map(({ calls }) => calls)).toEqual([1, 1, 1]);
  });

  it('are asked for once even when there are none', () => {
    const some = new CountingEncoding(Buffer.from('some'));
    const none = new CountingEncoding(undefined);
    for (const order of [
      [none, some],
      [some, none],
    ]) {
      const publication = new Publication(streamItem('c', 'x'));
      for (const encoding of [...order, ...order]) publication.encoded(encoding);
      expect(publication.encoded(none)).toBeUndefined();
      expect(publication.encoded(some)?.toString()).toBe('some');
    }
    expect([none.calls, some.calls]).toEqual([2, 2]);
  });

  it('are not made before anybody asks', () => {
    const encoding = new CountingEncoding(Buffer.from('x'));
    new Publication(streamItem('c', 'x'));
    expect(encoding.calls).toBe(0);
  });
});
