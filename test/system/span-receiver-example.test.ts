/** The example `span-receiver.mjs`: what docs/tracing.md shows of it is what it prints. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Child, PROJECT } from '../support/child.js';
import { clientPort, controlUri, Opened } from '../support/closing.js';

describe('the example span-receiver', () => {
  const opened = new Opened();

  it('prints the spans of a stream and of what is published to it, as the page says', async () => {
    const receiver = opened.add(Child.node(['examples/span-receiver.mjs', '0']), (child) => child.stop());
    const otlpEndpoint = `http://127.0.0.1:${await receiver.port()}`;
    const holdfast = await opened.holdfast({ settings: { tracing: { otlpEndpoint } } });
    const curl = (...args: readonly string[]): Child =>
      opened.add(Child.start('curl', ['-s', ...args]), (child) => child.stop());
    const client = curl('-N', '-m', '2', `http://localhost:${clientPort(holdfast)}/stream?channel=test`);
    await client.says(/stream opened/);
    const traceparent = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const body = '{"items":[{"channel":"test","formats":{"http-stream":{"content":"hello there\\n"}}}]}';
    await curl('-H', traceparent, '-d', body, `${controlUri(holdfast)}/publish`).says(/Published/);
    await receiver.says(/"hold stream".*\n/);
    const page = readFileSync(join(PROJECT, 'docs/tracing.md'), 'utf8');
    const shown =
      /```text\n((?:server|producer|internal) [\s\S]*?)```/.exec(page)?.[1] ?? expect.fail('the page shows no spans');
    const printed = receiver.output.split('\n').filter((line) => line !== '' && !line.startsWith('listening'));
    expect(printed.map(withoutChance)).toEqual(shown.trimEnd().split('\n').map(withoutChance));
  });
});

/** A line without what is another each time: ids that were made here, ports, the version of curl. */
function withoutChance(line: string): string {
  return line
    .replace(/(trace|span|below|link)=(?!0af7651916|b7ad6b7169)[0-9a-f]+/g, '$1=ID')
    .replace(/(localhost:|server\.port=)\d+/g, '$1PORT')
    .replace(/curl\/[\d.]+/, 'curl/X');
}
