import { utf8 } from '../bytes/encoding.js';
import { isJsonObject, type JsonObject } from '../documents/json.js';
import { CleanRoomError } from '../errors/index.js';
import {
  parseNotebook,
  parseNotebookJson,
  type InvalidNotebook,
  type Notebook,
  type NotebookCell
} from './notebook.js';

/** Returns a source as the list of lines, with their line ends, that Jupyter writes. */
function sourceLines(source: string): string[] {
  return source.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** Keeps only the tags of a cell's metadata. The rest belongs to editors, and reviewers would not see it. */
function strippedMetadata({ tags }: JsonObject): JsonObject {
  return Array.isArray(tags) && tags.every(tag => typeof tag === 'string') && tags.length > 0 ? { tags } : {};
}

const CELL_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Returns the cell's own id or one made from its position. The format requires that all ids in a notebook differ. */
function uniqueId(own: unknown, number: number, taken: Set<string>): string {
  const fallback = `cell-${number}`;
  let id = typeof own === 'string' && CELL_ID.test(own) ? own : fallback;
  for (let suffix = 1; taken.has(id); suffix++) id = suffix === 1 ? fallback : `${fallback}-${suffix}`;
  taken.add(id);
  return id;
}

function strippedCell(cell: NotebookCell, number: number, taken: Set<string>): JsonObject {
  return {
    cell_type: cell.type,
    id: uniqueId(cell.id, number, taken),
    metadata: strippedMetadata(cell.metadata),
    source: sourceLines(cell.source),
    ...(cell.type === 'code' ? { execution_count: null, outputs: [] } : {})
  };
}

/** Refuses a notebook whose metadata names a language other than Python. */
function requirePython({ metadata }: Notebook, path: string): void {
  const { kernelspec, language_info: language } = metadata;
  const declared = [
    isJsonObject(language) ? language['name'] : undefined,
    isJsonObject(kernelspec) ? kernelspec['language'] : undefined
  ].find(name => typeof name === 'string');
  if (declared === undefined || /^i?python[\d.]*$/i.test(declared)) return;
  throw new CleanRoomError(
    'workspace-refused',
    `"${path}" cannot be submitted: it is written in ${declared.slice(0, 40)}.`,
    { remedy: 'Clean rooms run only Python. Write the notebook in Python and choose a Python kernel for it.' }
  );
}

function strippedNotebookMetadata({ kernelspec, language_info: language }: JsonObject): JsonObject {
  return {
    ...(isJsonObject(kernelspec) ? { kernelspec } : {}),
    ...(isJsonObject(language) && typeof language['name'] === 'string'
      ? { language_info: { name: language['name'] } }
      : {})
  };
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, sortKeys(value[key])])
  );
}

/**
 * Returns the notebook as it is submitted: only sources and tags, as nbformat 4.5 with sorted keys and an indent of one
 * space, so that one program has one digest. Outputs, execution counts, attachments and other metadata are removed: they
 * may hold data, and reviewers would not see them.
 *
 * @param path - the notebook's path, for error messages
 * @throws CleanRoomError `malformed` when the bytes are not JSON
 * @throws CleanRoomError `workspace-refused` when the notebook is not of format 4, or not in Python
 *
 * @example
 * ```ts
 * import { fromUtf8, utf8 } from '@clean-room/protocol/bytes';
 * import { stripNotebook } from '@clean-room/protocol/notebooks';
 *
 * const cell = { cell_type: 'code', source: '1 + 1', outputs: [{ output_type: 'stream', text: '2' }] };
 * const file = utf8(JSON.stringify({ nbformat: 4, metadata: {}, cells: [cell] }));
 * const stripped = JSON.parse(fromUtf8(stripNotebook(file, 'sum.ipynb')));
 * console.log(stripped.cells[0].outputs); // []
 * ```
 */
export function stripNotebook(bytes: Uint8Array, path: string): Uint8Array {
  const invalid: InvalidNotebook = reason =>
    new CleanRoomError('workspace-refused', `"${path}" cannot be submitted: ${reason}.`, {
      remedy: 'Open it in JupyterLab, save it, and submit again.'
    });
  const notebook = parseNotebook(parseNotebookJson(bytes, `The notebook ${path}`), invalid);
  requirePython(notebook, path);
  const taken = new Set<string>();
  const stripped = {
    cells: notebook.cells.map((cell, index) => strippedCell(cell, index + 1, taken)),
    metadata: strippedNotebookMetadata(notebook.metadata),
    nbformat: 4,
    nbformat_minor: 5
  };
  return utf8(`${JSON.stringify(sortKeys(stripped), undefined, 1)}\n`);
}
