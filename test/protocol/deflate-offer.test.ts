import { describe, expect, it } from 'vitest';
import { agreeOnDeflate } from '../../src/protocol/deflate-offer.js';

const BOTH = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

describe('agreeing on permessage-deflate', () => {
  it.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['other extensions', 'x-webkit-deflate-frame, grip'],
    ['a window that zlib cannot have', 'permessage-deflate; server_max_window_bits=8'],
    ['a window out of range', 'permessage-deflate; server_max_window_bits=16'],
    ['a parameter nobody knows', 'permessage-deflate; mystery'],
    ['a parameter given twice', 'permessage-deflate; client_max_window_bits=9; client_max_window_bits=10'],
    ['a flag with a value', 'permessage-deflate; client_no_context_takeover=1'],
    ['nothing but a comma', ','],
    ['a window that is no decimal number', 'permessage-deflate; server_max_window_bits=010'],
  ])('comes to nothing with %s', (_what, header) => {
    expect(agreeOnDeflate(header)).toEqual({ kind: 'none' });
  });

  it.each([
    ['a plain offer', 'permessage-deflate', 15, 15, BOTH],
    ['the offer of a browser', 'permessage-deflate; client_max_window_bits', 15, 15, BOTH],
    [
      'a window asked of us',
      'permessage-deflate; server_max_window_bits=10',
      10,
      15,
      `permessage-deflate; server_max_window_bits=10; server_no_context_takeover; client_no_context_takeover`,
    ],
    [
      'a window of the client',
      'permessage-deflate; client_max_window_bits=9',
      15,
      9,
      `permessage-deflate; client_max_window_bits=9; server_no_context_takeover; client_no_context_takeover`,
    ],
    ['the second of two offers', 'permessage-deflate; server_max_window_bits=8, permessage-deflate', 15, 15, BOTH],
    [
      'quoted values',
      'permessage-deflate; server_max_window_bits="12"',
      12,
      15,
      `permessage-deflate; server_max_window_bits=12; server_no_context_takeover; client_no_context_takeover`,
    ],
    ['an offer among others', 'grip, permessage-deflate', 15, 15, BOTH],
    ['an offer beside empty elements', 'permessage-deflate,,foo', 15, 15, BOTH],
  ])('takes %s', (_what, offer, serverBits, clientBits, header) => {
    expect(agreeOnDeflate(offer)).toEqual({ kind: 'agreed', terms: { serverBits, clientBits }, header });
  });

  it.each(['permessage-deflate;', 'a b', 'permessage-deflate; =', '"permessage-deflate"', 'x; a="\x01"', 'x;;y'])(
    'cannot read %j',
    (header) => {
      expect(agreeOnDeflate(header)).toEqual({ kind: 'malformed' });
    },
  );
});
