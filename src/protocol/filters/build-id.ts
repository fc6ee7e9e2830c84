/** What `%I` and `%(TEXT)I` stand for in content under the filter `build-id` (specification 6.2). */
import { renderDirectives, type Substitute, unknownDirective, variableSubstitute } from './id-format.js';

export interface IdSource {
  readonly subMeta: ReadonlyMap<string, string>;
  /** Unprefixed channel name to its id; channels without one are left out. */
  readonly prevIds: ReadonlyMap<string, string>;
  /** All channels of the connection, unprefixed. Without any there is no default id. */
  readonly channels: ReadonlySet<string>;
}

export type IdSubstitute =
  | { readonly kind: 'ready'; readonly substitute: Substitute }
  | { readonly kind: 'error'; readonly detail: string };

/** Reads `id_format` and `id_encoding`. The default id is rendered here, so its errors show in content without `%I` too. */
export function idSubstitute({ subMeta, prevIds, channels }: IdSource): IdSubstitute {
  const format = subMeta.get('id_format');
  if (format === undefined || format === '') return { kind: 'error', detail: "no sub meta 'id_format'" };
  const encoding = subMeta.get('id_encoding') ?? '';
  if (encoding !== '' && encoding !== 'hex') return { kind: 'error', detail: `unsupported encoding: ${encoding}` };
  let defaultId: Buffer | undefined;
  if (channels.size > 0) {
    const rendering = renderDirectives(Buffer.from(format, 'utf8'), variableSubstitute(prevIds));
    if (rendering.kind === 'error') return { kind: 'error', detail: `failed to render ID: ${rendering.detail}` };
    defaultId = rendering.content;
  }
  return { kind: 'ready', substitute: substituteWith(defaultId, encoding === 'hex') };
}

function substituteWith(defaultId: Buffer | undefined, hex: boolean): Substitute {
  return (directive, argument) => {
    if (directive !== 'I') return unknownDirective(directive);
    const id = argument.length > 0 ? argument : defaultId;
    if (id === undefined) return { kind: 'refused', reason: 'No ID specified and no default ID in context' };
    return { kind: 'bytes', bytes: hex ? Buffer.from(id.toString('hex'), 'latin1') : id };
  };
}
