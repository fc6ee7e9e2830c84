/**
 * A chat room for WebSocket clients in an Express app that never sees a socket: Holdfast turns what happens on each
 * connection into requests, and the libraries `grip` and `express-grip` read and answer them.
 *
 *     node examples/express-websocket/app.js [port]   8080 by default, 0 for a free one
 *     holdfast --route '* localhost:8080,over_http'
 *
 * then connect to ws://localhost:7999/websocket. CONTROL_URI is where this app publishes, http://localhost:5561 by
 * default; SIG_KEY is the key that Holdfast signs with, "changeme" by default.
 */
import express from 'express';
import expressGrip from 'express-grip';
import grip from 'grip';

const { CONTROL_URI = 'http://localhost:5561', SIG_KEY = 'changeme' } = process.env;

expressGrip.configure({ gripProxies: [{ control_uri: CONTROL_URI, key: SIG_KEY }] });

const app = express();

app.use(expressGrip.preHandlerGripMiddleware);

app.get('/hello', (_request, response, next) => {
  response.send('hello world\n');
  next();
});

app.post('/websocket', (_request, response, next) => {
  if (!expressGrip.verifyIsWebSocket(response, next)) return;
  const socket = expressGrip.getWsContext(response);

  if (socket.isOpening()) {
    socket.accept();
    socket.subscribe('all');
  }

  // One request carries all that has come since the last one, most often a single message.
  while (socket.canRecv()) {
    const message = socket.recv();
    if (message === null) {
      socket.close();
      break;
    }
    expressGrip.publish('all', new grip.WebSocketMessageFormat(message));
  }

  // The middleware behind the endpoints writes the answer, so every endpoint ends with this.
  next();
});

app.use(expressGrip.postHandlerGripMiddleware);

const server = app.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
