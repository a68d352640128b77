import { parse, type ValueNode } from '@humanwhocodes/momoa';
import { CleanRoomError } from '../errors/index.js';
import { fromUtf8 } from '../bytes/index.js';

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

function evaluate(node: ValueNode, depth: number): Json {
  if (depth > MAX_DEPTH) throw malformed(`it is nested deeper than ${MAX_DEPTH} levels`);
  switch (node.type) {
    case 'String':
      if (!node.value.isWellFormed()) throw malformed('a string holds half a surrogate pair');
      return node.value;
    case 'Boolean':
      return node.value;
    case 'Number':
      return integer(node.value);
    case 'Array':
      return node.elements.map(element => evaluate(element.value, depth + 1));
    case 'Object': {
      const members = new Map<string, Json>();
      for (const member of node.members) {
        const key = member.name.type === 'String' ? member.name.value : member.name.name;
        if (key === '__proto__') throw malformed('a key is called __proto__');
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
  let document;
  try {
    document = parse(text, { mode: 'json' });
  } catch (cause) {
    throw malformed('it does not parse', cause);
  }
  return evaluate(document.body, 0);
}
