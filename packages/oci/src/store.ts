import type { Digest } from '@clean-room/protocol/bytes';
import type { ImageFiles } from '@clean-room/protocol/packaging';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** Returns the same bytes on every call, from their beginning. An upload reads them again after a broken connection. */
export type ByteSource = () => AsyncIterable<Uint8Array>;

/** A layer that is not yet in a store. */
export interface NewLayer {
  /** The size in bytes. */
  readonly size: number;
  readonly bytes: ByteSource;
}

/** A store of images: a layout folder or a registry. Blobs and manifests are identified by digest and never change. */
export interface ImageStore {
  /** The location as shown in messages, without credentials. */
  readonly location: string;
  /** Returns whether the store has a blob. */
  hasBlob(digest: Digest): Promise<boolean>;
  /**
   * Streams a blob and verifies its digest. The last chunk is passed on only after the whole blob has been verified.
   *
   * @throws CleanRoomError `image-unknown`, `digest-mismatch`, `registry-failed`
   */
  readBlob(digest: Digest): AsyncIterable<Uint8Array>;
  /**
   * Writes a blob, unless the store has it already. Others see either the whole blob or nothing.
   *
   * @param size - size of the blob in bytes
   * @throws CleanRoomError `digest-mismatch` if the bytes do not have this digest and size, `registry-failed`
   */
  writeBlob(digest: Digest, size: number, bytes: ByteSource): Promise<void>;
  /**
   * Copies a blob from another store. Stores of the same kind share it without reading it, where they can.
   *
   * @param size - size of the blob in bytes
   * @throws CleanRoomError as `readBlob` of the source and `writeBlob` of this store
   */
  copyBlob(from: ImageStore, digest: Digest, size: number): Promise<void>;
  /** Returns whether the store has a manifest. */
  hasManifest(digest: Digest): Promise<boolean>;
  /**
   * Returns a manifest, with its digest verified.
   *
   * @throws CleanRoomError `image-unknown`, `digest-mismatch`, `too-large`, `registry-failed`
   */
  readManifest(digest: Digest): Promise<Uint8Array>;
  /**
   * Writes a manifest whose blobs are already in the store.
   *
   * @param name - a tag that will point to the manifest
   * @throws CleanRoomError `registry-failed`
   */
  writeManifest(manifest: Uint8Array, name?: string): Promise<Digest>;
  /**
   * Writes an image that consists of layers already in the store and one new layer. A layout folder reads the new layer only
   * once. Others see either the whole image or nothing.
   *
   * @param describe - returns the image's documents, given the digest of the new layer; if it throws, nothing is stored
   * @param name - a tag that will point to the image
   * @throws CleanRoomError `digest-mismatch` if the layer does not have the stated size, `registry-failed`
   */
  writeImage<I extends ImageFiles>(
    layer: NewLayer,
    describe: (layer: Digest) => I,
    name?: string
  ): Promise<I>;
  /** Returns the digest of the manifest that a tag points to. A tag is a convenience, never an identity. */
  resolve(name: string): Promise<Digest | undefined>;
}

const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/**
 * Returns `name` if it is a valid tag.
 *
 * @throws CleanRoomError `malformed`
 */
export function checkTag(name: string): string {
  if (TAG.test(name)) return name;
  throw new CleanRoomError('malformed', `"${name.slice(0, 80)}" is not a valid image tag.`, {
    remedy: 'Use up to 128 letters, digits, dots, dashes and underscores.'
  });
}

/** Returns the error for a blob or manifest that the store at `location` does not contain. */
export function unknownImage(location: string, digest: Digest): CleanRoomError {
  return new CleanRoomError('image-unknown', `${location} does not contain the image or layer ${digest}.`);
}

/** Returns a source of bytes that are in memory. */
export function inMemory(bytes: Uint8Array): ByteSource {
  return async function* () {
    yield bytes;
  };
}
