import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileTree } from '../tree/file-tree.js';
import { runJailPython } from './jail-python.js';

const SCRIPT = fileURLToPath(new URL('../../assets/font_list.py', import.meta.url));

/**
 * Adds matplotlib's list of fonts to a tree, so that no run has to create it.
 *
 * @param jail - the folder of the unpacked jail
 * @param packages - the folder of Python packages, relative to the jail
 * @param version - the version of Python
 * @param target - the folder of the list in the tree
 */
export async function addFontList(
  tree: FileTree,
  jail: string,
  packages: string,
  version: string,
  target: string
): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'clean-room-fonts-'));
  try {
    const list = join(scratch, 'list.json');
    const name = await runJailPython(jail, version, [SCRIPT, list], {
      extraPath: [join(jail, packages)],
      environment: { MPLCONFIGDIR: scratch, HOME: scratch }
    });
    await tree.addFile(`${target}/${name.trim()}`, await readFile(list));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
