/** Before the first test: fails where everything has to be there. After the last: lists what was skipped and why. */
import { mustHaveAll, noticeOf, REQUIREMENTS } from './requirements.js';

export function setup(): () => void {
  const missing = Object.values(REQUIREMENTS).filter(({ isThere }) => !isThere());
  if (missing.length > 0 && mustHaveAll()) throw new Error(missing.map(noticeOf).join('\n'));
  return () => {
    console.log(missing.length === 0 ? 'Nothing was skipped.' : missing.map(noticeOf).join('\n'));
  };
}
