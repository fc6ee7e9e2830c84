/** Where Holdfast is meant to differ from 1.36 in what it says and takes over SockJS (specification 13). */
import { type Explanation, exchanging, rewording } from './changes.js';

export const IN_SOCKJS: readonly Explanation[] = [
  {
    row: 'sockjs-content-type',
    cases: ['13 a poll that opens a session and names the type of its body'],
    apply: exchanging(['content-type: text/plain', undefined]),
  },
  {
    row: 'sockjs-form-blanks',
    cases: ['13 blanks in a form'],
    apply: rewording(['a+b+c', 'a b+c']),
  },
  {
    row: 'sockjs-callback',
    cases: ['13 a callback with escapes'],
    apply: rewording(['/**/a.b%2B(', '/**/a.b+('], ['Content-Length: 17', 'Content-Length: 15']),
  },
  {
    row: 'sockjs-line-ends',
    cases: ['13 line ends of JavaScript in a call'],
    apply: rewording(['\u00e2\u0080\u00a8', '\\\\u2028'], ['Content-Length: 22', 'Content-Length: 25']),
  },
];
