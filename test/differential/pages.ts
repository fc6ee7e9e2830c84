/** Answers of an origin that numbers its items and links to what comes next, for cases about recovery. `KEY` is the case's. */
import { answer } from './case.js';
import { TEXT } from './holds.js';
import type { AnswerScript } from './recording-origin.js';

/** Answers by what follows the key in the path. */
export function byPath(answers: Readonly<Record<string, AnswerScript>>): AnswerScript {
  return (request, index) => {
    const path = /^\S+ \/[^/ ?]*\/?([^ ?]*)/.exec(request.message.startLine)?.[1] ?? '';
    return answers[path]?.(request, index) ?? answer('404 Not Found', [], `nothing at ${path}\n`);
  };
}

export const page = (body: string, headers: readonly string[] = [], status = '200 OK'): AnswerScript => {
  return ({ key }) => answer(status, [TEXT, ...headers.map((each) => each.replaceAll('KEY', key))], body);
};

export const link = (path: string, more = ''): string => `Grip-Link: <${path}>; rel=next${more}`;

/** A stream that knows what it has seen of channel `KEY-a`. */
export const numbered = (body: string, id: string, headers: readonly string[] = []): AnswerScript => {
  return page(body, ['Grip-Hold: stream', `Grip-Channel: KEY-a; prev-id=${id}, KEY-ready`, ...headers]);
};

/** A stream that is complete: nothing is fetched any more. */
export const settled = (body: string): AnswerScript =>
  page(body, ['Grip-Hold: stream', 'Grip-Channel: KEY-a, KEY-ready']);
