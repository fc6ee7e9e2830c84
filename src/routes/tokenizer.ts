/**
 * Cuts one line of a routes file into sections (specification 2.1). It knows quoting, separators and comments and
 * nothing of what names or values mean. The only blank is the space 0x20: a tab is an ordinary character.
 *
 *     example.com,proto=ws,prefix="a b"  localhost:80,over_http   # comment
 *     └ value ──┘ └─ property ┘ ...      └ value ───┘ └ property
 *     └──────────── section ──────────┘  └────── section ──────┘
 */
import { HoldfastError } from '../errors/holdfast-error.js';

/** A property as written, unquoted; the value of a property without `=` is the empty string. */
export type Property = [name: string, value: string];

/** One condition or target: its first value and the properties behind it, in line order, repetitions kept. */
export interface Section {
  value: string;
  props: Property[];
}

/** A token without its quotes; `next` is the index of the character that ended it. */
interface Token {
  readonly text: string;
  readonly next: number;
}

/**
 * Splits a line into its sections; a blank line or a comment gives none.
 *
 * @param line - text without its line end
 * @throws HoldfastError `HOLDFAST_ROUTE_INVALID`, its message being the bare text of the fault
 */
export function tokenizeLine(line: string): Section[] {
  const sections: Section[] = [];
  let at = skipSpaces(line, 0);
  while (at < line.length && line[at] !== '#') {
    at = skipSpaces(line, readSection(line, at, sections));
  }
  return sections;
}

function skipSpaces(line: string, start: number): number {
  let at = start;
  while (line[at] === ' ') {
    at += 1;
  }
  return at;
}

/** Appends the section that starts at `start` and returns the index behind it. */
function readSection(line: string, start: number, sections: Section[]): number {
  let token = readToken(line, start);
  const startsWithProperty = token.text.includes('=');
  const section: Section = startsWithProperty
    ? { value: '', props: [toProperty(token.text)] }
    : { value: token.text, props: [] };
  while (line[token.next] === ',') {
    token = readToken(line, token.next + 1);
    section.props.push(toProperty(token.text));
  }
  sections.push(section);
  return token.next;
}

/** Reads up to a comma, space or `#` outside quotes, or the end of the line. */
function readToken(line: string, start: number): Token {
  let state: 'plain' | 'quoted' | 'escape' = 'plain';
  let text = '';
  let at = start;
  for (; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (state === 'plain') {
      if (character === ',' || character === ' ' || character === '#') {
        break;
      }
      if (character === '"') {
        state = 'quoted';
      } else {
        text += character;
      }
    } else if (state === 'quoted') {
      if (character === '"') {
        state = 'plain';
      } else if (character === '\\') {
        state = 'escape';
      } else {
        text += character;
      }
    } else {
      if (character !== '"' && character !== '\\') {
        const whole = String.fromCodePoint(line.codePointAt(at) ?? 0);
        throw new HoldfastError('HOLDFAST_ROUTE_INVALID', `unexpected escape character: ${whole}`);
      }
      text += character;
      state = 'quoted';
    }
  }
  if (state === 'escape') {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', 'unterminated escape sequence');
  }
  if (state === 'quoted') {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', 'unterminated quoted section');
  }
  return { text, next: at };
}

/** Splits at the first `=` of the unquoted text, so a quoted `=` separates as well. */
function toProperty(text: string): Property {
  if (text === '') {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', 'expecting prop');
  }
  const equals = text.indexOf('=');
  if (equals === 0) {
    throw new HoldfastError('HOLDFAST_ROUTE_INVALID', 'empty prop name');
  }
  return equals === -1 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}
