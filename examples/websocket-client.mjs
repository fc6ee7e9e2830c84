/**
 * A WebSocket client for trying things out: sends what stands behind the URL, and prints what comes.
 *
 *     node examples/websocket-client.mjs ws://localhost:7999/ hello
 */
import WebSocket from 'ws';

const [url, ...lines] = process.argv.slice(2);
const socket = new WebSocket(url);
socket.on('open', () => {
  for (const line of lines) socket.send(line);
});
socket.on('message', (content, binary) => console.log(binary ? 'binary' : 'text', String(content)));
socket.on('ping', (content) => console.log('ping', String(content)));
socket.on('pong', (content) => console.log('pong', String(content)));
socket.on('close', (code, reason) => console.log('closed', code, String(reason)));
socket.on('error', (error) => console.log('error', error.message));
