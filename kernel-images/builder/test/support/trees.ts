import type { FileTree } from '../../src/tree/file-tree.js';

/** What a tree holds, in words: path → mode and text, or what else stands there. */
export async function contents(tree: FileTree): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [path, node] of tree.entries()) {
    if (node.kind === 'file')
      found[path] = `${node.mode.toString(8)} ${Buffer.from(await tree.read(path)).toString()}`;
    else if (node.kind === 'symlink') found[path] = `-> ${node.target}`;
    else if (node.kind === 'character-device') found[path] = `device ${node.major}:${node.minor}`;
  }
  return found;
}
