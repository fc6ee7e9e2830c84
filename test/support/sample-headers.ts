/** Settings and context of a request that adds nothing to its headers; tests set what they are about. */
import type { HeaderContext, HeaderSettings } from '../../src/backend/request-headers.js';

export const SETTINGS: HeaderSettings = {
  acceptXForwardedProtocol: false,
  setXForwardedProtocol: 'none',
  xForwardedFor: [],
  xForwardedForTrusted: [],
  acceptPushpinRoute: false,
  cdnLoop: '',
  origHeadersNeedMark: [],
};

export const CONTEXT: HeaderContext = {
  routeHeaders: [],
  origHeaders: false,
  grip: false,
  signature: undefined,
  lastIds: new Map(),
  scheme: 'http',
  peer: { remoteAddress: '192.0.2.7' },
};
