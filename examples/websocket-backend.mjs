import { createServer } from 'node:http';

const EVENTS = 'application/websocket-events';
const text = (content) => `TEXT ${Buffer.byteLength(content).toString(16)}\r\n${content}\r\n`;

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  let body = Buffer.concat(chunks);
  let answer = '';
  while (body.length > 0) {
    const [type, size] = body.subarray(0, body.indexOf('\r\n')).toString().split(' ');
    const start = body.indexOf('\r\n') + 2;
    const end = start + (size === undefined ? 0 : Number.parseInt(size, 16));
    const content = body.subarray(start, end).toString();
    body = body.subarray(size === undefined ? end : end + 2);
    if (type === 'OPEN') answer += `OPEN\r\n${text('c:{"type":"subscribe","channel":"room"}')}`;
    if (type === 'TEXT') answer += text(`m:you said ${content}`);
    if (type === 'CLOSE') answer += 'CLOSE\r\n';
  }
  response.writeHead(200, { 'Content-Type': EVENTS, 'Sec-WebSocket-Extensions': 'grip' }).end(answer);
}).listen(Number(process.argv[2] ?? 8000), '127.0.0.1', function () {
  console.log(`listening on http://127.0.0.1:${this.address().port}`);
});
