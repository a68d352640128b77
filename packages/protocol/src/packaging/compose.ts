import { digestFromHash, pureSha256, type Digest, type HasherFactory } from '../bytes/digest.js';
import type { ReadDocument } from '../documents/document.js';
import type { Spec } from '../submissions/spec.js';
import type { RevisionFile } from './file.js';
import {
  imageOver,
  readKernelImage,
  type KernelImageDocuments,
  type KernelImageFiles,
  type ComposedImage
} from './image.js';
import { revisionLayer, type RevisionLayer } from './layer.js';

/** A revision's image: everything it has beside its kernel image's layers. */
export interface ComposeOptions extends ComposedImage {
  readonly layer: RevisionLayer & { readonly digest: Digest };
}

/**
 * Composes a revision's image: kernel image, and one deterministic uncompressed layer with the spec and the files it
 * names. Same inputs, same digest, anywhere.
 * @param kernelImage its files, or what `readKernelImage` made of them
 * @param spec canonical bytes, or what `readSpec` made of them
 * @param files exactly those that the spec names, in any order
 * @param hasher a faster SHA-256 where there is one
 * @throws CleanRoomError `workspace-refused`, `digest-mismatch`, `malformed`
 */
export async function composeImage(
  kernelImage: KernelImageFiles | KernelImageDocuments,
  spec: Uint8Array | ReadDocument<Spec>,
  files: readonly RevisionFile[],
  hasher: HasherFactory = pureSha256
): Promise<ComposeOptions> {
  const layer = revisionLayer(spec, files, hasher);
  const hash = hasher();
  for await (const chunk of layer.chunks()) hash.update(chunk);
  const digest = digestFromHash(hash.digest());
  return {
    layer: { ...layer, digest },
    ...imageOver(readKernelImage(kernelImage), { digest, size: layer.size }, hasher)
  };
}
