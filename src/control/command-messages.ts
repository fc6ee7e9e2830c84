/** Commands and their outcomes in the tnetstrings of the REP socket (specification 8.3). */
import { HoldfastError } from '../errors/holdfast-error.js';
import { parseItemsTnet } from '../protocol/item-tnetstring.js';
import {
  decodeTnetstring,
  encodeTnetstring,
  type TnetInput,
  type TnetMap,
  type TnetValue,
} from '../protocol/tnetstring.js';
import type { Command, CommandOutcome } from './commands.js';

/** A message that is a request, though what it asks for may be wrong. */
export interface CommandRequest {
  /** Goes back with the answer. */
  readonly id: TnetValue | undefined;
  readonly command: Command | Extract<CommandOutcome, { kind: 'failed' }>;
}

const BAD: Extract<CommandOutcome, { kind: 'failed' }> = { kind: 'failed', condition: 'bad-request' };
const NO_ARGS: TnetMap = new Map();

/** Undefined for what is no request at all: nobody is answered then, as by the original. */
export function parseCommand(message: Buffer): CommandRequest | undefined {
  let request: TnetValue;
  try {
    request = decodeTnetstring(message);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return undefined;
  }
  if (!(request instanceof Map)) return undefined;
  const method = request.get('method');
  const args = request.get('args');
  const id = request.get('id');
  if (!Buffer.isBuffer(method) || (id !== undefined && !Buffer.isBuffer(id))) return undefined;
  if (args !== undefined && !(args instanceof Map)) return undefined;
  return { id, command: commandOf(method.toString(), args ?? NO_ARGS) };
}

function commandOf(method: string, args: TnetMap): CommandRequest['command'] {
  switch (method) {
    case 'conncheck': {
      const ids = texts(args.get('ids'));
      return ids === undefined ? BAD : { kind: 'conncheck', ids };
    }
    case 'get-zmq-uris':
    case 'recover':
      return { kind: method };
    case 'refresh': {
      const [connection, channel] = [args.get('cid'), args.get('channel')];
      if (connection !== undefined)
        return Buffer.isBuffer(connection) ? { kind: 'refresh', connection: connection.toString() } : BAD;
      return Buffer.isBuffer(channel) ? { kind: 'refresh-channel', channel: channel.toString() } : BAD;
    }
    case 'publish':
      return publishOf(args.get('items'));
    default:
      return { kind: 'failed', condition: 'method-not-found' };
  }
}

function publishOf(items: TnetValue | undefined): CommandRequest['command'] {
  try {
    return { kind: 'publish', items: parseItemsTnet(items) };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { ...BAD, text: error.message };
  }
}

/** The reply to a request with this id. */
export function replyOf(id: TnetValue | undefined, outcome: CommandOutcome): Buffer {
  const reply = new Map<string, TnetInput>();
  if (Buffer.isBuffer(id)) reply.set('id', id);
  reply.set('success', outcome.kind !== 'failed');
  switch (outcome.kind) {
    case 'failed':
      reply.set('condition', outcome.condition);
      if (outcome.text !== undefined) reply.set('value', outcome.text);
      break;
    case 'connections':
      reply.set('value', outcome.ids);
      break;
    case 'uris':
      reply.set('value', outcome.uris);
      break;
    case 'done':
      reply.set('value', null);
  }
  return encodeTnetstring(reply);
}

function texts(value: TnetValue | undefined): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const all: string[] = [];
  for (const one of value) {
    if (!Buffer.isBuffer(one)) return undefined;
    all.push(one.toString());
  }
  return all;
}
