import { utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { parseJsonFile } from '../files.js';

type PlainObject = Readonly<Record<string, unknown>>;

function isPlainObject(value: unknown): value is PlainObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unsuitable(path: string, reason: string): CleanRoomError {
  return new CleanRoomError('workspace-refused', `"${path}" cannot be submitted: ${reason}.`, {
    remedy: 'Open it in JupyterLab, save it, and submit again.'
  });
}

/** Splits a cell's source into lines that keep their line ends, as Jupyter does. */
function sourceLines(source: unknown, path: string): string[] {
  const text = Array.isArray(source) ? source.join('') : source;
  if (typeof text !== 'string') throw unsuitable(path, 'a cell has no source');
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** Keeps only the tags of a cell's metadata. Editors add the rest, and reviewers would not see it. */
function keptMetadata(metadata: unknown): PlainObject {
  const tags = isPlainObject(metadata) ? metadata['tags'] : undefined;
  return Array.isArray(tags) && tags.every(tag => typeof tag === 'string') && tags.length > 0 ? { tags } : {};
}

const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Returns a cell's own id, or one with its position. The notebook format requires that ids are unique. */
function uniqueId(own: unknown, index: number, taken: Set<string>): string {
  const fallback = `cell-${index + 1}`;
  let id = typeof own === 'string' && ID.test(own) ? own : fallback;
  for (let other = 1; taken.has(id); other++) id = other === 1 ? fallback : `${fallback}-${other}`;
  taken.add(id);
  return id;
}

function strippedCell(cell: unknown, index: number, path: string, taken: Set<string>): PlainObject {
  if (!isPlainObject(cell)) throw unsuitable(path, `cell ${index + 1} is not a cell`);
  const type = cell['cell_type'];
  const common = {
    cell_type: type,
    id: uniqueId(cell['id'], index, taken),
    metadata: keptMetadata(cell['metadata']),
    source: sourceLines(cell['source'], path)
  };
  if (type === 'code') return { ...common, execution_count: null, outputs: [] };
  if (type === 'markdown' || type === 'raw') return common;
  throw unsuitable(path, `cell ${index + 1} has an unknown type`);
}

/** Refuses a notebook whose metadata name a language other than Python, the only language of kernel images. */
function requirePython(kernelspec: unknown, language: unknown, path: string): void {
  const named = [
    isPlainObject(language) ? language['name'] : undefined,
    isPlainObject(kernelspec) ? kernelspec['language'] : undefined
  ].find(name => typeof name === 'string');
  if (named === undefined || /^i?python[\d.]*$/i.test(named)) return;
  throw new CleanRoomError(
    'workspace-refused',
    `"${path}" cannot be submitted: it is written in ${named.slice(0, 40)}.`,
    {
      remedy: 'Clean rooms run Python notebooks. Choose a Python kernel, and write the notebook in Python.'
    }
  );
}

/** Sorts the keys of all objects, as Jupyter does when it saves a notebook. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, sorted(value[key])])
  );
}

/**
 * Returns a notebook as it is submitted: only sources and tags, in the form in which Jupyter saves them. Outputs, execution
 * counts, attachments and other metadata are removed, because reviewers would not see them and they may contain data.
 *
 * @param path - the notebook's path, for messages
 * @throws CleanRoomError `workspace-refused`
 */
export function stripNotebook(bytes: Uint8Array, path: string): Uint8Array {
  const notebook = parseJsonFile(bytes, `The notebook ${path}`);
  if (!isPlainObject(notebook) || notebook['nbformat'] !== 4 || !Array.isArray(notebook['cells'])) {
    throw unsuitable(path, 'it is not a notebook in format 4');
  }
  const taken = new Set<string>();
  const cells = notebook['cells'].map((cell, index) => strippedCell(cell, index, path, taken));
  const metadata = isPlainObject(notebook['metadata']) ? notebook['metadata'] : {};
  const { kernelspec, language_info: language } = metadata as Record<string, unknown>;
  requirePython(kernelspec, language, path);
  const stripped = {
    cells,
    metadata: {
      ...(isPlainObject(kernelspec) ? { kernelspec } : {}),
      ...(isPlainObject(language) && typeof language['name'] === 'string'
        ? { language_info: { name: language['name'] } }
        : {})
    },
    nbformat: 4,
    nbformat_minor: 5
  };
  return utf8(`${JSON.stringify(sorted(stripped), undefined, 1)}\n`);
}

const OPENS = /\bopen_dataset\(\s*(["'])([a-z0-9][a-z0-9-]{0,38}\/[a-z0-9][a-z0-9_-]{0,62})\1/g;

/** Returns the datasets that a notebook's code opens by a literal name. This is a convenience and not a security check. */
export function datasetsIn(stripped: Uint8Array): string[] {
  const { cells } = JSON.parse(new TextDecoder().decode(stripped)) as {
    cells: { cell_type: string; source: string[] }[];
  };
  const code = cells.filter(cell => cell.cell_type === 'code').map(cell => cell.source.join(''));
  const names = code.flatMap(source => [...source.matchAll(OPENS)].map(match => match[2] ?? ''));
  return [...new Set(names)].sort();
}
