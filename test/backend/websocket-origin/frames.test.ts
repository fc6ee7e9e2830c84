/** Frames to and from origins, as bytes. */
import { describe, expect, it } from 'vitest';
import { maskedCloseFrame, maskedFrame } from '../../../src/backend/websocket-origin/masked-frame.js';
import { type FrameHandler, FrameReader } from '../../../src/protocol/frame-reader.js';
import { frame, OPCODES } from '../../support/websocket-client.js';
import { said, saidClose } from '../../support/websocket-origin.js';

/** Takes the mask off a frame, and shows it as one without. */
function unmasked(bytes: Buffer): Buffer {
  const short = (bytes[1] ?? 0) & 0x7f;
  const start = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
  const head = Buffer.from(bytes.subarray(0, start));
  head[1] = short;
  const mask = bytes.subarray(start, start + 4);
  const content = bytes.subarray(start + 4).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([head, content]);
}

class Heard implements FrameHandler {
  readonly words: string[] = [];
  onMessage(type: string, content: Buffer): void {
    this.words.push(`${type} ${content.length}`);
  }
  onPing(content: Buffer): void {
    this.words.push(`ping ${content}`);
  }
  onPong(content: Buffer): void {
    this.words.push(`pong ${content}`);
  }
  onClose(code: number | undefined, reason: string): void {
    this.words.push(`close ${code} ${reason}`);
  }
  onViolation(code: number): void {
    this.words.push(`violation ${code}`);
  }
}

describe('a frame to an origin', () => {
  it.each([0, 1, 125, 126, 65_535, 65_536])('with %i bytes is masked, and whole', (size) => {
    const content = Buffer.alloc(size, 'x');
    const bytes = maskedFrame('binary', content);
    expect((bytes[1] ?? 0) & 0x80).toBe(0x80);
    expect(unmasked(bytes).equals(frame('binary', content, { masked: false }))).toBe(true);
    expect(content.equals(Buffer.alloc(size, 'x'))).toBe(true);
  });

  it.each(['text', 'ping', 'pong'] as const)('has the opcode of a %s', (type) => {
    expect((maskedFrame(type, Buffer.from('x'))[0] ?? 0) & 0x0f).toBe(OPCODES[type]);
  });

  it('that closes carries code and reason, as far as they may be carried', () => {
    expect(unmasked(maskedCloseFrame(4_000, 'bye'))).toEqual(saidClose(4_000, 'bye'));
    expect(unmasked(maskedCloseFrame(undefined, ''))).toEqual(said('close'));
    expect(unmasked(maskedCloseFrame(1_005, ''))).toEqual(said('close'));
    expect(unmasked(maskedCloseFrame(4_000, 'é'.repeat(100)))).toEqual(saidClose(4_000, 'é'.repeat(61)));
  });
});

describe('frames of an origin', () => {
  it('may come in as many pieces as a slow network makes of them', async () => {
    const heard = new Heard();
    const limit = 16_777_216;
    const frames = new FrameReader({ sender: 'origin', maxMessageBytes: limit }, heard);
    const bytes = said('binary', Buffer.alloc(limit));
    for (let at = 0; at < bytes.length; at += 1_400) frames.read(bytes.subarray(at, at + 1_400));
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard.words).toEqual([`binary ${limit}`]);
  });

  it('may not come in more pieces than a network would make', async () => {
    const heard = new Heard();
    const frames = new FrameReader({ sender: 'origin', maxMessageBytes: 100_000 }, heard);
    const bytes = said('binary', Buffer.alloc(100_000));
    for (let at = 0; at < 5_000; at += 1) frames.read(bytes.subarray(at, at + 1));
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard.words).toEqual(['violation 1008']);
  });

  it('are not told of any more once they are stopped', () => {
    const heard = new Heard();
    const frames = new FrameReader({ sender: 'origin', maxMessageBytes: 100 }, heard);
    frames.read(said('ping', 'a'));
    frames.stop();
    frames.read(said('ping', 'b'));
    frames.read(Buffer.from([0xff, 0xff]));
    expect(heard.words).toEqual(['ping a']);
  });
});
