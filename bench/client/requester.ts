/** An HTTP client with one connection and one request at a time; it connects anew when the server has closed. */
import type { Socket } from 'node:net';
import { ResponseReader } from './response-reader.js';
import type { Sockets } from './socket.js';

/** Times that a request is sent again when its connection closed before a byte of the answer came. */
const RETRIES = 2;

export interface AnswerEvents {
  /** Part of a body. */
  body?(bytes: Buffer, start: number, end: number): void;
  /** @param status - 0 when the connection broke @param why - what went wrong, for people; empty when nothing did */
  done(status: number, why: string): void;
}

export class Requester {
  private socket: Socket | undefined = undefined;
  private request = '';
  private status = 0;
  private closeAfter = false;
  private retries = 0;
  private answerBegun = false;
  private answering: AnswerEvents | undefined = undefined;
  private reader = this.newReader();

  constructor(
    private readonly sockets: Sockets,
    private readonly port: number,
  ) {}

  get busy(): boolean {
    return this.answering !== undefined;
  }

  /** @param request - the whole request, latin1 */
  send(request: string, events: AnswerEvents): void {
    this.request = request;
    this.answering = events;
    this.retries = 0;
    this.transmit();
  }

  close(): void {
    this.answering = undefined;
    this.drop();
  }

  private transmit(): void {
    this.status = 0;
    this.answerBegun = false;
    if (this.socket !== undefined) {
      this.socket.write(this.request, 'latin1');
      return;
    }
    this.reader = this.newReader();
    const socket = this.sockets.open(this.port, {
      connected: () => {},
      bytes: (bytes, length) => {
        this.answerBegun = true;
        this.reader.read(bytes, 0, length);
        return true;
      },
      closed: (how) => {
        if (this.socket === socket) this.closed(how);
      },
    });
    this.socket = socket;
    socket.write(this.request, 'latin1');
  }

  private newReader(): ResponseReader {
    return new ResponseReader({
      head: (status, head) => {
        this.status = status;
        this.closeAfter = head.startsWith('HTTP/1.0') || /\r\nconnection: *close/i.test(head);
      },
      body: (bytes, start, end) => this.answering?.body?.(bytes, start, end),
      end: () => this.finish(this.status, ''),
    });
  }

  private closed(how: string): void {
    this.socket = undefined;
    if (!this.busy) return;
    if (this.reader.endsWithConnection && how === 'end') this.finish(this.status, '');
    else if (!this.answerBegun && this.retries < RETRIES) {
      // An idle connection may be closed at the very moment a request goes out on it.
      this.retries += 1;
      this.transmit();
    } else this.finish(0, `connection closed: ${how}`);
  }

  private finish(status: number, why: string): void {
    const { answering } = this;
    this.answering = undefined;
    if (this.closeAfter) this.drop();
    answering?.done(status, why);
  }

  private drop(): void {
    const { socket } = this;
    this.socket = undefined;
    this.closeAfter = false;
    socket?.destroy();
  }
}

export function getRequest(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: bench.example\r\nAccept: */*\r\n\r\n`;
}
