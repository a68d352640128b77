import type { Digest } from '@clean-room/protocol/bytes';
import {
  CONFIG_TYPE,
  readManifest,
  type KernelImageFiles,
  type Revision
} from '@clean-room/protocol/packaging';
import type { ImageStore } from '../store.js';

/**
 * Puts a revision's image into a store: kernel layers are taken over from where they are, and only what is missing is
 * written. The manifest comes last, so that an image in the store is always whole.
 * @param kernelImages where the kernel image's layers are
 */
export async function storeRevision(
  store: ImageStore,
  kernelImages: ImageStore,
  kernelImage: KernelImageFiles,
  revision: Revision,
  name?: string
): Promise<Digest> {
  for (const layer of readManifest(kernelImage.manifest).value.layers) {
    await store.copyBlob(kernelImages, layer.digest, layer.size);
  }
  await store.writeBlob(revision.layer.digest, revision.layer.size, () => revision.layer.chunks());
  await store.writeBlob(revision.imageId, revision.config.length, async function* () {
    yield revision.config;
  });
  return store.writeManifest(revision.manifest, name);
}

/** Puts a whole image that is in one store into another. */
export async function copyImage(
  from: ImageStore,
  to: ImageStore,
  image: Digest,
  name?: string
): Promise<void> {
  const manifest = await from.readManifest(image);
  const { config, layers } = readManifest(manifest).value;
  for (const { digest, size } of [...layers, { ...config, mediaType: CONFIG_TYPE }]) {
    await to.copyBlob(from, digest, size);
  }
  await to.writeManifest(manifest, name);
}
