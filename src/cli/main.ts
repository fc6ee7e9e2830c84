#!/usr/bin/env node
/** The command `holdfast`: reads arguments and settings, starts, says what listens where, and ends on a signal. */
import { fileURLToPath } from 'node:url';
import { loadSettings } from '../config/load-settings.js';
import { HoldfastError } from '../errors/holdfast-error.js';
import { Holdfast, type Running } from '../runtime/holdfast.js';
import { IdleMemory } from '../runtime/idle-memory.js';
import { type ProcessLog, processLog } from '../runtime/log.js';
import { tuneEngine } from '../runtime/tune-engine.js';
import { version } from '../runtime/version.js';
import { SeveralProcesses, workerCount } from '../runtime/workers/several-processes.js';
import { systemClock } from '../time/clock.js';
import { parseArguments, type RunArguments } from './arguments.js';
import { runPinghub } from './pinghub.js';
import { startupLines } from './startup-lines.js';

const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url));

async function main(): Promise<void> {
  if (process.argv[2] === 'pinghub') {
    await runPinghub(process.argv.slice(3));
    return;
  }
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
  const log = processLog(settings.log.level, settings.log.format, 1);
  const { logger } = log;
  for (const warning of warnings) logger.warn(warning);
  if (settings.workers.tuneEngine) tuneEngine();
  const options = { settings, logger, forgiveRoutes: dropIn };
  const starting = workerCount(settings) === 1 ? Holdfast.start(options) : SeveralProcesses.start(options);
  const started: Running = await starting.catch(async (error: unknown) => {
    await log.close();
    if (!(error instanceof HoldfastError) || error.code !== 'HOLDFAST_LISTEN_FAILED') throw error;
    throw new HoldfastError(error.code, `${error.message}; settings from ${source}`, { cause: error });
  });
  if (settings.workers.giveBackMemory) new IdleMemory(systemClock, logger).start();
  for (const line of startupLines(version(), source, settings, started)) logger.info(line);
  process.on('SIGHUP', () => {
    logger.info('reloading');
    started.reload().catch((error: unknown) => logger.error(String(error)));
  });
  let ending = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (ending) process.exit(1);
      ending = true;
      end(signal, started, log).catch(fail);
    });
  }
}

async function end(signal: string, holdfast: Running, log: ProcessLog): Promise<void> {
  log.logger.info(`${signal} received, closing`);
  await holdfast.close();
  log.logger.info('closed');
  await log.close();
  process.exit(0);
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
