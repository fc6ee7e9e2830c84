/** Every example of the pages that promise it can be run as it stands: typed into bash, with the output the page shows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHoldfast, type Holdfast } from '../../src/index.js';
import { Child, PROJECT } from '../support/child.js';
import { clientPort, controlUri } from '../support/closing.js';
import { noticeOf, REQUIREMENTS } from '../support/requirements.js';
import { readPage } from './page.js';
import { runExample } from './reader.js';

const PAGES = ['docs/grip.md', 'docs/items.md', 'docs/filters.md', 'docs/publishing.md', 'docs/websockets.md'];
const hasCurl = REQUIREMENTS.curl.isThere();

describe.skipIf(!hasCurl).each(PAGES)(hasCurl ? '%s' : `%s (${noticeOf(REQUIREMENTS.curl)})`, (path) => {
  const page = readPage(readFileSync(join(PROJECT, path), 'utf8'));
  let backend: Child;
  let holdfast: Holdfast;
  /** Address in the page, and the one it has here. */
  let addresses: readonly (readonly [string, string])[];

  beforeAll(async () => {
    backend = Child.node(['examples/answer-with.mjs', '0']);
    const port = await backend.port();
    holdfast = await createHoldfast({
      routes: page.routes.map((route) => route.replace(':8000', `:${port}`)),
      // An item that comes at the very moment when a long-poll asks again finds nobody, and an example does not repeat it.
      settings: { hold: { updateOnFirstSubscription: false } },
    });
    addresses = [
      ['localhost:7999', `localhost:${clientPort(holdfast)}`],
      ['localhost:5561', new URL(controlUri(holdfast)).host],
    ];
  });

  afterAll(async () => {
    await holdfast.close();
    await backend.stop();
  });

  function held(): number {
    const { response, stream, ws } = holdfast.counters.holds;
    return response + stream + ws;
  }

  it('starts the example backend and Holdfast, and has examples', () => {
    expect(page.start).toMatch(/^node examples\/answer-with\.mjs &\nnpx holdfast( --route '[^']+')+ &\n$/);
    expect(page.examples.length).toBeGreaterThan(3);
    expect(page.routes[0]).toBe('* localhost:8000,over_http');
  });

  it.each(page.examples.map((example) => [example.name, example] as const))('%s', (_name, example) =>
    runExample({ addresses, held, backend }, example),
  );
});
