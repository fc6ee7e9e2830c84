/** Words for why a file could not be read, for log lines and error sentences (specification 2.3). */
import { getSystemErrorMap } from 'node:util';

/**
 * The cause of a failed read without path and call name, such as `no such file or directory`.
 *
 * @param error - what the read threw
 */
export function readFailure(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const errno: unknown = 'errno' in error ? error.errno : undefined;
  const known = typeof errno === 'number' ? getSystemErrorMap().get(errno) : undefined;
  return known?.[1] ?? error.message;
}
