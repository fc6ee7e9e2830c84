/** `header=` of a route comes before every other step, and `Grip-Last` carries names and ids as bytes. */
import { describe, expect, it } from 'vitest';
import { type HeaderSettings, originHeaders } from '../../src/backend/request-headers.js';
import { testResponse } from '../../src/backend/test-backend.js';
import { parseInstruct } from '../../src/protocol/instruct.js';
import { CONTEXT, SETTINGS } from '../support/sample-headers.js';

function routed(header: [string, string], settings: Partial<HeaderSettings> = {}, origHeaders = false): string[] {
  const context = { ...CONTEXT, origHeaders, routeHeaders: [header] };
  return originHeaders([['A', '1']], { ...SETTINGS, ...settings }, context).map((line) => line.join(': '));
}

describe('a header of the route', () => {
  it('is marked as original where the route asks for that', () => {
    expect(routed(['R', 'x'], {}, true)).toEqual(['A: 1', 'R: x', 'eb9bf0f5-A: 1', 'eb9bf0f5-R: x']);
  });

  it.each(['Connection', 'Accept-Encoding', 'Grip-Sig', 'Transfer-Encoding'])('does not bring back %s', (name) => {
    expect(routed([name, 'x'])).toEqual(['A: 1']);
  });

  it('goes through the rules for X-Forwarded-For', () => {
    expect(routed(['X-Forwarded-For', '9.9.9.9'], { xForwardedFor: ['truncate:0'] })).toEqual(['A: 1']);
  });

  it('goes before the token of CDN-Loop', () => {
    expect(routed(['CDN-Loop', 'r'], { cdnLoop: 'me' })).toEqual(['A: 1', 'CDN-Loop: r, me']);
  });
});

describe('Grip-Last', () => {
  const last = (channel: string, id: string): string[] =>
    originHeaders([], SETTINGS, { ...CONTEXT, grip: true, lastIds: new Map([[channel, id]]) })
      .filter(([name]) => name === 'Grip-Last')
      .map(([, value]) => value);

  it('carries other alphabets as UTF-8', () => {
    const bytes = Buffer.from('café; last-id=日').toString('latin1');
    expect(last('café', '日')).toEqual([bytes]);
  });

  it('is left out for an id that could begin another header', () => {
    expect(last('a', '1\r\nX-Evil: 1')).toEqual([]);
  });
});

it('the test target takes the names of channels as UTF-8', () => {
  const response = testResponse({ path: '/stream', query: `channel=${encodeURIComponent('Ã©')}`, pathBeg: '' });
  expect(parseInstruct(response).channels.map(({ name }) => name)).toEqual(['Ã©']);
});
