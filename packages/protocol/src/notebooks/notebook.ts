import { fromUtf8 } from '../bytes/encoding.js';
import { isJsonObject, type JsonObject } from '../documents/json.js';
import { CleanRoomError } from '../errors/index.js';

/** A cell of a notebook. */
export interface NotebookCell {
  readonly type: 'code' | 'markdown' | 'raw';
  readonly source: string;
  /** The cell's id as it is in the file, unchecked; `undefined` when there is none. */
  readonly id: unknown;
  /** The cell's metadata, unchecked; empty when the file has none. */
  readonly metadata: JsonObject;
  /** The outputs of a code cell, unchecked; empty for other cells. */
  readonly outputs: readonly unknown[];
}

/** A notebook of nbformat 4. Cell types and sources are checked, everything else is as it is in the file. */
export interface Notebook {
  readonly cells: readonly NotebookCell[];
  readonly metadata: JsonObject;
}

/** The maximum number of cells of a notebook. */
const MAX_CELLS = 100_000;

/** Returns an error that says why a notebook is invalid. */
export type InvalidNotebook = (reason: string) => CleanRoomError;

const malformedNotebook: InvalidNotebook = reason =>
  new CleanRoomError('malformed', `The notebook cannot be read: ${reason}.`);

function parseCell(cell: unknown, number: number, invalid: InvalidNotebook): NotebookCell {
  if (!isJsonObject(cell)) throw invalid(`cell ${number} is not a JSON object`);
  const { cell_type: type, source, id, metadata, outputs } = cell;
  if (type !== 'code' && type !== 'markdown' && type !== 'raw')
    throw invalid(`cell ${number} has an unknown type`);
  const lines: unknown[] = Array.isArray(source) ? source : [source];
  if (!lines.every(line => typeof line === 'string')) throw invalid(`cell ${number} has no source text`);
  return {
    type,
    source: lines.join(''),
    id,
    metadata: isJsonObject(metadata) ? metadata : {},
    outputs: type === 'code' && Array.isArray(outputs) ? outputs : []
  };
}

/**
 * Checks a notebook that was already parsed as JSON. Everything that reads notebooks uses this function, so that what a
 * reviewer sees is what the TEE runs.
 *
 * @param value - the parsed JSON
 * @param invalid - makes the error for a notebook that is refused
 * @throws CleanRoomError `malformed`, or the error that `invalid` returns
 */
export function parseNotebook(value: unknown, invalid: InvalidNotebook = malformedNotebook): Notebook {
  if (!isJsonObject(value) || value['nbformat'] !== 4 || !Array.isArray(value['cells']))
    throw invalid('it is not a notebook of format 4');
  const cells: unknown[] = value['cells'];
  if (cells.length > MAX_CELLS) throw invalid(`it has more than ${MAX_CELLS} cells`);
  return {
    cells: cells.map((cell, index) => parseCell(cell, index + 1, invalid)),
    metadata: isJsonObject(value['metadata']) ? value['metadata'] : {}
  };
}

/**
 * Reads a notebook from the bytes of an `.ipynb` file.
 *
 * @throws CleanRoomError `malformed` when the bytes are not UTF-8, not JSON or not a notebook of format 4
 *
 * @example
 * ```ts
 * import { utf8 } from '@clean-room/protocol/bytes';
 * import { codeSources, datasetsIn, readNotebook } from '@clean-room/protocol/notebooks';
 *
 * const cell = { cell_type: 'code', source: ['df = open_dataset("hospital/visits")\n', 'df'] };
 * const notebook = readNotebook(utf8(JSON.stringify({ nbformat: 4, cells: [cell] })));
 * console.log(notebook.cells.length); // 1
 * console.log(datasetsIn(codeSources(notebook))); // [ 'hospital/visits' ]
 * ```
 */
export function readNotebook(bytes: Uint8Array): Notebook {
  return parseNotebook(parseNotebookJson(bytes, 'The notebook'));
}

/**
 * Parses the bytes of a notebook as JSON.
 *
 * @param name - what an error message calls the notebook
 * @throws CleanRoomError `malformed` when the bytes are not UTF-8 or not JSON
 */
export function parseNotebookJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch (cause) {
    throw new CleanRoomError('malformed', `${name} is not JSON.`, { remedy: 'Correct the file.', cause });
  }
}

/** Returns the sources of a notebook's code cells, in their order. */
export function codeSources({ cells }: Notebook): string[] {
  return cells.filter(({ type }) => type === 'code').map(({ source }) => source);
}

/** Matches a call of `open_dataset` with an asset name as a literal. The lengths are those of `AssetName`. */
const OPEN_DATASET = /\bopen_dataset\(\s*(["'])([a-z0-9][a-z0-9-]{0,38}\/[a-z0-9][a-z0-9_-]{0,62})\1/g;

/**
 * Returns the names of the datasets that code opens by a literal name, sorted and each once: `open_dataset("party/dataset")`.
 * This fills in a form; access is decided by the spec.
 *
 * @param sources - the sources of code cells
 */
export function datasetsIn(sources: readonly string[]): string[] {
  const names = sources.flatMap(source => Array.from(source.matchAll(OPEN_DATASET), match => match[2] ?? ''));
  return [...new Set(names)].sort();
}
