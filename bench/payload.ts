/**
 * What is published while something is measured: a number to find what was lost or came twice, the time it left, and
 * filling whose every byte is checked.
 *
 *     ~0000002a@0000075bcd15......................\n
 *      number   microseconds  filling
 */

/** Bytes before the filling. */
const HEAD = 23;
const NUMBER_AT = 1;
const TIME_AT = 10;
const TIME_END = 22;

export const SMALLEST_MESSAGE = HEAD + 1;

/** @param at - microseconds of the common clock @param size - bytes of the whole message */
export function messageText(number: number, at: number, size: number): string {
  const time = Math.round(at).toString(16).padStart(12, '0');
  return `${`~${number.toString(16).padStart(8, '0')}@${time}.`.padEnd(size - 1, '.')}\n`;
}

export interface MessageEvents {
  /** @param at - microseconds of the common clock when it was published */
  message(number: number, at: number): void;
  /** Bytes that nobody published. */
  wrong(): void;
}

/** Takes a client's bytes apart into messages of one size, however they are cut. */
export class MessageReader {
  private partial: Buffer | undefined = undefined;
  private kept = 0;

  constructor(
    private readonly size: number,
    private readonly filling: Buffer,
    private readonly events: MessageEvents,
  ) {}

  read(bytes: Buffer, start: number, end: number): void {
    let at = start;
    if (this.kept > 0 && this.partial !== undefined) {
      at += bytes.copy(this.partial, this.kept, at, Math.min(end, at + this.size - this.kept));
      this.kept += at - start;
      if (this.kept < this.size) return;
      this.kept = 0;
      this.take(this.partial, 0);
    }
    for (; end - at >= this.size; at += this.size) this.take(bytes, at);
    if (at === end) return;
    this.partial ??= Buffer.allocUnsafe(this.size);
    this.kept = bytes.copy(this.partial, 0, at, end);
  }

  private take(bytes: Buffer, at: number): void {
    const fits =
      bytes[at] === 0x7e &&
      bytes[at + TIME_AT - 1] === 0x40 &&
      bytes.compare(this.filling, 0, this.filling.length, at + TIME_END, at + this.size) === 0;
    const number = fits ? hex(bytes, at + NUMBER_AT, at + TIME_AT - 1) : Number.NaN;
    const time = fits ? hex(bytes, at + TIME_AT, at + TIME_END) : Number.NaN;
    if (Number.isNaN(number + time)) this.events.wrong();
    else this.events.message(number, time);
  }
}

/** What every message of `size` bytes ends with. */
export function fillingOf(size: number): Buffer {
  return Buffer.from(messageText(0, 0, size).slice(TIME_END), 'latin1');
}

function hex(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : Number.NaN;
    value = value * 16 + digit;
  }
  return value;
}
