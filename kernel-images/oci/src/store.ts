import type { Digest } from '@clean-room/protocol/bytes';

/** Where images are kept: a layout folder or a registry. Blobs and manifests are known by digest and never change. */
export interface ImageStore {
  /** For people and errors; without credentials. */
  readonly location: string;
  hasBlob(digest: Digest): Promise<boolean>;
  /**
   * Streams a blob and checks it on the way: the last chunk is only given when all of it has its digest.
   * @throws CleanRoomError `image-unknown`, `digest-mismatch`
   */
  readBlob(digest: Digest): AsyncIterable<Uint8Array>;
  /**
   * Keeps a blob that `chunks` gives; does nothing when it is there already. Half a blob is never seen by others.
   * @param size in bytes
   * @throws CleanRoomError `digest-mismatch` when the bytes are others than named
   */
  writeBlob(digest: Digest, size: number, chunks: () => AsyncIterable<Uint8Array>): Promise<void>;
  /** Takes a blob over from another store, without reading it where the two can share. */
  copyBlob(from: ImageStore, digest: Digest, size: number): Promise<void>;
  hasManifest(digest: Digest): Promise<boolean>;
  /** @throws CleanRoomError `image-unknown`, `digest-mismatch` */
  readManifest(digest: Digest): Promise<Uint8Array>;
  /** Keeps a manifest whose blobs are there; `name` is a tag that then points to it. */
  writeManifest(manifest: Uint8Array, name?: string): Promise<Digest>;
  /** The manifest a tag points to. A tag is a convenience, never an identity. */
  resolve(name: string): Promise<Digest | undefined>;
}
