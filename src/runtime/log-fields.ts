/** The fields of a line for machines; docs/operations.md lists them. */
import type { LogRecord, RequestRecord } from '../observe/log-record.js';
import { decodeHeaderText } from '../protocol/headers.js';

export type LogFields = Readonly<Record<string, unknown>>;

/** JSON leaves out what is undefined. */
export function fieldsOf(record: LogRecord): LogFields {
  switch (record.kind) {
    case 'request':
      return requestFields(record);
    case 'subscribe': {
      const { uri, channel, retry } = record;
      return { event: 'subscribe', uri, channel, retry };
    }
    case 'publish': {
      const { channel, receivers } = record;
      return { event: 'publish', channel, receivers };
    }
  }
}

function requestFields(record: RequestRecord): LogFields {
  const { method, uri, target, overHttp, from, referer, route, result, retry, shared, userAgent, lastIds } = record;
  const answer = result.kind === 'answered' ? result : undefined;
  return {
    event: 'request',
    method,
    uri,
    target,
    over_http: overHttp ? true : undefined,
    from,
    referer: referer === undefined ? undefined : decodeHeaderText(referer),
    route,
    result: result.kind,
    code: answer?.code,
    bytes: answer?.size,
    retry,
    shared,
    user_agent: userAgent,
    last_ids: lastIds === undefined ? undefined : Object.fromEntries(lastIds),
  };
}
