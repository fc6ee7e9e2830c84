/**
 * Imports point one way: a room may import from the rooms listed for it and from nowhere else.
 * `npm run imports` checks it; docs/architecture.md draws it.
 */
const MAY_IMPORT = {
  errors: [],
  time: [],
  observe: ['time'],
  zeromq: ['sockets', 'errors'],
  tracing: ['observe', 'protocol', 'time'],
  protocol: ['errors'],
  routes: ['protocol', 'errors'],
  hub: ['protocol', 'observe', 'time'],
  sockets: ['observe', 'errors'],
  hold: ['hub', 'protocol', 'sockets', 'observe', 'time'],
  backend: ['hold', 'routes', 'protocol', 'sockets', 'observe', 'time', 'errors', 'zeromq'],
  front: ['hold', 'protocol', 'sockets', 'observe', 'time', 'errors'],
  proxy: ['front', 'backend', 'hold', 'hub', 'routes', 'protocol', 'sockets', 'observe', 'time', 'errors'],
  control: ['hub', 'protocol', 'sockets', 'observe', 'time', 'errors', 'zeromq'],
  config: ['errors'],
  runtime: [
    'proxy',
    'control',
    'front',
    'backend',
    'hold',
    'hub',
    'routes',
    'config',
    'protocol',
    'sockets',
    'observe',
    'time',
    'errors',
    'zeromq',
    'tracing',
  ],
  cli: ['runtime', 'config', 'errors', 'time'],
};

const rules = Object.entries(MAY_IMPORT).map(([room, others]) => ({
  name: `${room}-imports`,
  comment: `src/${room} may import only from: ${[room, ...others].join(', ')}`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: `^src/(${[room, ...others].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...rules,
    {
      name: 'every-room-is-known',
      comment: 'A new folder under src needs a line in this file.',
      severity: 'error',
      from: { path: '^src/[^/]+/', pathNot: `^src/(${Object.keys(MAY_IMPORT).join('|')})/` },
      to: {},
    },
    {
      name: 'no-circular',
      comment: 'Two files that need each other at run time are one file, or one too many.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'prom-client-on-demand',
      comment: 'Loaded only where metrics are on; who imports this file does it by import().',
      severity: 'error',
      from: { pathNot: '^src/control/metrics/exposition.ts$' },
      to: { path: 'node_modules/prom-client', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'exposition-on-demand',
      comment: 'With this file comes prom-client.',
      severity: 'error',
      from: {},
      to: { path: '^src/control/metrics/exposition.ts$', dependencyTypesNot: ['type-only', 'dynamic-import'] },
    },
    {
      name: 'zeromq-on-demand',
      comment: 'The optional package is loaded in one place; everywhere else only its types are used.',
      severity: 'error',
      from: { pathNot: '^src/zeromq/' },
      to: { path: 'node_modules/zeromq', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'opentelemetry-in-one-room',
      comment: 'The optional packages are used in one room, which is loaded on demand.',
      severity: 'error',
      from: { pathNot: '^src/tracing/' },
      to: { path: 'node_modules/@opentelemetry', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'tracing-on-demand',
      comment: 'That room is loaded by import() when a setting asks for it; everywhere else only its types are used.',
      severity: 'error',
      from: { pathNot: '^src/tracing/' },
      to: { path: '^src/tracing/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  },
};
