#!/usr/bin/env node
/** The command `holdfast`: reads arguments and settings, starts, says what listens where, and ends on a signal. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadSettings } from '../config/load-settings.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import { Holdfast } from '../runtime/holdfast.js';
import { processLog } from '../runtime/log.js';
import { parseArguments, type RunArguments } from './arguments.js';
import { startupLines } from './startup-lines.js';

const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url));

async function main(): Promise<void> {
  const intention = parseArguments(process.argv.slice(2));
  switch (intention.kind) {
    case 'help':
      process.stdout.write(intention.text);
      return;
    case 'version':
      process.stdout.write(`holdfast ${version()}\n`);
      return;
    case 'run':
      await run(intention);
  }
}

async function run(intention: RunArguments): Promise<void> {
  const loaded = loadSettings({
    ...intention,
    cwd: process.cwd(),
    environment: process.env,
    packageRoot: PACKAGE_ROOT,
  });
  const { settings, source, dropIn, warnings } = loaded;
  const { logger, flush } = processLog(settings.log.level, settings.log.format, 1);
  for (const warning of warnings) logger.warn(warning);
  let ending = false;
  let started: Holdfast | undefined;
  const end = (signal: string): void => {
    if (ending) process.exit(1);
    ending = true;
    logger.info(`${signal} received, closing`);
    started?.close().then(
      () => {
        logger.info('closed');
        flush();
        process.exit(0);
      },
      (error: unknown) => {
        flush();
        fail(error);
      },
    );
  };
  started = await Holdfast.start({ settings, logger, forgiveRoutes: dropIn }).catch((error: unknown) => {
    flush();
    if (!(error instanceof HoldfastError) || error.code !== 'HOLDFAST_LISTEN_FAILED') throw error;
    throw new HoldfastError(error.code, `${error.message}; settings from ${source}`, { cause: error });
  });
  for (const line of startupLines(version(), source, settings, started)) logger.info(line);
  process.on('SIGHUP', () => {
    logger.info('reloading');
    started?.reload().catch((error: unknown) => logger.error(String(error)));
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end(signal));
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version: number } = JSON.parse(text) as { version: string };
  return number;
}

/** Says what went wrong and ends the process. */
function fail(error: unknown): never {
  if (error instanceof HoldfastError) {
    process.stderr.write(`holdfast: ${error.message}\n  ${error.hint} [${error.code}]\n`);
  } else {
    process.stderr.write(`holdfast: unexpected error\n${error instanceof Error ? error.stack : String(error)}\n`);
  }
  process.exit(1);
}

main().catch(fail);
