/** What is agreed on when a client offers extensions (RFC 6455 9.1, RFC 7692 5 and 7.1). */

export interface OfferCase {
  readonly name: string;
  /** Value of the client's `Sec-WebSocket-Extensions`. */
  readonly offer: string;
  /** `none`, `400`, or the parameters that the answer has to have at least. */
  readonly expect: string;
}

const NAME = 'permessage-deflate';
/** What is no number from 8 to 15. */
const BAD_BITS = [
  '7',
  '16',
  '0',
  '-9',
  '99',
  'x',
  '"x"',
  '8.5',
  '""',
  '" 10"',
  '010',
  '"010"',
  '0xa',
  '1e1',
  '10.0',
  '"+10"',
];

export const offers: readonly OfferCase[] = [
  { name: '7.1 an offer without parameters', offer: NAME, expect: '' },
  { name: '9.1 an empty element in the list', offer: `${NAME},,foo`, expect: '' },
  {
    name: '9.1 an offer in quotes and blanks',
    offer: `  ${NAME} ;  server_max_window_bits="10" `,
    expect: 'server_max_window_bits=10',
  },
  { name: '9.1 an unknown extension', offer: 'x-webkit-deflate-frame', expect: 'none' },
  { name: '9.1 an unknown extension before it', offer: `foo; bar=1, ${NAME}`, expect: '' },
  { name: '9.1 an unknown extension behind it', offer: `${NAME}, foo`, expect: '' },
  {
    name: '7.1.1.1 a server without a window',
    offer: `${NAME}; server_no_context_takeover`,
    expect: 'server_no_context_takeover',
  },
  { name: '7.1.1.2 a client without a window', offer: `${NAME}; client_no_context_takeover`, expect: '' },
  { name: '7.1.2.2 a client that takes a window for itself', offer: `${NAME}; client_max_window_bits`, expect: '' },
  { name: '7.1.2.2 a client with a window of 10 bits', offer: `${NAME}; client_max_window_bits=10`, expect: '' },
  ...[9, 10, 11, 12, 13, 14, 15].map((bits) => ({
    name: `7.1.2.1 a server with a window of ${bits} bits`,
    offer: `${NAME}; server_max_window_bits=${bits}`,
    expect: `server_max_window_bits=${bits}`,
  })),
  ...['server_max_window_bits', 'client_max_window_bits'].flatMap((parameter) =>
    BAD_BITS.map((bits) => ({
      name: `7.1.2 an invalid window: ${parameter}=${bits}`,
      offer: `${NAME}; ${parameter}=${bits}`,
      expect: 'none or 400',
    })),
  ),
  { name: '7.1.2.1 a window of the server without a size', offer: `${NAME}; server_max_window_bits`, expect: 'none' },
  { name: '7.1.1.1 a flag with a value', offer: `${NAME}; server_no_context_takeover=1`, expect: 'none' },
  { name: '7.1.1.2 a flag with a value', offer: `${NAME}; client_no_context_takeover=true`, expect: 'none' },
  { name: '7.1 a parameter that is not defined', offer: `${NAME}; level=9`, expect: 'none' },
  {
    name: '7.1 a parameter twice',
    offer: `${NAME}; server_max_window_bits=10; server_max_window_bits=11`,
    expect: 'none',
  },
  {
    name: '7.1 a flag twice',
    offer: `${NAME}; server_no_context_takeover; server_no_context_takeover`,
    expect: 'none',
  },
  {
    name: '7.1 a second offer when the first cannot be taken',
    offer: `${NAME}; level=9, ${NAME}; server_max_window_bits=12`,
    expect: 'server_max_window_bits=12',
  },
  {
    name: '5.1 the first of two good offers',
    offer: `${NAME}; server_max_window_bits=12, ${NAME}`,
    expect: 'server_max_window_bits=12',
  },
  ...[`${NAME};`, `${NAME}; =1`, `${NAME}; a="b`, `${NAME}; a b`, ',', `;${NAME}`].map((offer) => ({
    name: `9.1 what is no list of extensions: ${offer}`,
    offer,
    expect: 'none or 400',
  })),
];
