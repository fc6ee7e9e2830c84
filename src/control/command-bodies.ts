/** Commands over HTTP: the bodies of `POST /conncheck` and `POST /refresh`. The original has neither. */
import { isJsonObject, type JsonObject, memberOf, readJson } from '../protocol/json-shape.js';
import type { Command } from './commands.js';

/** Paths of the control port that are commands with a body. */
export type CommandPath = '/conncheck' | '/refresh';

export type CommandBody =
  | { readonly kind: 'command'; readonly command: Command }
  /** `text`: of the answer, without its line end. */
  | { readonly kind: 'invalid'; readonly text: string };

export function parseCommandBody(path: CommandPath, body: Buffer): CommandBody {
  const reading = readJson(body);
  if (reading.kind === 'syntax' || !isJsonObject(reading.value)) return invalid('Body is not a JSON object.');
  return path === '/conncheck' ? conncheckOf(reading.value) : refreshOf(reading.value);
}

function conncheckOf(object: JsonObject): CommandBody {
  const ids = memberOf(object, 'ids');
  if (ids === undefined) return invalid("Invalid format: object does not contain 'ids'");
  if (!Array.isArray(ids) || !ids.every((id): id is string => typeof id === 'string')) {
    return invalid("Invalid format: object contains 'ids' with wrong type");
  }
  return { kind: 'command', command: { kind: 'conncheck', ids } };
}

function refreshOf(object: JsonObject): CommandBody {
  const [connection, channel] = [memberOf(object, 'cid'), memberOf(object, 'channel')];
  if (connection !== undefined) {
    if (typeof connection !== 'string') return invalid("Invalid format: object contains 'cid' with wrong type");
    return { kind: 'command', command: { kind: 'refresh', connection } };
  }
  if (channel === undefined) return invalid("Invalid format: object contains neither 'cid' nor 'channel'");
  if (typeof channel !== 'string') return invalid("Invalid format: object contains 'channel' with wrong type");
  return { kind: 'command', command: { kind: 'refresh-channel', channel } };
}

function invalid(text: string): CommandBody {
  return { kind: 'invalid', text };
}
