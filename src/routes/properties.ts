/**
 * Questions asked of the properties of one section (specification 2.2, 2.3): the last of a repeated property wins,
 * the presence of a flag is all that counts, and unknown names are never looked at.
 */
import type { Property } from './tokenizer.js';

/** Whether the property is there at all; `debug=false` is there. */
export function isPresent(props: readonly Property[], name: string): boolean {
  return props.some(([candidate]) => candidate === name);
}

/** Every value of a repeatable property, in line order. */
export function everyValue(props: readonly Property[], name: string): string[] {
  return props.filter(([candidate]) => candidate === name).map(([, value]) => value);
}

/** The value of a single property, undefined when it is absent; a property without `=` has the value ''. */
export function lastValue(props: readonly Property[], name: string): string | undefined {
  return props.findLast(([candidate]) => candidate === name)?.[1];
}

/** Like `lastValue`, for properties where an empty value means the same as none. */
export function filledValue(props: readonly Property[], name: string): string | undefined {
  return lastValue(props, name) || undefined;
}

/** A value made of decimal digits only, as a number; undefined when it is anything else or too large to be exact. */
export function wholeNumber(value: string | undefined): number | undefined {
  if (value === undefined || !/^[0-9]+$/.test(value)) {
    return undefined;
  }
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}
