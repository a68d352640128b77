import { createHash } from 'node:crypto';
import type { Digest } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import { composeImage, type RevisionImage, type RevisionFile } from '@clean-room/protocol/packaging';
import type { Spec } from '@clean-room/protocol/submissions';
import type { ObjectStore } from '../../platform/objects/store.js';
import type { KernelImages } from './kernel-images.js';

async function* contentOf(store: ObjectStore, digest: Digest): AsyncGenerator<Uint8Array> {
  const { stream } = await store.get(digest);
  yield* stream as AsyncIterable<Uint8Array>;
}

/** Returns the stored files that a spec names. Each is read only when its content is used, so that none is kept in memory. */
export function storedFiles(objects: ObjectStore, { workspace }: Spec): RevisionFile[] {
  return workspace.map(({ path, digest, bytes }) => ({
    path,
    digest,
    bytes,
    content: () => contentOf(objects, digest)
  }));
}

/**
 * Composes a revision's image from the spec, its stored files and its kernel image. The files are streamed, so that a large
 * workspace does not need much memory.
 *
 * @throws CleanRoomError `image-unknown`, `not-found` when a file was not uploaded, `workspace-refused`, `digest-mismatch`
 */
export async function composeSubmissionImage(
  parts: { readonly objects: ObjectStore; readonly kernelImages: KernelImages },
  spec: ReadDocument<Spec>
): Promise<RevisionImage> {
  const { image } = parts.kernelImages.get(spec.value.kernelImage);
  return composeImage(image, spec, storedFiles(parts.objects, spec.value), () => createHash('sha256'));
}
