/**
 * A receiver of spans that prints them, one a line, for trying out what Holdfast makes: OTLP over HTTP, as JSON.
 *
 *     node examples/span-receiver.mjs [port]      4318 by default, 0 for a free one
 */
import { createServer } from 'node:http';

const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'];

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString());
    for (const { scopeSpans } of resourceSpans) {
      for (const { spans } of scopeSpans) for (const span of spans) print(span);
    }
    response.setHeader('Content-Type', 'application/json').end('{}');
  });
});

function print({ name, kind, traceId, spanId, parentSpanId = '', links = [], attributes = [] }) {
  const below = parentSpanId === '' ? '' : ` below=${parentSpanId}`;
  const linked = links.map((link) => ` link=${link.spanId}`).join('');
  const said = attributes.map(({ key, value }) => ` ${key}=${Object.values(value)[0]}`).join('');
  console.log(`${KINDS[kind]} "${name}" trace=${traceId} span=${spanId}${below}${linked}${said}`);
}

server.listen(Number(process.argv[2] ?? 4318), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
