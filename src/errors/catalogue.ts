/** Every error code with the hint shown beside its message. `docs/errors.md` is generated from this table. */

const CATALOGUE = {
  HOLDFAST_CONFIG_UNREADABLE: 'Check that the path is right and the file readable by the user that runs Holdfast.',
  HOLDFAST_CONFIG_SYNTAX: 'Correct the line; config/holdfast.yaml shows every setting with its form.',
  HOLDFAST_CONFIG_UNKNOWN_SETTING: 'Remove the setting or correct its name; docs/settings.md lists them all.',
  HOLDFAST_CONFIG_INVALID_VALUE: 'Give a value of the type and range that docs/settings.md names for this setting.',
  HOLDFAST_USAGE: 'Run holdfast --help for the options.',
  HOLDFAST_ROUTES_UNREADABLE: 'Set routes.file (routesfile in pushpin.conf) to a readable file, or give --route.',
  HOLDFAST_ROUTE_INVALID: 'Correct the line; docs/routes.md shows the grammar.',
  HOLDFAST_LISTEN_FAILED:
    'Free the address or put another one into the setting named; of ipc: the folder must be writable, and the path short.',
  HOLDFAST_ZEROMQ_MISSING: 'Install the optional package: npm install zeromq. Or remove what needs it.',
  HOLDFAST_TRACING_MISSING:
    'Install the optional packages: npm install @opentelemetry/api@1.9 @opentelemetry/resources@2 @opentelemetry/sdk-trace@2 @opentelemetry/exporter-trace-otlp-http@0.223. Or leave tracing.otlp_endpoint empty.',
  HOLDFAST_ZMTP_INVALID:
    'Publish with a PUSH socket of libzmq 4 or newer and no security mechanism, or set zeromq.pull_engine to libzmq.',
  HOLDFAST_INSTRUCT_INVALID: 'Correct the Grip-* headers or the instruct body the origin sent.',
  HOLDFAST_ITEM_INVALID: 'Correct the published item; docs/publishing.md shows its form.',
  HOLDFAST_TNETSTRING_INVALID: 'Send a well-formed tnetstring.',
  HOLDFAST_EVENTS_INVALID: 'Send well-formed application/websocket-events.',
  HOLDFAST_PACKET_INVALID: 'Send a ZHTTP packet with the fields and types that docs/zeromq.md names.',
  HOLDFAST_CLOSED: 'The proxy was closed; create a new one.',
} as const;

export type ErrorCode = keyof typeof CATALOGUE;

/** All codes, in the order of the table. */
export const ERROR_CODES = Object.keys(CATALOGUE) as readonly ErrorCode[];

/** The catalogue's advice for a code. */
export function hintOf(code: ErrorCode): string {
  return CATALOGUE[code];
}
