import { utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { parseJson } from '../home/index.js';

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

function bareCell(cell: unknown, index: number, path: string): Plain {
  if (!isPlain(cell)) return refuse(path, `cell ${index + 1} is not a cell`);
  const type = cell['cell_type'];
  const common = {
    cell_type: type,
    id:
      typeof cell['id'] === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(cell['id'])
        ? cell['id']
        : `cell-${index + 1}`,
    metadata: keptMetadata(cell['metadata']),
    source: sourceLines(cell['source'], path)
  };
  if (type === 'code') return { ...common, execution_count: null, outputs: [] };
  if (type === 'markdown' || type === 'raw') return common;
  return refuse(path, `cell ${index + 1} is of an unknown kind`);
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
export function bareNotebook(bytes: Uint8Array, path: string): Uint8Array {
  const notebook = parseJson(bytes, `The notebook ${path}`);
  if (!isPlain(notebook) || notebook['nbformat'] !== 4 || !Array.isArray(notebook['cells'])) {
    return refuse(path, 'it is not a notebook of format 4');
  }
  const cells = notebook['cells'].map((cell, index) => bareCell(cell, index, path));
  const metadata = isPlain(notebook['metadata']) ? notebook['metadata'] : {};
  const { kernelspec, language_info: language } = metadata as Record<string, unknown>;
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
