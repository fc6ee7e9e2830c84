/** A handler that has accepted a WebSocket, as a held client sees it. */
import type { WebSocketMessageType } from '../../protocol/item.js';
import { type TwoWayOptions, TwoWayOrigin } from '../websocket-origin/two-way-origin.js';
import type { SocketListener, ZhttpSocket } from './zhttp-socket.js';

export class ZhttpOrigin extends TwoWayOrigin implements SocketListener {
  /** What the handler has said before the client is there to hear it; undefined: the client is. */
  private early: (() => void)[] | undefined = [];

  constructor(
    private readonly session: ZhttpSocket,
    options: TwoWayOptions,
  ) {
    super(options);
    session.listener = this;
  }

  override onMessage(type: 'text' | 'binary', content: Buffer): void {
    if (this.early === undefined) super.onMessage(type, content);
    else this.early.push(() => super.onMessage(type, content));
  }

  override onPing(content: Buffer): void {
    if (this.early === undefined) super.onPing(content);
    else this.early.push(() => super.onPing(content));
  }

  override onPong(content: Buffer): void {
    if (this.early === undefined) super.onPong(content);
    else this.early.push(() => super.onPong(content));
  }

  override onClose(code: number | undefined, reason: string): void {
    if (this.early === undefined) super.onClose(code, reason);
    else this.early.push(() => super.onClose(code, reason));
  }

  override ended(): void {
    if (this.early === undefined) super.ended();
    else this.early.push(() => super.ended());
  }

  protected get queuedBytes(): number {
    return this.session.queuedBytes;
  }

  protected send(type: WebSocketMessageType, content: Buffer): void {
    this.session.send(type, content);
  }

  protected sendClose(code: number, reason: string): void {
    this.session.sendClose(code, reason);
  }

  protected listen(): void {
    const early = this.early ?? [];
    this.early = undefined;
    this.session.resume();
    for (const said of early) said();
  }

  protected stopReading(): void {
    this.session.pause();
  }

  protected readOn(): void {
    this.session.resume();
  }

  protected readAnyway(): void {
    this.session.resume();
  }

  protected endTransport(): void {
    this.early = undefined;
    this.session.finish();
  }

  protected breakTransport(): void {
    this.session.finish();
  }
}
