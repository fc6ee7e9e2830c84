/**
 * Plays every case against Debian's Pushpin 1.36 and against Holdfast, and compares what clients, origins and publishers
 * saw (specification 17, appendix F). Until Holdfast is built, or with DIFFERENTIAL_OTHER=pushpin, the other side is a
 * second 1.36: then nothing may differ at all, which proves the harness. DIFFERENTIAL_ENTRY names a Holdfast built elsewhere.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { REQUIREMENTS } from '../support/requirements.js';
import { answer, type Case, get } from './case.js';
import { CONTENT_FILTERS } from './cases/content-filters.js';
import { CONTROL_PORT } from './cases/control-port.js';
import { CROSS_ORIGIN } from './cases/cross-origin.js';
import { FILTERS } from './cases/filters.js';
import { FORWARDING } from './cases/forwarding.js';
import { HELD_PUBLISHING } from './cases/held-publishing.js';
import { INSTRUCTS } from './cases/instructs.js';
import { JSON_P } from './cases/json-p.js';
import { PAGING } from './cases/paging.js';
import { PASS_THROUGH } from './cases/pass-through.js';
import { PUBLISHING } from './cases/publishing.js';
import { RECOVERY } from './cases/recovery.js';
import { RESPONSE_HOLD } from './cases/response-hold.js';
import { ROUTING } from './cases/routing.js';
import { SOCKJS } from './cases/sockjs.js';
import { SOCKJS_SOCKETS } from './cases/sockjs-sockets.js';
import { STREAM_HOLD } from './cases/stream-hold.js';
import { TEST_TARGET } from './cases/test-target.js';
import { WEBSOCKET_CLOSING } from './cases/websocket-closing.js';
import { WEBSOCKET_CONTROL } from './cases/websocket-control.js';
import { WEBSOCKET_ENDS } from './cases/websocket-ends.js';
import { WEBSOCKET_EVENTS } from './cases/websocket-events.js';
import { WEBSOCKET_OPENING } from './cases/websocket-opening.js';
import { WEBSOCKET_OVER_HTTP } from './cases/websocket-over-http.js';
import { WEBSOCKET_PUBLISHING } from './cases/websocket-publishing.js';
import { WEBSOCKET_TARGETS } from './cases/websocket-targets.js';
import { WEBSOCKET_UPGRADE } from './cases/websocket-upgrade.js';
import { compare, describeDifference, judge, play, type Side, type Verdict } from './compare.js';
import { documentedRows, EXPLANATIONS, rowsInUse } from './differences.js';
import { type PeerKind, startPeer } from './peer.js';
import { startOrigin } from './recording-origin.js';

const CASES: readonly Case[] = [
  ...ROUTING,
  ...FORWARDING,
  ...PASS_THROUGH,
  ...RESPONSE_HOLD,
  ...STREAM_HOLD,
  ...PUBLISHING,
  ...CONTROL_PORT,
  ...WEBSOCKET_OVER_HTTP,
  ...TEST_TARGET,
  ...CROSS_ORIGIN,
  ...JSON_P,
  ...INSTRUCTS,
  ...FILTERS,
  ...CONTENT_FILTERS,
  ...HELD_PUBLISHING,
  ...PAGING,
  ...RECOVERY,
  ...SOCKJS,
  ...SOCKJS_SOCKETS,
  ...WEBSOCKET_EVENTS,
  ...WEBSOCKET_OPENING,
  ...WEBSOCKET_CLOSING,
  ...WEBSOCKET_TARGETS,
  ...WEBSOCKET_ENDS,
  ...WEBSOCKET_CONTROL,
  ...WEBSOCKET_PUBLISHING,
  ...WEBSOCKET_UPGRADE,
];

const built = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const entry = process.env.DIFFERENTIAL_ENTRY ?? built;
const rowsFile = fileURLToPath(new URL('../../docs/differences.md', import.meta.url));
const installed = REQUIREMENTS.pushpin.isThere();
const otherKind: PeerKind = existsSync(entry) && process.env.DIFFERENTIAL_OTHER !== 'pushpin' ? 'holdfast' : 'pushpin';

describe('the list of cases and differences', () => {
  it('names every case once and after a section', () => {
    const names = CASES.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    expect(names.filter((name) => !/^\d+(\.\d+)? \S/.test(name))).toEqual([]);
  });

  it('explains only cases that exist', () => {
    const names = new Set(CASES.map(({ name }) => name));
    const explained = EXPLANATIONS.flatMap(({ cases }) => cases);
    expect(explained.filter((name) => !names.has(name))).toEqual([]);
  });

  it('has a row in docs/differences.md for every explanation, and no other row', () => {
    const documented = documentedRows(readFileSync(rowsFile, 'utf8'));
    expect([...documented].sort()).toEqual(rowsInUse().sort());
  });
});

describe.skipIf(!installed)(`pushpin 1.36 and ${otherKind}`, () => {
  const verdicts = new Map<string, Verdict>();
  const ends: (() => Promise<void>)[] = [];
  let sides: readonly [Side, Side] | undefined;

  async function startSide(kind: PeerKind): Promise<Side> {
    const origin = await startOrigin();
    ends.push(() => origin.stop());
    const peer = await startPeer(kind, origin.port, entry);
    ends.push(() => peer.stop());
    return { peer, origin };
  }

  function bothSides(): readonly [Side, Side] {
    if (!sides) throw new Error('the proxies are not running');
    return sides;
  }

  beforeAll(async () => {
    // Both starts are waited for even if one fails, so that what did start is also ended.
    const [original, other] = await Promise.allSettled([startSide('pushpin'), startSide(otherKind)]);
    if (original.status === 'rejected') throw original.reason;
    if (other.status === 'rejected') throw other.reason;
    sides = [original.value, other.value];
  });

  afterAll(async () => {
    await Promise.all(ends.map((end) => end()));
    if (verdicts.size > 0) console.info(table(verdicts, otherKind));
  });

  it('notices a header that an origin changes on one side', async () => {
    const [original, other] = bothSides();
    const said = (value: string): Case => ({
      name: 'a header',
      origin: () => answer('200 OK', [`X-Said: ${value}`], 'ok\n'),
      run: async (script) => await (await script.client(get('plain.example', `/${script.key}`))).until('ok\n'),
    });
    const left = await play(original, said('one'), 'changed-answer');
    const same = judge(left, await play(other, said('one'), 'changed-answer'), [], true);
    const changed = judge(left, await play(other, said('two'), 'changed-answer'), [], true);
    expect(same.verdict.kind).toBe('equal');
    expect(changed.verdict.kind).toBe('different');
    expect(describeDifference(changed)).toBe('- X-Said: one\n+ X-Said: two');
  });

  it('notices a header that a client changes on one side', async () => {
    const [original, other] = bothSides();
    const sent = (value: string): Case => ({
      name: 'a header',
      origin: () => answer('200 OK', [], 'ok\n'),
      run: async (script) =>
        await (await script.client(get('plain.example', `/${script.key}`, [`X-Sent: ${value}`]))).until('ok\n'),
    });
    const left = await play(original, sent('one'), 'changed-request');
    const changed = judge(left, await play(other, sent('two'), 'changed-request'), [], true);
    expect(describeDifference(changed)).toBe('- x-sent: one\n+ x-sent: two');
  });

  it.each(CASES.map((test, i) => [test.name, test, `c${i}`] as const))('%s', async (name, test, key) => {
    const [original, other] = bothSides();
    const comparison = await compare(original, other, test, key);
    verdicts.set(name, comparison.verdict);
    if (comparison.verdict.kind === 'different') expect(describeDifference(comparison)).toBe('');
    expect(comparison.verdict.kind, 'an explanation that is no longer needed must go').not.toBe('needless');
    expect(comparison.verdict.kind).not.toBe('different');
  });
});

function table(verdicts: ReadonlyMap<string, Verdict>, other: PeerKind): string {
  const words = (verdict: Verdict): string => {
    switch (verdict.kind) {
      case 'equal':
        return 'equal';
      case 'explained':
        return `explained (${verdict.row})`;
      case 'needless':
        return `DIFFERENT from its explanation (${verdict.row} is not needed)`;
      case 'different':
        return 'DIFFERENT';
    }
  };
  const counts = [...verdicts.values()].map(({ kind }) => kind);
  const count = (kind: Verdict['kind']) => counts.filter((each) => each === kind).length;
  const sum = `${count('equal')} equal, ${count('explained')} explained, ${count('needless') + count('different')} DIFFERENT`;
  const rows = [...verdicts].map(([name, verdict]) => `${words(verdict).padEnd(12)} ${name}`);
  return [`pushpin 1.36 and ${other}`, ...rows, sum].join('\n');
}
