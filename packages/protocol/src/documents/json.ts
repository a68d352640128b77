import { parse, type ValueNode } from '@humanwhocodes/momoa';
import { CleanRoomError } from '../errors/index.js';
import { fromUtf8 } from '../bytes/encoding.js';

/** A value in a signed document: strings, safe integers, booleans, arrays and objects. Neither `null` nor fractions. */
export type Json = string | number | boolean | Json[] | { [key: string]: Json };

/** A JSON object whose content has not been checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Returns whether a value that JSON.parse returned is an object, and not an array or null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The deepest nesting of arrays and objects. */
const MAX_DEPTH = 64;

function malformed(reason: string, cause?: unknown): CleanRoomError {
  return new CleanRoomError('malformed', `The document is not strict JSON: ${reason}.`, { cause });
}

function requireSafeInteger(value: number): number {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw malformed('a number is not a safe integer');
  return value;
}

function requireShallow(depth: number): void {
  if (depth > MAX_DEPTH) throw malformed(`it is nested deeper than ${MAX_DEPTH} levels`);
}

function requireWellFormed(text: string): string {
  if (!text.isWellFormed()) throw malformed('a string contains half of a surrogate pair');
  return text;
}

function requireKey(text: string): string {
  if (text === '__proto__') throw malformed('a key is named __proto__');
  return requireWellFormed(text);
}

/**
 * Checks a value that `JSON.parse` returned by the same rules as {@link evaluate}, except for duplicate keys: `JSON.parse` has
 * already removed them.
 */
function requirePlain(value: unknown, depth: number): void {
  requireShallow(depth);
  if (typeof value === 'string') requireWellFormed(value);
  else if (typeof value === 'number') requireSafeInteger(value);
  else if (value === null) throw malformed('null is not allowed in a signed document');
  else if (Array.isArray(value)) for (const element of value) requirePlain(element, depth + 1);
  else if (typeof value === 'object') {
    for (const [key, member] of Object.entries(value)) {
      requireKey(key);
      requirePlain(member, depth + 1);
    }
  }
}

/**
 * Parses a text with `JSON.parse`, if `JSON.stringify` would write the value in the same way, compact or indented by two
 * spaces. Such a text has no duplicate keys, because an object has none. This is many times faster than reading token by token.
 *
 * @returns `undefined` when the text is written in another way, so that only its tokens show whether it is strict
 */
function parseIfReproducible(text: string): Json | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  // This check comes first, because JSON.stringify fails with a stack overflow for a value that is nested too deeply.
  requirePlain(value, 0);
  const reproducible = text === JSON.stringify(value) || text.trimEnd() === JSON.stringify(value, null, 2);
  return reproducible ? (value as Json) : undefined;
}

function evaluate(node: ValueNode, depth: number): Json {
  requireShallow(depth);
  switch (node.type) {
    case 'String':
      return requireWellFormed(node.value);
    case 'Boolean':
      return node.value;
    case 'Number':
      return requireSafeInteger(node.value);
    case 'Array':
      return node.elements.map(element => evaluate(element.value, depth + 1));
    case 'Object': {
      const members = new Map<string, Json>();
      for (const member of node.members) {
        const key = requireKey(member.name.type === 'String' ? member.name.value : member.name.name);
        if (members.has(key)) throw malformed(`the key "${key.slice(0, 40)}" occurs twice`);
        members.set(key, evaluate(member.value, depth + 1));
      }
      return Object.fromEntries(members);
    }
    default:
      throw malformed(`${node.type.toLowerCase()} is not allowed in a signed document`);
  }
}

/**
 * Reads JSON so strictly that two readers cannot understand it differently. Refuses duplicate keys, `null`, fractions, numbers
 * beyond 2^53, invalid Unicode and nesting deeper than 64 levels.
 *
 * @param bytes - the text in UTF-8
 * @throws CleanRoomError `malformed`
 */
export function parseStrictJson(bytes: Uint8Array): Json {
  const text = fromUtf8(bytes);
  const value = parseIfReproducible(text);
  if (value !== undefined) return value;
  let document;
  try {
    document = parse(text, { mode: 'json' });
  } catch (cause) {
    throw malformed('it does not parse', cause);
  }
  return evaluate(document.body, 0);
}
