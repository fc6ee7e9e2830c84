/** The bytes of a ZMTP 3 peer, written by hand from RFC 23 and RFC 37: nothing here uses the codec under test. */

/** 64 bytes. @param mechanism - at most 20 characters */
export function greetingOf({ major = 3, minor = 0, mechanism = 'NULL', asServer = 0, filler = 0 } = {}): Buffer {
  const bytes = Buffer.alloc(64, filler);
  bytes.write('\xff\0\0\0\0\0\0\0\x01\x7f', 'latin1');
  bytes[10] = major;
  bytes[11] = minor;
  bytes.write(mechanism.padEnd(20, '\0'), 12, 'latin1');
  bytes[32] = asServer;
  return bytes;
}

/** A frame as it is sent. @param long - with a length of eight bytes; default when it is needed */
export function frameOf(flags: number, body: Buffer | string, long = body.length > 255): Buffer {
  const bytes = Buffer.from(body as string);
  const head = Buffer.alloc(long ? 9 : 2);
  head[0] = flags | (long ? 2 : 0);
  if (long) head.writeUInt32BE(bytes.length, 5);
  else head[1] = bytes.length;
  return Buffer.concat([head, bytes]);
}

/** A head that claims a body of `length` bytes. */
export function claim(length: bigint, flags = 0): Buffer {
  const head = Buffer.alloc(9);
  head[0] = flags | 2;
  head.writeBigUInt64BE(length, 1);
  return head;
}

/** The data of a property list. */
export function properties(...pairs: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    pairs.map(([name, value]) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(value.length);
      return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), length, Buffer.from(value, 'latin1')]);
    }),
  );
}

export function commandOf(name: string, data: Buffer | string = ''): Buffer {
  return frameOf(4, Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from(data as string)]));
}

export function readyOf(socketType = 'PUSH'): Buffer {
  return commandOf('READY', properties(['Socket-Type', socketType], ['Identity', '']));
}

/** PING with a time to live in tenths of a second. */
export function pingOf(ttl: number, context = ''): Buffer {
  return commandOf('PING', Buffer.concat([Buffer.from([ttl >> 8, ttl & 0xff]), Buffer.from(context, 'latin1')]));
}

export function pongOf(context: string): Buffer {
  return commandOf('PONG', Buffer.from(context, 'latin1'));
}

/** One message; several parts are one message too. */
export function messageOf(...parts: readonly (Buffer | string)[]): Buffer {
  return Buffer.concat(parts.map((part, at) => frameOf(at === parts.length - 1 ? 0 : 1, part)));
}

/** All that a PUSH sends before its first message. */
export const HELLO = Buffer.concat([greetingOf(), readyOf()]);
/** All that a PULL sends for it. */
export const ANSWER = Buffer.concat([
  greetingOf({ minor: 1 }).fill(0, 1, 9),
  commandOf('READY', properties(['Socket-Type', 'PULL'])),
]);
