/**
 * undici's pool and connector, without the rest of undici: importing the package as a whole installs its agent as the dispatcher of
 * the process's own `fetch`, which is none of our business in a process that only embeds Holdfast.
 */
import { createRequire } from 'node:module';
import type * as undici from 'undici';

const require = createRequire(import.meta.url);

export const Pool = require('undici/lib/dispatcher/pool.js') as typeof undici.Pool;
export type Pool = undici.Pool;
export const buildConnector = require('undici/lib/core/connect.js') as typeof undici.buildConnector;
