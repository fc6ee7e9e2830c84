/**
 * One opening handshake with an origin that speaks WebSocket itself (specification 11.1).
 *
 *     connecting ──► asked ──a good 101──► opened: the socket is the caller's
 *         │            ├──another status──► refused, once as much of its body is there as we want
 *         └────────────┴──► failed              cancelled: nothing is told any more
 */
import { randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { OriginMeter } from '../../observe/origin-meter.js';
import { getHeaders, type HeaderList } from '../../protocol/headers.js';
import type { CompleteResponse } from '../../protocol/instruct.js';
import { headerListOf } from '../../protocol/raw-headers.js';
import { asError, failureOf } from '../origin-failure.js';
import { resultOf } from '../origin-result.js';
import type { OriginServer } from '../origin-server.js';
import type { Call, Failure } from '../verdict.js';
import { type OpeningRequest, openingFault, openingHeaders } from './opening.js';

const KEY_BYTES = 16;

export type OpeningResult =
  | {
      readonly kind: 'opened';
      readonly reason: string;
      readonly headers: HeaderList;
      readonly socket: Socket;
      /** What the origin said right behind its 101. */
      readonly first: Buffer;
    }
  | { readonly kind: 'refused'; readonly response: CompleteResponse }
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface HandshakeOptions {
  /** Milliseconds of silence in both directions after which the connection is given up, now and later. */
  readonly idleTimeout: number;
  readonly maxHeadBytes: number;
  /** Bytes of a refusal's body; the rest is cut off. */
  readonly maxRejectBytes: number;
  /** Told of the socket as soon as there is one. */
  readonly connected: (socket: Socket) => void;
  readonly meter?: OriginMeter | undefined;
}

export class Handshake implements Call {
  private over = false;
  /** What the meter gave when the request was sent. */
  private since = 0;
  /** The head of an answer has come. */
  private heard = false;
  private socket: Socket | undefined = undefined;
  private readonly key = randomBytes(KEY_BYTES).toString('base64');

  /** @param done - called once, never before `start` has returned */
  constructor(
    private readonly server: OriginServer,
    private readonly request: OpeningRequest,
    private readonly options: HandshakeOptions,
    private readonly done: (result: OpeningResult) => void,
  ) {}

  start(): void {
    this.since = this.options.meter?.begins() ?? 0;
    try {
      this.server.connect((result) => {
        if (result instanceof Error) this.fail(result);
        else this.ask(result);
      });
    } catch (error) {
      // Certificate and key of our own are looked at as late as this.
      queueMicrotask(() => this.fail(error));
    }
  }

  cancel(): void {
    if (!this.over && !this.heard) this.options.meter?.ends('cancelled');
    this.over = true;
    this.socket?.destroy();
  }

  private ask(socket: Socket): void {
    if (this.over) {
      socket.destroy();
      return;
    }
    this.socket = socket;
    const { idleTimeout, maxHeadBytes, connected } = this.options;
    connected(socket);
    socket.setTimeout(idleTimeout);
    socket.on('timeout', destroySocket);
    try {
      const request = httpRequest({
        // Connected before, because neither the address policy nor the identity of TLS is anything node:http knows of.
        createConnection: () => socket,
        path: this.request.path,
        headers: openingHeaders(this.request, this.key),
        maxHeaderSize: maxHeadBytes,
        insecureHTTPParser: false,
      });
      // All of them have to fit into maxHeadBytes.
      request.maxHeadersCount = 0;
      request.on('upgrade', (answer, _socket, first) => this.upgraded(answer, socket, first));
      request.on('response', (answer) => this.refused(answer));
      request.on('error', (error) => this.fail(error));
      request.end();
    } catch (error) {
      this.fail(error);
    }
  }

  private upgraded(answer: IncomingMessage, socket: Socket, first: Buffer): void {
    this.hear(101);
    const headers = headerListOf(answer.rawHeaders);
    const fault = openingFault(answer.httpVersion, headers, this.key);
    if (fault === undefined)
      this.finish({ kind: 'opened', reason: answer.statusMessage ?? '', headers, socket, first });
    else this.failWith({ kind: 'other', detail: `the origin’s 101 is not for a WebSocket: ${fault}` });
  }

  private refused(answer: IncomingMessage): void {
    const { statusCode: code = 0, statusMessage: reason = '' } = answer;
    this.hear(code);
    const headers = headerListOf(answer.rawHeaders);
    if (code === 101) {
      this.failWith({ kind: 'other', detail: 'the origin’s 101 has no upgrade' });
      return;
    }
    if (getHeaders(headers, 'transfer-encoding').some((coding) => coding.toLowerCase() !== 'chunked')) {
      this.failWith({ kind: 'other', detail: 'the origin uses a transfer coding other than chunked' });
      return;
    }
    const { maxRejectBytes } = this.options;
    const parts: Buffer[] = [];
    let size = 0;
    const refuse = (): void => {
      const body = Buffer.concat(parts).subarray(0, maxRejectBytes);
      this.finish({ kind: 'refused', response: { code, reason, headers, body } });
      // Whatever may still come of it is not wanted, and no other request follows on this connection.
      this.socket?.destroy();
    };
    answer.on('data', (part: Buffer) => {
      parts.push(part);
      size += part.length;
      if (size > maxRejectBytes) refuse();
    });
    answer.on('end', refuse);
    answer.on('error', (error) => this.fail(error));
  }

  private hear(code: number): void {
    if (this.over) return;
    this.heard = true;
    this.options.meter?.answered(this.since, code);
  }

  private fail(error: unknown): void {
    this.failWith(failureOf(asError(error), this.server.secure, this.socket !== undefined));
  }

  private failWith(failure: Failure): void {
    this.finish({ kind: 'failed', failure });
    this.socket?.destroy();
  }

  private finish(result: OpeningResult): void {
    if (this.over) return;
    this.over = true;
    if (result.kind === 'failed' && !this.heard) this.options.meter?.ends(resultOf(result.failure));
    this.done(result);
  }
}

function destroySocket(this: Socket): void {
  this.destroy();
}
