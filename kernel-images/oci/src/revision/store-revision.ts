import type { Digest } from '@clean-room/protocol/bytes';
import {
  imageOver,
  readKernelImage,
  readManifest,
  revisionLayer,
  type KernelImageFiles,
  type Manifest,
  type Revision,
  type RevisionFile,
  type RevisionImage
} from '@clean-room/protocol/packaging';
import type { Read } from '@clean-room/protocol/documents';
import type { Spec } from '@clean-room/protocol/submissions';
import type { ImageStore } from '../store.js';
import { nodeSha256 } from '../verified.js';

/** Waits for all, so that nothing goes on behind a failure, then throws the first. */
async function settle(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find(result => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function takeKernelLayers(
  store: ImageStore,
  kernelImages: ImageStore,
  { layers }: Manifest
): Promise<void> {
  await settle(layers.map(({ digest, size }) => store.copyBlob(kernelImages, digest, size)));
}

export interface Packaging {
  readonly kernelImage: KernelImageFiles;
  /** Where the kernel image's layers are. */
  readonly kernelImages: ImageStore;
  /** Canonical bytes, or what `readSpec` made of them. */
  readonly spec: Uint8Array | Read<Spec>;
  /** Exactly those that the spec names, in any order; `readWorkspace` reads them from a folder. */
  readonly files: readonly RevisionFile[];
  /** Where the image goes. */
  readonly store: ImageStore;
  /** A tag for it. */
  readonly name?: string;
}

/**
 * Composes a revision's image straight into a store: what the store has of the kernel image is not touched, the rest is
 * taken over from where it is, and the one layer is laid out, hashed and written in the same pass where the store can.
 * @throws CleanRoomError `workspace-refused`, `digest-mismatch`, `malformed`, `image-unknown`, `registry-failed`
 */
export async function packageRevision(packaging: Packaging): Promise<RevisionImage> {
  const { kernelImage, kernelImages, spec, files, store, name } = packaging;
  const layer = revisionLayer(spec, files, nodeSha256);
  const kernel = readKernelImage(kernelImage);
  await takeKernelLayers(store, kernelImages, kernel.manifest);
  const { size } = layer;
  const bytes = (): AsyncIterable<Uint8Array> => layer.chunks();
  return store.writeImage({ size, bytes }, digest => imageOver(kernel, { digest, size }), name);
}

/**
 * Puts a revision's image, which was composed before, into a store: kernel layers are taken over from where they are, and
 * only what is missing is written.
 * @param kernelImages where the kernel image's layers are
 * @throws CleanRoomError `image-unknown`, `digest-mismatch` when a file changed since, `registry-failed`
 */
export async function storeRevision(
  store: ImageStore,
  kernelImages: ImageStore,
  kernelImage: KernelImageFiles,
  revision: Revision,
  name?: string
): Promise<Digest> {
  const { layer } = revision;
  await takeKernelLayers(store, kernelImages, readManifest(kernelImage.manifest).value);
  const { digest, size } = layer;
  await store.writeImage({ digest, size, bytes: () => layer.chunks() }, () => revision, name);
  return revision.imageDigest;
}

/**
 * Puts a whole image that is in one store into another, byte for byte.
 * @throws CleanRoomError `image-unknown`, `digest-mismatch`, `registry-failed`
 */
export async function copyImage(
  from: ImageStore,
  to: ImageStore,
  image: Digest,
  name?: string
): Promise<void> {
  const manifest = await from.readManifest(image);
  const { config, layers } = readManifest(manifest).value;
  await settle([config, ...layers].map(({ digest, size }) => to.copyBlob(from, digest, size)));
  await to.writeManifest(manifest, name);
}
