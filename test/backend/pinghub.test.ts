/** What the built-in Pinghub does where its processes cannot keep up; everything else is tested over real sockets. */
import { describe, expect, it } from 'vitest';
import { pinghubWebSocket } from '../../src/backend/pinghub/pinghub.js';
import type { WebSocketClient } from '../../src/hold/websocket-origin.js';
import { parseRoute } from '../../src/routes/parse-route.js';

describe('a socket of Pinghub', () => {
  it('is not read while a process cannot take more, and is read on when it can', () => {
    const parsed = parseRoute('* pinghub', { file: 'routes', line: 1 }, { readFile: () => '' });
    const target = parsed.kind === 'route' ? parsed.route.targets[0] : undefined;
    if (target?.kind !== 'pinghub') throw new Error('no target');
    const happened: string[] = [];
    let cleared: (() => void) | undefined;
    const publishing = {
      publish: ({ channel }: { readonly channel: string }) => void happened.push(`publish ${channel}`),
      congested: false,
      whenClear: (run: () => void) => {
        cleared = run;
      },
    };
    const counters = { posts: 0, messages: 0, drops: 0, echoes: 0 };
    const verdict = pinghubWebSocket(
      { options: target.pinghub, prefix: '', counters, publishing, isOpen: () => true },
      {
        method: 'GET',
        path: '/a',
        ownPath: '/a',
        leadsHere: () => true,
        query: '',
        base: '',
        headers: [
          ['Sec-WebSocket-Version', '13'],
          ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
        ],
      },
      true,
    );
    if (verdict.kind !== 'accept') throw new Error('refused');
    const client: WebSocketClient = {
      fromOrigin: () => {},
      close: () => {},
      drop: () => {},
      pause: () => void happened.push('pause'),
      resume: () => void happened.push('resume'),
    };
    verdict.origin.attached(client);
    verdict.origin.message('text', Buffer.from('one'));
    publishing.congested = true;
    verdict.origin.message('text', Buffer.from('two'));
    expect(happened).toEqual(['publish pinghub:/a', 'publish pinghub:/a', 'pause']);
    cleared?.();
    expect(happened.at(-1)).toBe('resume');
    verdict.origin.message('text', Buffer.from('three'));
    verdict.origin.gone();
    cleared?.();
    expect(happened.filter((one) => one === 'resume')).toHaveLength(1);
  });
});
