/**
 * Reading JSON that others wrote: strict UTF-8, members through own-property checks only, and the number conversions of
 * instructs (specification 4.3). Says what a value is; which error that makes is the caller's affair.
 */

/** A JSON object as parsed; read it with `memberOf` or `sortedMembers`, never by plain property access. */
export type JsonObject = Readonly<Record<string, unknown>>;

export type JsonReading = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'syntax' };

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** Parses bytes as UTF-8 JSON; `syntax` for bytes that are no UTF-8 and for text that is no JSON. Never throws. */
export function readJson(bytes: Uint8Array): JsonReading {
  try {
    return { kind: 'value', value: JSON.parse(strictUtf8.decode(bytes)) };
  } catch {
    return { kind: 'syntax' };
  }
}

/** Whether a JSON value is an object; arrays and null are not. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The member of that name, undefined when the object itself has none (`__proto__` and the like are ordinary names). */
export function memberOf(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** All members, ordered by name (UTF-16 code units), the order in which object-form headers are sent. */
export function sortedMembers(object: JsonObject): Array<[name: string, value: unknown]> {
  return Object.entries(object).sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
}

/**
 * The integer a value converts to (specification 4.3): numbers are rounded, booleans are 0 and 1, strings must be
 * decimal with optional sign and surrounding white space. Undefined when it does not convert. Unbounded: check the range.
 */
export function integerOf(value: unknown): number | undefined {
  switch (typeof value) {
    case 'number':
      return Math.round(value) + 0; // turns -0 into 0
    case 'boolean':
      return value ? 1 : 0;
    case 'string':
      return /^[ \t\r\n\v\f]*[+-]?[0-9]+[ \t\r\n\v\f]*$/.test(value) ? Number(value) + 0 : undefined;
    default:
      return undefined;
  }
}
