/** What a client is told when there is no answer to give it (specification 3.2). */
import type { Failure } from '../backend/verdict.js';
import type { HeaderList } from '../protocol/headers.js';
import type { CompleteResponse } from '../protocol/instruct.js';
import { reasonOf } from '../protocol/status-reasons.js';
import type { Target } from '../routes/route.js';

export const ORIGIN_ERROR = 'Error while proxying to origin.';
export const ROUTE_NOT_FOUND = 'Route not found';
export const EVENTS_NOT_ALLOWED = 'Client not allowed to send WebSocket events directly.';
export const REQUEST_TOO_LARGE = 'Request too large to accept GRIP instruct.';

/** A plain text answer; a newline is added. */
export function errorAnswer(code: number, text: string): CompleteResponse {
  const body = Buffer.from(`${text}\n`);
  // The length is for a call that the answer may be wrapped into; on the wire it is made anew.
  const headers: HeaderList = [
    ['Content-Length', String(body.length)],
    ['Content-Type', 'text/plain'],
  ];
  return { code, reason: reasonOf(code), headers, body };
}

/** What a request with a `Pushpin-Check` header is told, whatever its route (specification 3.1, step 9). */
export function checkAnswer(): CompleteResponse {
  return errorAnswer(200, 'This is Holdfast, a GRIP proxy under the Apache License, Version 2.0.');
}

/**
 * The answer for a failure.
 * @param tried - the targets that were tried, in order; the last one failed
 * @param debug - tells the client what happened
 */
export function failureAnswer(failure: Failure, tried: readonly Target[], debug: boolean): CompleteResponse {
  if (failure.kind === 'length-required') return errorAnswer(411, 'Must provide Content-Length header.');
  return errorAnswer(502, debug ? debugText(failure, tried) : ORIGIN_ERROR);
}

function debugText(failure: Failure, tried: readonly Target[]): string {
  switch (failure.kind) {
    case 'connect':
      return `Unable to connect to any targets. Tried: ${tried.map(({ name }) => name).join(', ')}`;
    case 'blocked':
      return 'Error: Origin host/IP blocked.';
    case 'unreachable':
      return 'Error: zhttp service for route is unreachable.';
    case 'instruct-too-large':
      return `GRIP instruct response too large from ${tried.at(-1)?.name ?? 'origin'}`;
    case 'instruct-invalid':
      return `Failed to parse accept instructions: ${failure.detail}`;
    default:
      return ORIGIN_ERROR;
  }
}

/** What the log says of a failure: more than the client may know. */
export function failureForLog(failure: Failure, tried: readonly Target[]): string {
  return failure.kind === 'other' ? failure.detail : debugText(failure, tried);
}
