/** The closing handshake: codes, reasons, and what comes behind it (RFC 6455 5.5.1, 7). */
import type { ClientCase } from '../case.js';

/** Those of 7.4.1 that may be sent, those registered since, and the ranges of 7.4.2. */
const GOOD_CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const BAD_CODES = [0, 1, 255, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
const BAD_REASONS = ['ff', 'c3', 'c328', 'e282', 'eda080', 'c0af', 'f4908080', '676f6f6480'];

export const closing: readonly ClientCase[] = [
  { name: '5.5.1 a close without a code', send: 'close', expect: 'close closed' },
  ...GOOD_CODES.flatMap((code) => [
    { name: `7.4 close ${code}`, send: `close:(${code})`, expect: `close:(${code}) closed` },
    { name: `7.4 close ${code} with a reason`, send: `close:(${code}),bye`, expect: `close:(${code}),bye closed` },
  ]),
  ...BAD_CODES.flatMap((code) => [
    { name: `7.4 close ${code}`, send: `close:(${code})`, expect: 'close:(1002) closed' },
    { name: `7.4 close ${code} with a reason`, send: `close:(${code}),bye`, expect: 'close:(1002) closed' },
  ]),
  { name: '5.5.1 a close with half a code', send: 'close:#03', expect: 'close:(1002) closed' },
  { name: '5.5.1 a close with one zero byte', send: 'close:#00', expect: 'close:(1002) closed' },
  { name: '5.5 a reason of 123 bytes', send: 'close:(1000),r*123', expect: 'close:(1000),r*123 closed' },
  { name: '5.5 a reason of 124 bytes', send: 'close:(1000),r*124', expect: 'close:(1002) closed' },
  { name: '5.5 a reason of 60,000 bytes', send: 'close:(1000),r*60000', expect: 'close:(1002) closed' },
  { name: '5.5 a close to be continued', send: 'close-:(1000)', expect: 'close:(1002) closed' },
  { name: '5.5.1 a reason beyond ASCII', send: 'close:(4000),für€😀', expect: 'close:(4000),für€😀 closed' },
  { name: '5.5.1 a reason with a zero byte', send: 'close:(4000),#6100,b', expect: 'close:(4000),#6100,b closed' },
  ...BAD_REASONS.map((digits) => ({
    name: `8.1 a reason that is not UTF-8: ${digits}`,
    send: `close:(1000),#${digits}`,
    expect: 'close:(1007) closed',
  })),
  { name: '5.5.1 a message behind the close', send: 'close:(1000) text:late', expect: 'close:(1000) closed' },
  { name: '5.5.1 a ping behind the close', send: 'close:(1000) ping:late', expect: 'close:(1000) closed' },
  { name: '5.5.1 nonsense behind the close', send: 'close:(1000) #ffffffffffff', expect: 'close:(1000) closed' },
  { name: '5.5.1 a second close', send: 'close:(1000) close:(4000)', expect: 'close:(1000) closed' },
  { name: '5.5.1 a megabyte behind the close', send: 'close:(1000) binary:x*1000000', expect: 'close:(1000) closed' },
  {
    name: '5.5.1 a message before the close',
    send: 'text:hello close:(4001)',
    expect: 'text:hello close:(4001) closed',
  },
  { name: '5.5.1 a ping before the close', send: 'ping:x close', expect: 'ping:x close closed' },
  {
    name: '7.1.1 a close and the end of the connection',
    send: 'close:(1000),bye fin',
    expect: 'close:(1000),bye closed',
  },
  {
    name: '7.1.7 good frames behind a bad one are not answered',
    send: 'op3 text:late close:(1000)',
    expect: 'close:(1002) closed',
  },
];
