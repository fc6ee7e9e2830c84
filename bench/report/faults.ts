/** What went wrong, and how often, as people read it. */
export function faultTexts(faults: Readonly<Record<string, number>>): string[] {
  return Object.entries(faults).map(([name, count]) => `${name}: ${count}`);
}
