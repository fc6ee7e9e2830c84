/** Which origin a request goes to, and what the client reads when there is none (specification 2.5, 2.6, 3.2). */
import { answer, type Case, get, post } from '../case.js';

const hello = () => answer('200 OK', ['Content-Type: text/plain'], 'hello\n');

export const ROUTING: readonly Case[] = [
  {
    name: '2.5 a host with routes never falls back to the default route',
    run: async (script) => {
      const client = await script.client(get('path.example', `/${script.key}`));
      await client.answered();
    },
  },
  {
    name: '2.5 the host is compared without its port and without case',
    origin: hello,
    run: async (script) => {
      const client = await script.client(get('PLAIN.Example:8080', `/${script.key}`));
      await client.answered();
    },
  },
  {
    name: '2.5 a WebSocket without a route is rejected with a bare 502',
    run: async (script) => {
      const upgrade = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
      const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
      const client = await script.client(get('path.example', `/${script.key}`, [...upgrade, key]));
      await client.closed();
    },
  },
  {
    name: '2.2 replace_beg rewrites the front of the path and keeps the query',
    origin: hello,
    run: async (script) => {
      const client = await script.client(get('rewrite.example', `/old/${script.key}/a%20b?q=1&r`));
      await client.answered();
    },
  },
  {
    name: '2.2 header properties replace and remove request headers',
    origin: hello,
    run: async (script) => {
      const headers = ['X-Route: mine', 'X-Drop: 1', 'X-Keep: 1'];
      const client = await script.client(get('header.example', `/${script.key}`, headers));
      await client.answered();
    },
  },
  {
    name: '2.6 a refused connection moves on to the next target',
    origin: hello,
    run: async (script) => {
      const client = await script.client(get('down.example', `/${script.key}`));
      await client.answered();
    },
  },
  {
    name: '2.6 the body is replayed to the next target',
    origin: hello,
    run: async (script) => {
      const client = await script.client(
        post('down.example', `/${script.key}`, ['Content-Type: text/plain'], 'one body'),
      );
      await client.answered();
    },
  },
  {
    name: '3.2 no target answers: the plain error tells nothing',
    run: async (script) => {
      const client = await script.client(get('dead.example', `/${script.key}`));
      await client.answered();
    },
  },
  {
    name: '3.2 no target answers: the debug error names the targets',
    run: async (script) => {
      const client = await script.client(get('dead-debug.example', `/${script.key}`));
      await client.answered();
    },
  },
  {
    name: '3.2 an origin that hangs up without an answer',
    origin: (_request, index) => (index === 0 ? hello() : { bytes: '', after: 'close' }),
    run: async (script) => {
      // The first request leaves a connection that the second one is made on.
      const client = await script.client(get('debug.example', `/${script.key}/first`));
      await client.until('hello\n');
      client.send(get('debug.example', `/${script.key}/second`));
      await client.answered();
    },
  },
  {
    name: '3.2 an origin that hangs up without an answer to a POST',
    origin: (_request, index) => (index === 0 ? hello() : { bytes: '', after: 'close' }),
    run: async (script) => {
      const client = await script.client(get('debug.example', `/${script.key}/first`));
      await client.until('hello\n');
      client.send(post('debug.example', `/${script.key}/second`, [], 'body'));
      await client.answered();
    },
  },
  {
    name: '3.2 an origin that answers something else than HTTP',
    origin: () => ({ bytes: 'SSH-2.0-none\r\n\r\n', after: 'close' }),
    run: async (script) => {
      const client = await script.client(get('debug.example', `/${script.key}`));
      await client.answered();
    },
  },
  {
    name: '3.2 WebSocket events sent directly by a client are refused',
    run: async (script) => {
      const type = 'Content-Type: application/websocket-events; x=1';
      const client = await script.client(post('over.example', `/${script.key}`, [type], 'OPEN\r\n'));
      await client.answered();
    },
  },
];
