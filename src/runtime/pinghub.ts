/** A Holdfast with nothing but Pinghub, and the metrics port of the original beside it. */
import type { Settings } from '../config/settings.js';
import { MuninPort, type PinghubFigures } from '../control/munin-port.js';
import type { Logger } from '../observe/logger.js';
import { ReadableRate } from '../observe/readable-rate.js';
import { systemClock } from '../time/clock.js';
import { Wheel } from '../time/wheel.js';
import { type Addresses, Holdfast } from './holdfast.js';

const LOOPBACK = '127.0.0.1';

export interface PinghubStart {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Of the metrics, on loopback; 0 lets the system choose. */
  readonly metricsPort: number;
}

export interface RunningPinghub {
  readonly addresses: Addresses;
  readonly metricsPort: number;
  close(): Promise<void>;
}

/** @throws HoldfastError when an address cannot be had; what was opened is closed again */
export async function startPinghub({ settings, logger, metricsPort }: PinghubStart): Promise<RunningPinghub> {
  const holdfast = await Holdfast.start({ settings, logger, forgiveRoutes: false });
  const wheel = new Wheel(systemClock);
  const warnings = new ReadableRate(logger, systemClock);
  const munin = new MuninPort(() => figuresOf(holdfast), wheel, warnings);
  const close = async (): Promise<void> => {
    await Promise.all([holdfast.close(), munin.close()]);
    wheel.close();
    warnings.close();
  };
  try {
    const { port } = await munin.listen(LOOPBACK, metricsPort, '-mport');
    return { addresses: holdfast.addresses, metricsPort: port, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function figuresOf({ counters, channelCount }: Holdfast): PinghubFigures {
  const { pinghub, delivered, holds } = counters;
  return {
    channels: channelCount,
    websockets: holds.ws,
    postmsgs: pinghub.posts,
    websocketmsgs: pinghub.messages,
    drops: pinghub.drops,
    sends: delivered + pinghub.echoes,
  };
}
