import { utf8 } from '../bytes/encoding.js';
import type { ReadDocument } from '../documents/document.js';
import { parseStrictJson } from '../documents/json.js';
import { CleanRoomError } from '../errors/index.js';
import { Spec } from './spec.js';

function throwMalformed(reason: string): never {
  throw new CleanRoomError('malformed', `The spec is not valid: ${reason}.`);
}

function compareBytes(a: string, b: string): number {
  const [left, right] = [utf8(a), utf8(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Returns the items sorted by the UTF-8 bytes of their names. All lists of names that are hashed have this order. */
export function sortedByName<T>(items: readonly T[], name: (item: T) => string): T[] {
  return [...items].sort((a, b) => compareBytes(name(a), name(b)));
}

function requireStrictlySorted(names: readonly string[], what: string): void {
  names.forEach((name, index) => {
    const previous = names[index - 1];
    if (previous !== undefined && compareBytes(previous, name) >= 0)
      throwMalformed(`its ${what} are not sorted, or one occurs twice`);
  });
}

/**
 * Reads a spec from its canonical bytes, and checks what the schema cannot express: order, duplicates, the notebook's path and
 * the parameters.
 *
 * @throws CleanRoomError `malformed`
 * @throws CleanRoomError `unsupported-version`
 *
 * @example
 * ```ts
 * import { readSpec, Spec } from '@clean-room/protocol/submissions';
 * import { digestOf, utf8 } from '@clean-room/protocol/bytes';
 * import { generateSigningKey } from '@clean-room/protocol/documents';
 *
 * const notebook = utf8('{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}');
 * const bytes = Spec.write({
 *   format: 'clean-room.spec/v1',
 *   collaboration: digestOf(utf8('the signed collaboration')),
 *   purpose: 'Cost of chronic illness',
 *   kernelImage: digestOf(utf8('the kernel image’s manifest')),
 *   workspace: [{ path: 'explore.ipynb', digest: digestOf(notebook), bytes: notebook.length }],
 *   notebook: 'explore.ipynb',
 *   parameters: '{}',
 *   assets: [],
 *   submitter: generateSigningKey().publicKey,
 *   recipients: ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
 *   compute: { processors: 2, memoryBytes: 2 ** 31, accelerator: 'none' }
 * });
 * const spec = readSpec(bytes);
 * console.log(spec.value.notebook, spec.digest === digestOf(bytes)); // explore.ipynb true
 * ```
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
    throwMalformed('its notebook is not one of its files');
  const parameters = parseStrictJson(utf8(spec.parameters));
  if (typeof parameters !== 'object' || Array.isArray(parameters))
    throwMalformed('its parameters are not a JSON object');
  if (new Set(spec.recipients).size !== spec.recipients.length) throwMalformed('it names a recipient twice');
  return read;
}
