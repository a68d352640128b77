import type { Digest } from '@clean-room/protocol/bytes';
import type { ImageFiles } from '@clean-room/protocol/packaging';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** Bytes that can be had again from their beginning: a broken connection needs them a second time. */
export type ByteSource = () => AsyncIterable<Uint8Array>;

export interface NewLayer {
  /** In bytes. */
  readonly size: number;
  readonly bytes: ByteSource;
}

/** Where images are kept: a layout folder or a registry. Blobs and manifests are known by digest and never change. */
export interface ImageStore {
  /** For people and errors; without credentials. */
  readonly location: string;
  hasBlob(digest: Digest): Promise<boolean>;
  /**
   * Streams a blob and checks it on the way: the last chunk is only given when all of it has its digest.
   * @throws CleanRoomError `image-unknown`, `digest-mismatch`, `registry-failed`
   */
  readBlob(digest: Digest): AsyncIterable<Uint8Array>;
  /**
   * Keeps a blob; does nothing when it is there already. Half a blob is never seen by others.
   * @param size in bytes
   * @throws CleanRoomError `digest-mismatch` when the bytes are others than named, `registry-failed`
   */
  writeBlob(digest: Digest, size: number, bytes: ByteSource): Promise<void>;
  /**
   * Takes a blob over from another store, without reading it where the two can share.
   * @throws CleanRoomError as `readBlob` of the one and `writeBlob` of the other
   */
  copyBlob(from: ImageStore, digest: Digest, size: number): Promise<void>;
  hasManifest(digest: Digest): Promise<boolean>;
  /** @throws CleanRoomError `image-unknown`, `digest-mismatch`, `too-large`, `registry-failed` */
  readManifest(digest: Digest): Promise<Uint8Array>;
  /**
   * Keeps a manifest whose blobs are there; `name` is a tag that then points to it.
   * @throws CleanRoomError `registry-failed`
   */
  writeManifest(manifest: Uint8Array, name?: string): Promise<Digest>;
  /**
   * Keeps an image over layers that are there and one more, which is read once where the store can; others see all of the
   * image or nothing. `name` is a tag that then points to it.
   * @param describe the image, once the layer's digest is known; when it throws, nothing is kept
   * @throws CleanRoomError `digest-mismatch` when the layer is not as long as was said, `registry-failed`
   */
  writeImage<I extends ImageFiles>(
    layer: NewLayer,
    describe: (layer: Digest) => I,
    name?: string
  ): Promise<I>;
  /** The manifest a tag points to. A tag is a convenience, never an identity. */
  resolve(name: string): Promise<Digest | undefined>;
}

const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** @throws CleanRoomError `malformed` */
export function checkTag(name: string): string {
  if (TAG.test(name)) return name;
  throw new CleanRoomError('malformed', `"${name.slice(0, 80)}" can't be the tag of an image.`, {
    remedy: 'Use up to 128 letters, digits, dots, dashes and underscores.'
  });
}

/** Bytes that are in memory. */
export function inMemory(bytes: Uint8Array): ByteSource {
  return async function* () {
    yield bytes;
  };
}
