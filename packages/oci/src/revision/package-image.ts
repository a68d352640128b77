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
import { nodeSha256 } from '../digests.js';

/** Waits until all have ended, so that nothing continues in the background after an error, then throws the first error. */
async function waitForAll(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find(result => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function copyKernelLayers(
  store: ImageStore,
  kernelImages: ImageStore,
  { layers }: Manifest
): Promise<void> {
  await waitForAll(layers.map(({ digest, size }) => store.copyBlob(kernelImages, digest, size)));
}

/** The input of `packageImage`. */
export interface PackageOptions {
  /** The kernel image's files, or the result of `readKernelImage`. */
  readonly kernelImage: KernelImageFiles | KernelImageDocuments;
  /** The store that contains the kernel image's layers. */
  readonly kernelImages: ImageStore;
  /** Canonical bytes, or the result of `readSpec`. */
  readonly spec: Uint8Array | ReadDocument<Spec>;
  /** Exactly the files that the spec names, in any order. `readWorkspace` reads them from a folder. */
  readonly files: readonly RevisionFile[];
  /** The store to which the image is written. */
  readonly store: ImageStore;
  /** A tag that will point to the image. */
  readonly name?: string;
  /** The digest that the image must have; any by default. */
  readonly image?: Digest;
}

function requireImage(composed: Digest, expected: Digest | undefined): void {
  if (expected === undefined || composed === expected) return;
  throw new CleanRoomError('digest-mismatch', `The image has the digest ${composed}, not ${expected}.`, {
    remedy: 'No image was stored. Submit again.'
  });
}

/**
 * Composes the image of a revision and writes it to a store. Layers of the kernel image are copied only if the store lacks
 * them. A layout folder composes, hashes and writes the new layer in one pass.
 *
 * @throws CleanRoomError `workspace-refused`, `digest-mismatch`, `malformed`, `image-unknown`, `registry-failed`
 */
export async function packageImage(options: PackageOptions): Promise<ComposedImage> {
  const { kernelImages, spec, files, store, name } = options;
  const layer = revisionLayer(spec, files, nodeSha256);
  const kernel = readKernelImage(options.kernelImage);
  await copyKernelLayers(store, kernelImages, kernel.manifest);
  const { size } = layer;
  const describe = (digest: Digest): ComposedImage => {
    const image = imageOver(kernel, { digest, size }, nodeSha256);
    requireImage(image.imageDigest, options.image);
    return image;
  };
  return store.writeImage({ size, bytes: () => layer.chunks() }, describe, name);
}

/**
 * Copies an image from one store to another, byte for byte.
 *
 * @param image - digest of the image's manifest
 * @param name - a tag that will point to the image
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
  await waitForAll([config, ...layers].map(({ digest, size }) => to.copyBlob(from, digest, size)));
  await to.writeManifest(manifest, name);
}
