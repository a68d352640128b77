import { createHash } from 'node:crypto';
import type { Digest } from '@clean-room/protocol/bytes';
import { composeRevision, type Revision, type RevisionFile } from '@clean-room/protocol/packaging';
import type { Spec } from '@clean-room/protocol/submissions';
import type { ObjectStore } from '../../platform/objects/index.js';
import type { KernelImages } from './kernel-images.js';

async function* contentOf(store: ObjectStore, digest: Digest): AsyncGenerator<Uint8Array> {
  const { stream } = await store.get(digest);
  yield* stream as AsyncIterable<Uint8Array>;
}

/**
 * Composes a revision's image from the spec, the stored files and the kernel image that it names; streaming, so that a
 * workspace of a gigabyte needs no gigabyte of memory.
 * @throws CleanRoomError `image-unknown`, `not-found` when a file was not put, `workspace-refused`, `digest-mismatch`
 */
export async function composeImage(
  parts: { readonly objects: ObjectStore; readonly kernelImages: KernelImages },
  spec: { readonly value: Spec; readonly bytes: Uint8Array }
): Promise<Revision> {
  const kernelImage = parts.kernelImages.get(spec.value.kernelImage);
  const files = spec.value.workspace.map(({ path, digest, bytes }): RevisionFile => ({
    path,
    digest,
    bytes,
    content: () => contentOf(parts.objects, digest)
  }));
  return composeRevision(kernelImage, spec.bytes, files, () => createHash('sha256'));
}
