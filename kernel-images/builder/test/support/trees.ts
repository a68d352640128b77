import type { FileTree } from '../../src/tree/file-tree.js';

/** Returns the content of a tree as text by path: mode and content of files, targets of links, numbers of devices. */
export async function contents(tree: FileTree): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [path, node] of tree.entries()) {
    if (node.kind === 'file')
      found[path] = `${node.mode.toString(8)} ${Buffer.from(await tree.read(path)).toString()}`;
    else if (node.kind === 'symlink') found[path] = `-> ${node.target}`;
    else if (node.kind === 'character-device')
      found[path] = `device ${String(node.major)}:${String(node.minor)}`;
  }
  return found;
}
