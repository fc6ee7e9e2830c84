/**
 * A backend that answers what the query asks it to, for trying out what Holdfast makes of it.
 *
 *     node examples/answer-with.mjs [port]      8000 by default, 0 for a free one
 *     holdfast --route '* localhost:8000,over_http'
 *     curl -i 'http://localhost:7999/?Grip-Hold=stream&Grip-Channel=test&body=hello'
 *
 * A parameter that begins with a capital letter becomes a response header, one that is repeated several. `body` is a
 * line of the body, `status` the status, `type` the type of the body; `echo=NAME` adds the request headers of that name
 * to the body. A WebSocket-over-HTTP request is accepted: `body` is then a message, and each `c` a control message, such
 * as `c={"type":"subscribe","channel":"test"}`. Every request is printed.
 */
import { createServer } from 'node:http';

const EVENTS = 'application/websocket-events';

/** The request's headers of the names that `echo` asks for, as lines. */
function echoed({ rawHeaders }, query) {
  const names = query.getAll('echo').map((name) => name.toLowerCase());
  const lines = rawHeaders.map((name, at) => `${name}: ${rawHeaders[at + 1]}`);
  return lines.filter((_line, at) => at % 2 === 0 && names.includes(rawHeaders[at].toLowerCase()));
}

function text(content) {
  return `TEXT ${Buffer.byteLength(content).toString(16)}\r\n${content}\r\n`;
}

async function answer(request, response) {
  const { method, url, headers } = request;
  const query = new URL(url, 'http://localhost').searchParams;
  let received = '';
  for await (const chunk of request) received += chunk;
  const isEvents = headers['content-type'] === EVENTS;
  console.log(`${isEvents ? 'WebSocket' : method} ${url}`);
  response.sendDate = false;
  response.statusCode = Number(query.get('status') ?? 200);
  response.setHeader('Content-Type', isEvents ? EVENTS : (query.get('type') ?? 'text/plain'));
  for (const [name, value] of query) if (/^[A-Z]/.test(name)) response.appendHeader(name, value);
  const body = [...query.getAll('body'), ...echoed(request, query)].map((line) => `${line}\n`).join('');
  if (!isEvents) {
    response.end(body);
    return;
  }
  response.setHeader('Sec-WebSocket-Extensions', 'grip');
  const messages = [...query.getAll('c').map((control) => `c:${control}`), ...(body === '' ? [] : [`m:${body}`])];
  response.end(received.startsWith('OPEN') ? `OPEN\r\n${messages.map(text).join('')}` : '');
}

const server = createServer((request, response) => {
  // Not every value of a parameter can stand in a header.
  answer(request, response).catch((error) => response.writeHead(500).end(`${error.message}\n`));
});

server.listen(Number(process.argv[2] ?? 8000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
