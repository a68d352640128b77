import { ApiError } from '../http/api-error.js';
import { fieldTypeOf } from './schema.js';

/** Selected fields, each with the selection inside it, or with `true` for all of it. */
interface Selection {
  readonly [field: string]: Selection | true;
}

function invalidSelection(field: string): ApiError {
  return new ApiError(400, 'invalidParameter', `Invalid field selection ${field}`);
}

/** Parses a list of fields such as `items(id,name),nextPageToken` or `items/name`, from the start of `tokens`. */
function parseList(tokens: string[], type: string): Selection {
  const selection: Record<string, Selection | true> = {};
  do {
    const name = tokens.shift() ?? '';
    const field = /^\w+$/.test(name) ? fieldTypeOf(type, name) : undefined;
    if (field === undefined) throw invalidSelection(name);
    const next = tokens[0];
    if (next === '(' || next === '/') {
      tokens.shift();
      // The Compute API selects no fields inside a map or a plain value.
      if (field.message === undefined) throw invalidSelection(`${name}/${tokens[0] ?? ''}`);
      selection[name] = next === '(' ? parseList(tokens, field.message) : parsePath(tokens, field.message);
      if (next === '(' && tokens.shift() !== ')') throw invalidSelection(name);
    } else selection[name] = true;
  } while (tokens[0] === ',' && tokens.shift() !== undefined);
  return selection;
}

/** Parses one field after a slash. */
function parsePath(tokens: string[], type: string): Selection {
  const name = tokens.shift() ?? '';
  const field = fieldTypeOf(type, name);
  if (field === undefined) throw invalidSelection(name);
  return { [name]: true };
}

function pick(value: unknown, selection: Selection | true): unknown {
  if (selection === true || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(item => pick(item, selection));
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, member]) => {
      const inside = selection[name];
      return inside === undefined ? [] : [[name, pick(member, inside)]];
    })
  );
}

/**
 * Returns the fields of an answer that the parameter `fields` selects (cloud.google.com/compute/docs/api/how-tos/performance).
 *
 * @param type - the message type of the answer
 * @throws ApiError 400 for a field that the type does not have
 */
export function selectFields(type: string, fields: string, answer: object): object {
  const tokens = fields.match(/[^(),/]+|[(),/]/g) ?? [];
  const selection = parseList(tokens, type);
  if (tokens.length > 0) throw invalidSelection(tokens.join(''));
  return pick(answer, selection) as object;
}
