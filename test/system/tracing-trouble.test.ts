/** Tracing when the receiver of the spans, or what it takes to send them, is not there: clients are served all the same. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DeepPartial, Settings } from '../../src/index.js';
import { Child, PROJECT } from '../support/child.js';
import { clientPort, Opened } from '../support/closing.js';
import { CollectedLog } from '../support/collected-log.js';
import { turnUntil } from '../support/deadline.js';
import { SpanReceiver } from '../support/span-receiver.js';

/** What Holdfast cannot do without. */
const PACKAGES = ['jose', 'pino', 'undici', 'ws', 'yaml'];

describe('tracing', () => {
  const opened = new Opened();

  async function started(receiver: SpanReceiver, tracing: DeepPartial<Settings>['tracing'] = {}) {
    const log = new CollectedLog('warn');
    const holdfast = await opened.holdfast({
      settings: { tracing: { otlpEndpoint: receiver.endpoint, ...tracing } },
      logger: log,
    });
    /** Each makes one span: the test target is no origin. */
    const ask = async (): Promise<void> => {
      const { status } = await (await opened.get(clientPort(holdfast), '/')).readAnswer();
      expect(status).toBe(200);
    };
    return { log, holdfast, ask };
  }

  it('drops and counts what a receiver refuses, and goes on', async () => {
    const receiver = await SpanReceiver.start(opened);
    receiver.answer = (response) => void response.writeHead(500, 'No Room').end();
    const { log, holdfast, ask } = await started(receiver);
    await ask();
    await ask();
    await receiver.asked(1);
    await turnUntil('the drop', () => holdfast.counters.dropped['span-not-taken'] === 2);
    expect(log.lines).toEqual(['warn tracing: 2 spans dropped, the receiver has not taken them: 500 No Room']);
    receiver.answer = (response) => void response.end('{}');
    await ask();
    await receiver.one('GET');
  });

  it('tries again where the receiver asks for it', async () => {
    const receiver = await SpanReceiver.start(opened);
    receiver.answer = (response) => void response.writeHead(503, { 'Retry-After': '0' }).end();
    const { log, holdfast, ask } = await started(receiver);
    await ask();
    await receiver.asked(1);
    receiver.answer = (response) => void response.end('{}');
    await receiver.one('GET');
    expect(log.lines).toEqual([]);
    expect(holdfast.counters.dropped['span-not-taken']).toBe(0);
  });

  it('is not held up by a receiver that does not answer: what is too much is dropped and counted', async () => {
    const receiver = await SpanReceiver.start(opened);
    receiver.answer = () => {};
    const { log, holdfast, ask } = await started(receiver, { maxQueuedSpans: 4 });
    for (let count = 0; count < 4; count += 1) await ask();
    await receiver.asked(1);
    for (let count = 0; count < 7; count += 1) await ask();
    expect(holdfast.counters.dropped['span-queue-full']).toBe(3);
    expect(log.lines).toEqual(['warn tracing: 4 spans wait to be sent, dropping one']);
    const before = performance.now();
    await holdfast.close();
    const took = performance.now() - before;
    expect(took).toBeGreaterThan(1_900);
    expect(took).toBeLessThan(4_000);
    // Four that it has and says nothing of, four that waited.
    expect(holdfast.counters.dropped).toMatchObject({ 'span-queue-full': 3, 'span-not-taken': 8 });
    expect(log.lines[1]).toBe(
      'warn tracing: 8 spans dropped, the receiver has not taken them: Holdfast ends and waits no longer',
    );
  });

  it('ends within its time where there is no receiver at all', async () => {
    const receiver = await SpanReceiver.start(opened);
    const { log, holdfast, ask } = await started(receiver);
    await receiver.stop();
    await ask();
    await holdfast.close();
    expect(holdfast.counters.dropped['span-not-taken']).toBe(1);
    expect(log.lines).toEqual([
      'warn tracing: 1 span dropped, the receiver has not taken it: Holdfast ends and waits no longer',
    ]);
  });

  it('says what to do where the packages are missing, and needs none of them when it is off', async () => {
    const folder = opened.add(mkdtempSync(join(tmpdir(), 'holdfast-')), (path) => rmSync(path, { recursive: true }));
    for (const part of ['dist', 'package.json', 'config']) {
      cpSync(join(PROJECT, part), join(folder, part), { recursive: true });
    }
    mkdirSync(join(folder, 'node_modules'));
    for (const name of PACKAGES) symlinkSync(join(PROJECT, 'node_modules', name), join(folder, 'node_modules', name));
    const start = (...settings: readonly string[]): Child => {
      const apart = ['control.listen=off', 'zeromq.pull=', 'zeromq.sub=', 'zeromq.rep=', ...settings];
      const args = ['--route', '* test', '--port', '127.0.0.1:0', ...apart.flatMap((one) => ['--set', one])];
      return opened.add(Child.node([join(folder, 'dist/cli/main.js'), ...args], { cwd: folder }), (one) => one.stop());
    };
    for (const workers of [1, 2]) {
      const child = start('tracing.otlp_endpoint=http://127.0.0.1:4318', `workers.count=${workers}`);
      const { code, stderr } = await child.ended();
      expect(code).toBe(1);
      expect(stderr).toBe(
        [
          'holdfast: tracing.otlp_endpoint needs the packages of OpenTelemetry, which are not all installed',
          '  Install the optional packages: npm install @opentelemetry/api@1.9 @opentelemetry/resources@2 ' +
            '@opentelemetry/sdk-trace@2 @opentelemetry/exporter-trace-otlp-http@0.223. ' +
            'Or leave tracing.otlp_endpoint empty. [HOLDFAST_TRACING_MISSING]\n',
        ].join('\n'),
      );
    }
    const [, port] = await start().says(/clients: listening on http:\/\/127\.0\.0\.1:(\d+)\n/);
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  });
});
