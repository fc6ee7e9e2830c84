/** What a SockJS path answers by itself (spec 13): info, frame page, preflights, and refusals, byte for byte. */
import { describe, expect, it } from 'vitest';
import { clientPort, Opened } from '../support/closing.js';
import { SockjsRequests, text, whole } from '../support/sockjs-requests.js';
import { knock } from '../support/websocket-client.js';

const SCRIPT = 'http://cdn.example/sockjs.js';
/** What Pushpin 1.36 says of the page with that script. */
const ETAG = '"158c94c62661def86071a31cd163302e"';
const PAGE = `<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
  <script src="${SCRIPT}"></script>
  <script>
    document.domain = document.domain;
    SockJS.bootstrap_iframe();
  </script>
</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
</body>
</html>
`;
const FOUND = whole(
  '200 OK',
  [`ETag: ${ETAG}`, 'Content-Type: text/html; charset=UTF-8', 'Cache-Control: public, max-age=31536000'],
  PAGE,
);
const NOT_FOUND = text('Not Found\n', '404 Not Found');

describe('a SockJS path', () => {
  const opened = new Opened();

  async function service(...routes: readonly string[]) {
    const holdfast = await opened.holdfast({
      routes: routes.length === 0 ? ['*,sockjs=/echo test'] : routes,
      settings: { proxy: { sockjsUrl: SCRIPT } },
    });
    const port = clientPort(holdfast);
    return { holdfast, port, requests: new SockjsRequests(opened, port) };
  }

  it('says what it can do, with another number each time', async () => {
    const { requests } = await service();
    const entropies = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      const answer = await requests.get(`/echo/info?t=${round}`);
      const entropy = /"entropy":(\d+)/.exec(answer)?.[1] ?? '';
      const body = `{"cookie_needed":false,"entropy":${entropy},"origins":["*:*"],"websocket":true}\n`;
      expect(answer).toBe(text(body));
      expect(Number(entropy)).toBeLessThan(2 ** 32);
      entropies.add(entropy);
    }
    expect(entropies.size).toBeGreaterThan(1);
  });

  it('names the origin that asks', async () => {
    const { requests } = await service();
    const answer = await requests.get('/echo/iframe.html', 'Origin: http://page.example');
    expect(answer).toBe(FOUND.replace('Allow-Origin: *', 'Allow-Origin: http://page.example'));
  });

  it.each(['/echo/iframe.html', '/echo/iframe-1.0.html?t=1', '/echo/iframe/deep.html'])(
    'has the page for frames at %s',
    async (target) => {
      const { requests } = await service();
      expect(await requests.get(target)).toBe(FOUND);
    },
  );

  it('lets the page be kept by whoever has it', async () => {
    const { requests } = await service();
    const kept = whole('304 Not Modified', [`ETag: ${ETAG}`], '');
    expect(await requests.get('/echo/iframe.html', `If-None-Match: ${ETAG}`)).toBe(kept);
    expect(await requests.get('/echo/iframe.html', `If-None-Match: W/${ETAG}`)).toBe(FOUND);
  });

  it.each(['/echo', '/echo/info', '/echo/0/abc/xhr', '/echo/nowhere'])('answers a preflight for %s', async (target) => {
    const { requests } = await service();
    const answer = await requests.whole('OPTIONS', target, ['Access-Control-Request-Method: POST']);
    expect(answer).toBe(whole('204 No Content', ['Content-Type: text/plain'], ''));
  });

  it.each([
    ['GET', '/echo'],
    ['GET', '/echo/'],
    ['GET', '/echoes/info'],
    ['GET', '/echo/info/'],
    ['POST', '/echo/info'],
    ['PUT', '/echo/info'],
    ['POST', '/echo/iframe.html'],
    ['GET', '/echo/iframe.htmlx'],
    ['GET', '/echo/0/abc/xhr'],
    ['GET', '/echo/0/abc/xhr_send'],
    ['PUT', '/echo/0/abc/jsonp?c=cb'],
    ['POST', '/echo/0/abc/xhr_streaming'],
    ['GET', '/echo/0/abc/eventsource'],
    ['GET', '/echo/0/abc/htmlfile?c=cb'],
    ['POST', '/echo/abc/xhr'],
    ['POST', '/echo/0//xhr'],
    ['POST', '/echo/0/abc/'],
    ['POST', '/echo/0/abc/xhr/'],
    ['POST', '/echo/0/1/abc/xhr'],
    ['POST', '/echo/0/unknown/xhr_send'],
    ['POST', '/echo/0/unknown/jsonp_send?c=cb'],
  ])('has nothing for %s %s', async (method, target) => {
    const { requests, holdfast } = await service();
    expect(await requests.whole(method, target, [], method === 'POST' ? 'x' : undefined)).toBe(NOT_FOUND);
    expect(holdfast.counters.requestErrors).toBe(1);
  });

  it('answers HEAD without a body', async () => {
    const { requests } = await service();
    const [head = ''] = NOT_FOUND.split('Not Found\n');
    expect(await requests.whole('HEAD', '/echo/info', [])).toBe(head);
  });

  it('wants to know whom a script is for', async () => {
    const { requests } = await service();
    const refusal = text('Bad Request\n', '400 Bad Request');
    expect(await requests.get('/echo/0/abc/jsonp')).toBe(refusal);
    expect(await requests.get('/echo/0/abc/jsonp?c=')).toBe(refusal);
    expect(await requests.post('/echo/0/abc/jsonp?call=cb')).toBe(refusal);
  });

  it.each(['/echo/0/abc/xhr_send', '/echo/nowhere'])('takes no more than 100,000 bytes for %s', async (target) => {
    const { requests } = await service();
    expect(await requests.post(target, 'x'.repeat(100_000))).toBe(NOT_FOUND);
    const tooLarge = text('Request too large.\n', '400 Bad Request');
    expect(await requests.post(target, 'x'.repeat(100_001))).toBe(tooLarge);
    const chunked = await requests.begin('POST', target, undefined, ['Transfer-Encoding: chunked']);
    chunked.write(`186a1\r\n${'x'.repeat(100_001)}\r\n`);
    await chunked.untilClosed();
    expect(chunked.pending).toBe(tooLarge);
  });

  it('is served before everything else that a route has', async () => {
    const { requests } = await service('*,sockjs=/echo,aco,debug test');
    expect(await requests.get('/echo/nowhere?callback=x', 'Pushpin-Check: 1')).toBe(NOT_FOUND);
  });

  it('is only what begins with the path of the route, byte for byte', async () => {
    const { requests } = await service('*,sockjs=/echo test');
    expect(await requests.get('/Echo/info')).toContain('no such test resource');
    expect(await requests.get('/ech%6f/info')).toContain('no such test resource');
    expect(await requests.get('/echo/inf%6F')).toContain('"websocket":true');
  });

  it.each([
    '/echo',
    '/echo/',
    '/echo/nowhere',
    '/echo/a/b',
    '/echo/a/b/',
    '/echo/a//c',
    '/echo/websocket/',
    '/echo/a/b/c/d',
  ])('has no WebSocket at %s', async (target) => {
    const { port, holdfast } = await service();
    const client = opened.add(await knock(port, target), (one) => one.close());
    await client.untilClosed();
    expect(client.pending).toBe(
      'HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nNot Found\n',
    );
    expect(holdfast.counters).toMatchObject({ requests: 1, requestErrors: 1 });
  });

  it('finds its route by the protocol that is spoken', async () => {
    const routes = ['*,proto=http,sockjs=/echo test', '*,proto=ws,sockjs=/other test'];
    const { port, requests } = await service(...routes);
    expect(await requests.get('/other/info')).not.toContain('websocket');
    expect(await requests.get('/echo/info')).toContain('"websocket":true');
    const client = opened.add(await knock(port, '/other/nowhere'), (one) => one.close());
    expect(await client.readUntil('Not Found\n')).toContain('404 Not Found');
  });
});
