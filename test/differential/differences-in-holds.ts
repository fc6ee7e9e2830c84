/** The explained differences in instructs, holds, filters and what is published to them; see `differences.ts`. */
import { answering, type Explanation, exchanging, refusing, rewording } from './changes.js';

export const IN_HOLDS: readonly Explanation[] = [
  {
    row: 'status-below-200',
    cases: ['4.2 the least status', '4.3 a code that is true'],
    apply: (lines) => lines.map((line) => line.replace(/^HTTP\/1\.1 [01] .*/, 'HTTP/1.1 502 Bad Gateway')),
  },
  {
    row: 'status-blanks',
    cases: ['4.2 a status of three blanks'],
    apply: exchanging(['HTTP/1.1 201   Made  It ', 'HTTP/1.1 201 Made  It']),
  },
  {
    row: 'json-code-text',
    cases: ['4.3 a code that is text without a number'],
    apply: answering(
      'HTTP/1.1 502 Bad Gateway',
      'Content-Type: text/plain',
      'Content-Length: 78',
      `body (length): "Failed to parse accept instructions: response contains 'code' with wrong type\\n"`,
    ),
  },
  {
    row: 'json-without-body',
    cases: ['4.3 a JSON instruct of nothing'],
    apply: answering('HTTP/1.1 200 Fine', 'Content-Length: 0', 'body (length): ""'),
  },
  {
    row: 'json-without-body',
    cases: ['4.3 headers without a body'],
    apply: answering('HTTP/1.1 200 Fine', 'X-A: 1', 'Content-Length: 0', 'body (length): ""'),
  },
  {
    row: 'json-grip-headers',
    cases: ['4.3 headers as an object come sorted'],
    apply: exchanging(['Grip-X: 1', undefined]),
  },
  {
    row: 'empty-values',
    cases: ['6.2 an empty value'],
    apply: (lines) =>
      lines.flatMap((line) => {
        if (line.startsWith('body (chunked): ')) return ['body (chunked): "open\\n<>~\\n"', 'the body is cut short'];
        return line === 'end: closed by the proxy' ? 'end: not waited for' : line;
      }),
  },
  {
    row: 'filter-error',
    cases: [
      '6.2 a message that cannot be rendered, without debug',
      '4.8 a filter is asserted that is not there, without debug',
    ],
    apply: exchanging(
      ['body (chunked): "open\\n"', ['body (chunked): "open\\nend\\n"', 'the body is cut short']],
      ['end: closed by the proxy', 'end: not waited for'],
    ),
  },
  {
    row: 'filter-error',
    cases: ['6.2 a published body that cannot be rendered, without debug'],
    apply: answering('HTTP/1.1 200 OK', 'Content-Type: text/plain', 'Content-Length: 5', 'body (length): "good\\n"'),
  },
  {
    row: 'build-id-before',
    cases: ['6.2 build-id writes the ids before the message'],
    apply: rewording(['2-5% a% %\\n2-6%\\n3-6%\\n', '1-5% a% %\\n2-5%\\n2-6%\\n']),
  },
  {
    row: 'build-id-before',
    cases: ['6.2 build-id in hex'],
    apply: rewording(['322d35 6125 %\\n322d36\\n332d36\\n', '312d35 6125 %\\n322d35\\n322d36\\n']),
  },
  {
    row: 'directive-position',
    cases: ['6.1 an answer without a hold that stops in a directive'],
    apply: rewording(['starting at position 1', 'starting at position 3']),
  },
  {
    row: 'item-keep-alive',
    cases: ['5.3 headers that are not for a publisher'],
    apply: exchanging(['Keep-Alive: 5', undefined]),
  },
  {
    row: 'patch-of-null',
    cases: ['5.5 test of nothing'],
    apply: answering(
      'HTTP/1.1 200 OK',
      'Content-Type: application/json',
      'Content-Length: 77',
      String.raw`body (length): "{\"a\":{\"k/1\":{\"m~n\":null},\"x\":1,\"y\":\"t\"},\"b\":[1,2,3],\"e\":12345678901234567000}"`,
    ),
  },
  {
    row: 'patch-operations',
    cases: ['5.2 an item with a patch of a number'],
    apply: refusing("Invalid format: 'http-response' contains 'body-patch' with wrong type"),
  },
  {
    row: 'refused-page',
    cases: [
      '4.10 a page that holds a response',
      '4.10 a page with a bad instruct',
      '4.10 a page that is a JSON instruct',
    ],
    apply: (lines) =>
      lines.map((line) =>
        line.replace(/"one\\n.*\\n\\n\\n/, '"one\\n\\n\\n').replace(/"one\\n\{.*?\}\}\\n\\n/, '"one\\n\\n\\n'),
      ),
  },
];
