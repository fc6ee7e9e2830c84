/**
 * `body-patch`: changes the JSON body of a held response (specification 5.5). The dialect is the original's: close to
 * RFC 6902, but `add` to an existing array index replaces, `/` is the root, and `test` compares numbers as integers.
 */
import type { PatchOperation } from './item.js';
import { readJson } from './json-shape.js';

/** Objects are maps, so that no key of a publisher's can reach a prototype. */
type Node = string | number | boolean | null | Node[] | Map<string, Node>;

export type PatchResult =
  | { readonly kind: 'patched'; readonly body: Buffer }
  /** `reason` is for the debug log. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Levels of nesting in a body or a value. */
const MAX_DEPTH = 200;

/** Values and characters that the copies of one patch may make. */
const MAX_COPIED = 1_000_000;

interface Room {
  left: number;
}

class PatchFailure extends Error {}

/** Where a pointer leads: a member of a container, which need not exist. */
interface Place {
  readonly container: Node[] | Map<string, Node>;
  readonly key: string;
}

/**
 * Applies operations one after the other; the first that fails ends everything.
 * @param body - bytes of a JSON object or array; a line end behind it is kept
 * @returns compact JSON with sorted keys
 */
export function applyBodyPatch(body: Buffer, operations: readonly PatchOperation[]): PatchResult {
  const reading = readJson(body);
  if (reading.kind === 'syntax' || typeof reading.value !== 'object' || reading.value === null) {
    return { kind: 'failed', reason: 'the held body is not a JSON object or array' };
  }
  try {
    // A document around the root makes the root a member like any other.
    const document: Node[] = [toNode(reading.value, 0)];
    const room: Room = { left: MAX_COPIED };
    for (const operation of operations) apply(document, operation, room);
    const text = serialize(document[0] ?? null, 0);
    return { kind: 'patched', body: Buffer.from(text + lineEndOf(body)) };
  } catch (error) {
    if (!(error instanceof PatchFailure)) throw error;
    return { kind: 'failed', reason: error.message };
  }
}

function apply(document: Node[], operation: PatchOperation, room: Room): void {
  const op = textMember(operation, 'op');
  const path = pointer(textMember(operation, 'path'));
  switch (op) {
    case 'add':
      put(place(document, path), operand(operation));
      return;
    case 'replace': {
      const at = place(document, path);
      existing(at);
      put(at, operand(operation));
      return;
    }
    case 'remove':
      remove(place(document, path), path);
      return;
    case 'test':
      if (!same(existing(place(document, path)), operand(operation)))
        throw new PatchFailure('tested values are not equal');
      return;
    case 'copy':
      put(place(document, path), clone(existing(place(document, pointer(textMember(operation, 'from')))), room, 0));
      return;
    case 'move': {
      const from = pointer(textMember(operation, 'from'));
      if (isWithin(path, from)) throw new PatchFailure('cannot move location into itself');
      const source = place(document, from);
      const value = existing(source);
      remove(source, from);
      put(place(document, path), value);
      return;
    }
    default:
      throw new PatchFailure(`unsupported op: ${op}`);
  }
}

function textMember(operation: PatchOperation, name: string): string {
  const value = Object.hasOwn(operation, name) ? operation[name] : undefined;
  if (value === undefined) throw new PatchFailure(`op does not contain '${name}'`);
  if (typeof value !== 'string') throw new PatchFailure('invalid op');
  return value;
}

function operand(operation: PatchOperation): Node {
  if (!Object.hasOwn(operation, 'value')) throw new PatchFailure("op does not contain 'value'");
  return toNode(operation.value, 0);
}

/** The references of a pointer; none for the root. */
function pointer(text: string): string[] {
  if (!text.startsWith('/')) throw new PatchFailure('pointer must start with /');
  if (text === '/') return [];
  return text
    .slice(1)
    .split('/')
    .map((part) => {
      if (part === '') throw new PatchFailure('reference cannot be empty');
      return part.replaceAll('~1', '/').replaceAll('~0', '~');
    });
}

function place(document: Node[], path: readonly string[]): Place {
  let at: Place = { container: document, key: '0' };
  for (const key of path) {
    const node = read(at);
    if (node === undefined) throw new PatchFailure(`cannot step into undefined reference: ${described(at)}`);
    if (typeof node !== 'object' || node === null) {
      throw new PatchFailure('non-container value cannot have child reference');
    }
    at = { container: node, key };
  }
  return at;
}

function described({ container, key }: Place): string {
  return Array.isArray(container) ? `index=${key}` : `key=${key}`;
}

function read({ container, key }: Place): Node | undefined {
  if (!Array.isArray(container)) return container.get(key);
  return key === '-' ? undefined : container[index(key)];
}

function existing(at: Place): Node {
  const node = read(at);
  if (node === undefined) throw new PatchFailure('location does not exist');
  return node;
}

function put({ container, key }: Place, value: Node): void {
  if (!Array.isArray(container)) {
    container.set(key, value);
  } else if (key === '-') {
    container.push(value);
  } else {
    const at = index(key);
    if (at >= container.length) throw new PatchFailure('index out of range');
    container[at] = value;
  }
}

function remove(at: Place, path: readonly string[]): void {
  if (path.length === 0) throw new PatchFailure('invalid op');
  existing(at);
  if (Array.isArray(at.container)) at.container.splice(index(at.key), 1);
  else at.container.delete(at.key);
}

function index(key: string): number {
  if (!/^\d{1,9}$/.test(key)) throw new PatchFailure('index must be an integer');
  return Number(key);
}

/** True when `path` is `from`'s own child, or deeper. */
function isWithin(path: readonly string[], from: readonly string[]): boolean {
  return path.length > from.length && from.every((part, at) => part === path[at]);
}

function same(a: Node, b: Node): boolean {
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([key, value]) => same(value, b.get(key) ?? null) && b.has(key));
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((value, at) => same(value, b[at] ?? null));
  }
  if (typeof a === typeof b && typeof a !== 'number' && typeof a !== 'object') return a === b;
  if (typeof a === 'object' || typeof b === 'object') return a === b;
  return integer(a) === integer(b);
}

/** A value that is no container as the original converts it to 32 bits; other text is 0. */
function integer(node: string | number | boolean): number {
  if (typeof node === 'number') return (Math.sign(node) * Math.round(Math.abs(node))) | 0;
  if (typeof node === 'boolean') return node ? 1 : 0;
  return typeof node === 'string' && /^[+-]?\d{1,10}$/.test(node) ? Number(node) | 0 : 0;
}

/** A copy that is bounded in depth and, with all others of its patch, in size: a few copies of copies grow without end. */
function clone(node: Node, room: Room, depth: number): Node {
  room.left -= typeof node === 'string' ? 1 + node.length : 1;
  if (room.left < 0) throw new PatchFailure('copies too much');
  if (depth > MAX_DEPTH) throw new PatchFailure('nested too deeply');
  if (Array.isArray(node)) return node.map((element) => clone(element, room, depth + 1));
  if (!(node instanceof Map)) return node;
  return new Map([...node].map(([key, value]) => [key, clone(value, room, depth + 1)]));
}

function toNode(value: unknown, depth: number): Node {
  if (depth > MAX_DEPTH) throw new PatchFailure('nested too deeply');
  if (Array.isArray(value)) return value.map((element) => toNode(element, depth + 1));
  if (typeof value === 'object' && value !== null) {
    return new Map(Object.entries(value).map(([key, member]) => [key, toNode(member, depth + 1)]));
  }
  return value as string | number | boolean | null;
}

/** Written by hand because an object would put keys that look like numbers first. */
function serialize(node: Node, depth: number): string {
  if (depth > 2 * MAX_DEPTH) throw new PatchFailure('nested too deeply');
  if (Array.isArray(node)) return `[${node.map((element) => serialize(element, depth + 1)).join(',')}]`;
  if (!(node instanceof Map)) return JSON.stringify(node);
  const members = [...node].sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${serialize(value, depth + 1)}`).join(',')}}`;
}

function lineEndOf(body: Buffer): string {
  if (body.at(-1) !== 0x0a) return '';
  return body.at(-2) === 0x0d ? '\r\n' : '\n';
}
