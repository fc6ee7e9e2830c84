/**
 * A backend whose every answer becomes an HTTP stream: two headers tell Holdfast to keep the client and to subscribe it.
 *
 *     node examples/http-stream/server.js [port]      8080 by default, 0 for a free one
 *     holdfast --route '* localhost:8080'
 *     curl -i http://localhost:7999/
 *     curl -d '{"items":[{"channel":"test","formats":{"http-stream":{"content":"hello there\n"}}}]}' \
 *       http://localhost:5561/publish
 */
import { createServer } from 'node:http';

const server = createServer((_request, response) => {
  // A date is of no use to a client that stays for hours.
  response.sendDate = false;
  response.writeHead(200, {
    'Content-Type': 'text/plain',
    'Grip-Hold': 'stream',
    'Grip-Channel': 'test',
  });
  response.end('welcome to the stream\n');
});

server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
