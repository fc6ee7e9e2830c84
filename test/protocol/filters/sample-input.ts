/** Input of a filter, written shortly. */
import type { FilterInput } from '../../../src/protocol/filters/message-filters.js';

export interface SampleInput {
  readonly sub?: Readonly<Record<string, string>>;
  readonly pub?: Readonly<Record<string, string>>;
  /** Channel to id; undefined for a channel without one. */
  readonly channels?: Readonly<Record<string, string | undefined>>;
  readonly content?: string;
}

export function sampleInput({ sub = {}, pub = {}, channels = {}, content = 'content' }: SampleInput = {}): FilterInput {
  const prevIds = new Map<string, string>();
  for (const [channel, id] of Object.entries(channels)) if (id !== undefined) prevIds.set(channel, id);
  return {
    subMeta: new Map(Object.entries(sub)),
    pubMeta: new Map(Object.entries(pub)),
    channels: new Set(Object.keys(channels)),
    prevIds,
    content: Buffer.from(content),
  };
}

/** A verdict in one line. */
export function verdictText(
  verdict: { kind: 'send' | 'ask'; content: Buffer } | { kind: 'drop' } | { kind: 'error'; detail: string },
): string {
  if (verdict.kind === 'drop') return 'drop';
  return verdict.kind === 'error' ? `error: ${verdict.detail}` : `${verdict.kind}: ${verdict.content.toString()}`;
}
