/** Bytes that wait. Small pieces are put together, so that what is kept is never many times larger than what waits. */

/** Bytes that small pieces are copied into, and those of a piece that is kept as it is. */
const BLOCK = 16_384;
const LARGE = 4_096;

export class WaitingPieces {
  /** Bytes that wait. */
  size = 0;
  private pieces: Buffer[] = [];
  private block: Buffer | undefined = undefined;
  private used = 0;

  /** @param piece - is not changed afterwards */
  add(piece: Buffer): void {
    this.size += piece.length;
    if (piece.length >= LARGE) {
      this.seal();
      this.pieces.push(piece);
      return;
    }
    if (this.block === undefined || this.used + piece.length > BLOCK) {
      this.seal();
      this.block = Buffer.allocUnsafeSlow(BLOCK);
    }
    this.used += piece.copy(this.block, this.used);
  }

  /** All that waits; nothing waits afterwards. */
  take(): Buffer[] {
    this.seal();
    const { pieces } = this;
    this.pieces = [];
    this.size = 0;
    return pieces;
  }

  private seal(): void {
    if (this.block !== undefined && this.used > 0) this.pieces.push(this.block.subarray(0, this.used));
    this.block = undefined;
    this.used = 0;
  }
}
