/**
 * Milliseconds to be added to `systemClock.now()` for a time that all processes of this machine agree on: the same
 * monotonic clock ticks in each of them, and only its zero is another. Unlike the time of day nobody ever sets it.
 */
export const MACHINE_TIME: number = Number(process.hrtime.bigint()) / 1e6 - performance.now();
