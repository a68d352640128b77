import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  imageOver,
  readKernelImage,
  readManifest,
  revisionLayer,
  type KernelImageDocuments,
  type KernelImageFiles,
  type Manifest,
  type RevisionFile,
  type ComposedImage
} from '@clean-room/protocol/packaging';
import type { ReadDocument } from '@clean-room/protocol/documents';
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

export interface PackageOptions {
  /** Its files, or what `readKernelImage` made of them. */
  readonly kernelImage: KernelImageFiles | KernelImageDocuments;
  /** Where the kernel image's layers are. */
  readonly kernelImages: ImageStore;
  /** Canonical bytes, or what `readSpec` made of them. */
  readonly spec: Uint8Array | ReadDocument<Spec>;
  /** Exactly those that the spec names, in any order; `readWorkspace` reads them from a folder. */
  readonly files: readonly RevisionFile[];
  /** Where the image goes. */
  readonly store: ImageStore;
  /** A tag for it. */
  readonly name?: string;
  /** The image that it must become; any when absent. */
  readonly image?: Digest;
}

function requireImage(composed: Digest, wanted: Digest | undefined): void {
  if (wanted === undefined || composed === wanted) return;
  throw new CleanRoomError('digest-mismatch', `The image composed now is ${composed}, not ${wanted}.`, {
    remedy: 'Submit again.'
  });
}

/**
 * Composes a revision's image straight into a store: what the store has of the kernel image is not touched, the rest is
 * taken over from where it is, and the one layer is laid out, hashed and written in the same pass where the store can.
 * @throws CleanRoomError `workspace-refused`, `digest-mismatch`, `malformed`, `image-unknown`, `registry-failed`
 */
export async function packageImage(packaging: PackageOptions): Promise<ComposedImage> {
  const { kernelImages, spec, files, store, name } = packaging;
  const layer = revisionLayer(spec, files, nodeSha256);
  const kernel = readKernelImage(packaging.kernelImage);
  await takeKernelLayers(store, kernelImages, kernel.manifest);
  const { size } = layer;
  const describe = (digest: Digest): ComposedImage => {
    const image = imageOver(kernel, { digest, size }, nodeSha256);
    requireImage(image.imageDigest, packaging.image);
    return image;
  };
  return store.writeImage({ size, bytes: () => layer.chunks() }, describe, name);
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
