/** The list of scenarios. */
import { UsageError } from '../arguments.js';
import { acceptStream, acceptWs } from './accepting.js';
import { channels } from './channels.js';
import { fanout, fanoutWs, fanoutZmq } from './fan-out.js';
import { memoryStream, memoryWs } from './idle-memory.js';
import { poll, proxy, proxyLarge, wsecho } from './proxying.js';
import type { Scenario } from './scenario.js';

export const SCENARIOS: readonly Scenario[] = [
  proxy,
  proxyLarge,
  fanout,
  fanoutWs,
  fanoutZmq,
  channels,
  acceptStream,
  acceptWs,
  memoryStream,
  memoryWs,
  poll,
  wsecho,
];

/** @param names - separated by commas @throws UsageError that names what there is */
export function scenariosNamed(names: string): Scenario[] {
  return names.split(',').map((name) => {
    const found = SCENARIOS.find((scenario) => scenario.name === name.trim());
    if (found !== undefined) return found;
    throw new UsageError(`there is no scenario "${name}"; there are ${SCENARIOS.map((one) => one.name).join(', ')}`);
  });
}
