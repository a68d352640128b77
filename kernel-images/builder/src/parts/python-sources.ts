import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileTree } from '../tree/file-tree.js';

/** Lays the Python files below a folder into the tree: sources and the mark of typed packages, nothing else. */
export async function addPythonSources(folder: string, tree: FileTree, place: string): Promise<void> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of found) {
    if (!entry.isFile() || !(entry.name.endsWith('.py') || entry.name === 'py.typed')) continue;
    const path = join(entry.parentPath, entry.name);
    await tree.addFile(`${place}/${path.slice(folder.length + 1)}`, await readFile(path));
  }
}
