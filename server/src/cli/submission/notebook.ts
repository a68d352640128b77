import { utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { parseJsonFile } from '../home/home.js';

type Plain = Readonly<Record<string, unknown>>;

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(path: string, reason: string): never {
  throw new CleanRoomError('workspace-refused', `"${path}" can't be submitted: ${reason}.`, {
    remedy: 'Open it in JupyterLab, save it, and submit again.'
  });
}

/** A cell's source as lines that keep their ends, the way Jupyter writes it. */
function sourceLines(source: unknown, path: string): string[] {
  const text = Array.isArray(source) ? source.join('') : source;
  if (typeof text !== 'string') return refuse(path, 'a cell has no source');
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** Tags are all that is kept of a cell's metadata: the rest is of editors, and reviewers would not see it. */
function keptMetadata(metadata: unknown): Plain {
  const tags = isPlain(metadata) ? metadata['tags'] : undefined;
  return Array.isArray(tags) && tags.every(tag => typeof tag === 'string') && tags.length > 0 ? { tags } : {};
}

const ID = /^[A-Za-z0-9_-]{1,64}$/;

/** A cell's own id, or one that says where it stands; no two are the same, as the format wants it. */
function newId(own: unknown, index: number, taken: Set<string>): string {
  const place = `cell-${index + 1}`;
  let id = typeof own === 'string' && ID.test(own) ? own : place;
  for (let other = 1; taken.has(id); other++) id = other === 1 ? place : `${place}-${other}`;
  taken.add(id);
  return id;
}

function bareCell(cell: unknown, index: number, path: string, taken: Set<string>): Plain {
  if (!isPlain(cell)) return refuse(path, `cell ${index + 1} is not a cell`);
  const type = cell['cell_type'];
  const common = {
    cell_type: type,
    id: newId(cell['id'], index, taken),
    metadata: keptMetadata(cell['metadata']),
    source: sourceLines(cell['source'], path)
  };
  if (type === 'code') return { ...common, execution_count: null, outputs: [] };
  if (type === 'markdown' || type === 'raw') return common;
  return refuse(path, `cell ${index + 1} is of an unknown kind`);
}

/** What a notebook says of its language, if it does; kernel images run Python alone. */
function requirePython(kernelspec: unknown, language: unknown, path: string): void {
  const said = [
    isPlain(language) ? language['name'] : undefined,
    isPlain(kernelspec) ? kernelspec['language'] : undefined
  ].find(name => typeof name === 'string');
  if (said === undefined || /^i?python[\d.]*$/i.test(said)) return;
  throw new CleanRoomError(
    'workspace-refused',
    `"${path}" can't be submitted: it is written in ${said.slice(0, 40)}.`,
    {
      remedy: 'Clean rooms run Python: choose a Python kernel for it, and write it in Python.'
    }
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map(key => [key, sorted(value[key])])
  );
}

/**
 * The notebook as it is submitted: sources and tags alone, in the one spelling that Jupyter would save. Outputs,
 * execution counts, attachments and other metadata go: reviewers would not see them, and they may hold data.
 * @param path for messages
 * @throws CleanRoomError `workspace-refused`
 */
export function stripNotebook(bytes: Uint8Array, path: string): Uint8Array {
  const notebook = parseJsonFile(bytes, `The notebook ${path}`);
  if (!isPlain(notebook) || notebook['nbformat'] !== 4 || !Array.isArray(notebook['cells'])) {
    return refuse(path, 'it is not a notebook of format 4');
  }
  const taken = new Set<string>();
  const cells = notebook['cells'].map((cell, index) => bareCell(cell, index, path, taken));
  const metadata = isPlain(notebook['metadata']) ? notebook['metadata'] : {};
  const { kernelspec, language_info: language } = metadata as Record<string, unknown>;
  requirePython(kernelspec, language, path);
  const bare = {
    cells,
    metadata: {
      ...(isPlain(kernelspec) ? { kernelspec } : {}),
      ...(isPlain(language) && typeof language['name'] === 'string'
        ? { language_info: { name: language['name'] } }
        : {})
    },
    nbformat: 4,
    nbformat_minor: 5
  };
  return utf8(`${JSON.stringify(sorted(bare), undefined, 1)}\n`);
}

const OPENS = /\bopen_dataset\(\s*(["'])([a-z0-9][a-z0-9-]{0,38}\/[a-z0-9][a-z0-9_-]{0,62})\1/g;

/** The datasets that a notebook's code opens by a literal name: a convenience, never a check. */
export function datasetsIn(bare: Uint8Array): string[] {
  const { cells } = JSON.parse(new TextDecoder().decode(bare)) as {
    cells: { cell_type: string; source: string[] }[];
  };
  const code = cells.filter(cell => cell.cell_type === 'code').map(cell => cell.source.join(''));
  const names = code.flatMap(source => [...source.matchAll(OPENS)].map(match => match[2] ?? ''));
  return [...new Set(names)].sort();
}
