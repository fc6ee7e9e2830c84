/** What a ZeroMQ message becomes, whichever library read it: an item, or a refusal that is counted and logged (specification 8.1, 8.2). */
import { parsePublishMessage } from '../protocol/item-tnetstring.js';
import type { SkipReason } from '../protocol/zmtp/pull-session.js';
import type { PublishDoor } from './publish-door.js';

/** @param channel - the topic it came by; undefined takes the channel that the item names */
export function publishMessage(
  door: PublishDoor,
  socket: 'pull' | 'sub',
  message: Buffer,
  channel: string | undefined,
): void {
  const parsed = parsePublishMessage(message, channel === undefined ? {} : { channel });
  switch (parsed.kind) {
    case 'item':
      door.publish(parsed.item, socket);
      return;
    case 'syntax':
      door.refused(
        `${socket}-syntax`,
        `IN ${socket}: received message with invalid format (${parsed.detail}), skipping`,
      );
      return;
    case 'invalid':
      door.refused(
        `${socket}-invalid`,
        `IN ${socket}: received message with invalid format: ${parsed.detail}, skipping`,
      );
  }
}

const PARTS = { pull: 1, sub: 2 } as const;

/** A message that is not looked into. @param maxMessageBytes - for the text */
export function skipMessage(
  door: PublishDoor,
  socket: 'pull' | 'sub',
  reason: SkipReason,
  maxMessageBytes: number,
): void {
  const what =
    reason === 'parts'
      ? `with parts != ${PARTS[socket]}`
      : `of more than ${maxMessageBytes} bytes (zeromq.${socket}_max_message_bytes)`;
  door.refused(`${socket}-${reason}`, `IN ${socket}: received message ${what}, skipping`);
}
