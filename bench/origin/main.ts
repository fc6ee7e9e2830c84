/**
 * The origin program behind the server under test. It answers with plain bodies, and with holds for the channels in the
 * query:
 *
 *     /small  /large?bytes=N  /stream?ch=C&also=D  /poll?ch=C  /ws?ch=C (WebSocket-over-HTTP: subscribes and echoes)
 *
 * It tells its parent on which port it listens, and ends with it.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { bodyOf, GREETING, SMALL_BODY } from '../bodies.js';
import { RequestReader } from './request-reader.js';
import { answerEvents } from './websocket-events.js';

/** Connections that may wait to be accepted. */
const BACKLOG = 4_096;

function answer(extra: string, body: Buffer, type = 'text/plain'): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${extra}Content-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

const SMALL = answer('', SMALL_BODY);
const NOT_FOUND = Buffer.from('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');

class Answers {
  private readonly large = new Map<number, Buffer>();

  to(target: string, body: Buffer): Buffer {
    const [path, query = ''] = target.split('?', 2);
    const parameters = new URLSearchParams(query);
    const channel = parameters.get('ch') ?? '';
    switch (path) {
      case '/small':
        return SMALL;
      case '/large':
        return this.largeAnswer(Number(parameters.get('bytes')));
      case '/stream': {
        const also = parameters.get('also');
        const channels = also === null ? channel : `${channel}, ${also}`;
        return answer(`Grip-Hold: stream\r\nGrip-Channel: ${channels}\r\n`, GREETING);
      }
      case '/poll':
        return answer(
          `Grip-Hold: response\r\nGrip-Timeout: 120\r\nGrip-Channel: ${channel}\r\n`,
          Buffer.from('timeout\n'),
        );
      case '/ws': {
        const opening = body.subarray(0, 4).equals(Buffer.from('OPEN'));
        const extra = opening ? 'Sec-WebSocket-Extensions: grip\r\n' : '';
        return answer(extra, answerEvents(body, channel), 'application/websocket-events');
      }
      default:
        return NOT_FOUND;
    }
  }

  private largeAnswer(bytes: number): Buffer {
    let known = this.large.get(bytes);
    if (known === undefined) {
      known = answer('', bodyOf(bytes));
      this.large.set(bytes, known);
    }
    return known;
  }
}

function serve(): void {
  const answers = new Answers();
  const server = createServer({ noDelay: true }, (socket: Socket) => {
    const reader = new RequestReader((target, body) => socket.write(answers.to(target, body)));
    socket.on('data', (bytes: Buffer) => reader.read(bytes));
    socket.on('error', () => socket.destroy());
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: BACKLOG }, () => {
    process.send?.({ kind: 'listening', port: (server.address() as AddressInfo).port });
  });
  process.on('disconnect', () => process.exit(0));
  process.on('SIGINT', () => {});
}

serve();
