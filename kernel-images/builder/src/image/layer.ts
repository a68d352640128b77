import { createHash } from 'node:crypto';
import type { LayoutStore } from '@clean-room/oci/layout';
import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import { tarSize, writeTar, type TarEntry } from '@clean-room/protocol/packaging';
import type { FileTree } from '../tree/file-tree.js';

/** A layer in an image layout. It is not compressed, so its digest is also its diff id. */
export interface Layer {
  readonly digest: Digest;
  readonly size: number;
  /** A line for the image's history. It is part of the image's identity. */
  readonly title: string;
}

function* entriesOf(tree: FileTree): Generator<TarEntry> {
  for (const [path, node] of tree.entries()) {
    switch (node.kind) {
      case 'directory':
        yield { type: 'directory', path, mode: node.mode, owner: node.owner };
        break;
      case 'file':
        yield {
          type: 'file',
          path,
          mode: node.mode,
          owner: node.owner,
          size: node.size,
          content: () => tree.stream(path)
        };
        break;
      case 'symlink':
        yield { type: 'symlink', path, mode: 0o777, target: node.target };
        break;
      case 'character-device':
        yield { type: 'character-device', path, mode: node.mode, major: node.major, minor: node.minor };
        break;
    }
  }
}

/** Writes a tree to the store as a layer. */
export async function writeLayer(tree: FileTree, store: LayoutStore, title: string): Promise<Layer> {
  const entries = [...entriesOf(tree)];
  const hash = createHash('sha256');
  for await (const chunk of writeTar(entries)) hash.update(chunk);
  const layer = { digest: digestFromHash(hash.digest()), size: tarSize(entries), title };
  await store.writeBlob(layer.digest, layer.size, () => writeTar(entries));
  return layer;
}
