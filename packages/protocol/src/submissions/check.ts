import { utf8 } from '../bytes/encoding.js';
import type { ReadDocument } from '../documents/document.js';
import { parseStrictJson } from '../documents/json.js';
import { CleanRoomError } from '../errors/index.js';
import { Spec } from './spec.js';

function refuse(reason: string): never {
  throw new CleanRoomError('malformed', `The spec is not sound: ${reason}.`);
}

function compareBytes(a: string, b: string): number {
  const [left, right] = [utf8(a), utf8(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Bytewise order of UTF-8 names, the one order of every list of names that is hashed. */
export function sortedByName<T>(items: readonly T[], name: (item: T) => string): T[] {
  return [...items].sort((a, b) => compareBytes(name(a), name(b)));
}

function requireStrictlySorted(names: readonly string[], what: string): void {
  names.forEach((name, index) => {
    const before = names[index - 1];
    if (before !== undefined && compareBytes(before, name) >= 0)
      refuse(`its ${what} are not in order, or one stands twice`);
  });
}

/**
 * Reads a spec from its canonical bytes and checks what a schema can't say.
 * @throws CleanRoomError `malformed`
 */
export function readSpec(bytes: Uint8Array): ReadDocument<Spec> {
  const read = Spec.readCanonical(bytes);
  const spec = read.value;
  requireStrictlySorted(
    spec.workspace.map(file => file.path),
    'files'
  );
  requireStrictlySorted(
    spec.assets.map(asset => asset.name),
    'assets'
  );
  if (!spec.workspace.some(file => file.path === spec.notebook))
    refuse('its notebook is not among its files');
  const parameters = parseStrictJson(utf8(spec.parameters));
  if (typeof parameters !== 'object' || Array.isArray(parameters))
    refuse('its parameters are not a JSON object');
  if (new Set(spec.recipients).size !== spec.recipients.length) refuse('it names a recipient twice');
  return read;
}
