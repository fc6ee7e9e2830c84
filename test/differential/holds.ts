/** Building blocks that cases about held requests share: an origin's answers that hold, clients that are held, and items. */
import { answer, get } from './case.js';
import type { AnswerScript } from './recording-origin.js';
import type { PublishItem, Script, Wire } from './script.js';

export const TEXT = 'Content-Type: text/plain';
export const INSTRUCT = 'Content-Type: application/grip-instruct';

/** A stream on channels `KEY-a` and `KEY-ready`, with further headers. */
export function stream(headers: readonly string[] = [], body = 'open\n', status = '200 OK'): AnswerScript {
  return ({ key }) =>
    answer(status, [TEXT, 'Grip-Hold: stream', `Grip-Channel: ${key}-a, ${key}-ready`, ...headers], body);
}

/** A long poll on channel `KEY-a`, with further headers. */
export function poll(headers: readonly string[] = [], body = 'late\n', status = '200 OK'): AnswerScript {
  return ({ key }) => answer(status, [TEXT, 'Grip-Hold: response', `Grip-Channel: ${key}-a`, ...headers], body);
}

/** A JSON instruct. */
export function instruct(json: unknown, headers: readonly string[] = []): Buffer {
  return answer('200 OK', [INSTRUCT, ...headers], JSON.stringify(json));
}

/** Opens a stream and waits until it takes part in publishing, which channel `KEY-ready` tells. */
export async function opened(script: Script, request: string, first = 'open\n'): Promise<Wire> {
  const client = await script.client(request);
  await client.until(first);
  await script.untilSubscribed(client, script.channel('ready'));
  return client;
}

export function content(
  script: Script,
  channel: string,
  line: string,
  more: Readonly<Record<string, unknown>> = {},
): PublishItem {
  return { channel: script.channel(channel), ...more, formats: { 'http-stream': { content: line } } };
}

export function response(
  script: Script,
  channel: string,
  format: object,
  more: Readonly<Record<string, unknown>> = {},
): PublishItem {
  return { channel: script.channel(channel), ...more, formats: { 'http-response': format } };
}

export function close(script: Script): PublishItem {
  return { channel: script.channel('a'), 'http-stream': { action: 'close' } };
}

/** Ends a stream by a publish, and shows by a second request what became of its connection. */
export async function ended(script: Script, client: Wire): Promise<void> {
  await script.publish(close(script));
  await client.until('0\r\n\r\n');
  client.send(get('ready.test', '/none'));
  await client.answered();
}
