import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileTree } from '../tree/file-tree.js';
import { runJailPython } from './jail-python.js';

const SCRIPT = fileURLToPath(new URL('../../assets/font_list.py', import.meta.url));

/**
 * Adds matplotlib's list of fonts, so that no run has to make it.
 * @param packages where the jail's Python packages are, relative to the jail
 * @param place folder of the tree that gets the list
 */
export async function addFontList(
  tree: FileTree,
  jail: string,
  packages: string,
  version: string,
  place: string
): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'clean-room-fonts-'));
  try {
    const target = join(scratch, 'list.json');
    const name = await runJailPython(jail, version, [SCRIPT, target], {
      extraPath: [join(jail, packages)],
      environment: { MPLCONFIGDIR: scratch, HOME: scratch }
    });
    await tree.addFile(`${place}/${name.trim()}`, await readFile(target));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
