import { parse, type ValueNode } from '@humanwhocodes/momoa';
import { CleanRoomError } from '../errors/index.js';
import { fromUtf8 } from '../bytes/encoding.js';

/** What signed documents may hold: strings, safe integers, booleans, arrays and objects. */
export type Json = string | number | boolean | Json[] | { [key: string]: Json };

const MAX_DEPTH = 64;

function malformed(reason: string, cause?: unknown): CleanRoomError {
  return new CleanRoomError('malformed', `The document is not strict JSON: ${reason}.`, { cause });
}

function integer(text: number): number {
  if (!Number.isSafeInteger(text) || Object.is(text, -0)) throw malformed('a number is not a safe integer');
  return text;
}

function requireShallow(depth: number): void {
  if (depth > MAX_DEPTH) throw malformed(`it is nested deeper than ${MAX_DEPTH} levels`);
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw malformed('a string holds half a surrogate pair');
  return text;
}

function keyName(text: string): string {
  if (text === '__proto__') throw malformed('a key is called __proto__');
  return wellFormed(text);
}

/** Holds what `JSON.parse` has made of a text to the same rules as {@link evaluate}, but for keys that stand twice. */
function requirePlain(value: unknown, depth: number): void {
  requireShallow(depth);
  if (typeof value === 'string') wellFormed(value);
  else if (typeof value === 'number') integer(value);
  else if (value === null) throw malformed('Null is not allowed in a signed document');
  else if (Array.isArray(value)) for (const element of value) requirePlain(element, depth + 1);
  else if (typeof value === 'object') {
    for (const [key, member] of Object.entries(value)) {
      keyName(key);
      requirePlain(member, depth + 1);
    }
  }
}

/**
 * What the platform reads, where that is beyond doubt: a text which it would write the same way again, compact or indented
 * as programs do, has no key twice, as no value has. It is many times faster than reading token by token.
 * @returns nothing where only the tokens can tell
 */
function readAsWritten(text: string): Json | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  // first, for it ends what is too deep to be written
  requirePlain(value, 0);
  const asWritten = text === JSON.stringify(value) || text.trimEnd() === JSON.stringify(value, null, 2);
  return asWritten ? (value as Json) : undefined;
}

function evaluate(node: ValueNode, depth: number): Json {
  requireShallow(depth);
  switch (node.type) {
    case 'String':
      return wellFormed(node.value);
    case 'Boolean':
      return node.value;
    case 'Number':
      return integer(node.value);
    case 'Array':
      return node.elements.map(element => evaluate(element.value, depth + 1));
    case 'Object': {
      const members = new Map<string, Json>();
      for (const member of node.members) {
        const key = keyName(member.name.type === 'String' ? member.name.value : member.name.name);
        if (members.has(key)) throw malformed(`the key "${key.slice(0, 40)}" stands twice`);
        members.set(key, evaluate(member.value, depth + 1));
      }
      return Object.fromEntries(members);
    }
    default:
      throw malformed(`${node.type} is not allowed in a signed document`);
  }
}

/**
 * Reads JSON so that no two readers can understand it differently: duplicate keys, `null`, fractions, numbers beyond
 * 2^53 and broken Unicode are refused.
 * @throws CleanRoomError `malformed`
 */
export function parseStrictJson(bytes: Uint8Array): Json {
  const text = fromUtf8(bytes);
  const written = readAsWritten(text);
  if (written !== undefined) return written;
  let document;
  try {
    document = parse(text, { mode: 'json' });
  } catch (cause) {
    throw malformed('it does not parse', cause);
  }
  return evaluate(document.body, 0);
}
