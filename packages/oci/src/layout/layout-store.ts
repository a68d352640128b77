import { constants, createReadStream } from 'node:fs';
import { access, link, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isMissing, syncDirectory, writeFileAtomic } from '@clean-room/node-support';
import { isDigest, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { MANIFEST_MAX_BYTES, MANIFEST_TYPE, type ImageFiles } from '@clean-room/protocol/packaging';
import { nodeDigestOf, requireDigest, verifiedChunks } from '../digests.js';
import {
  checkTag,
  inMemory,
  unknownImage,
  type ByteSource,
  type ImageStore,
  type NewLayer
} from '../store.js';
import { removeOldDrafts, withDrafts, writeChunks, type Drafts } from './drafts.js';
import { REFERENCE_NAME, readLayoutIndex, writeLayoutIndex } from './index-file.js';
import { withLock } from './lock.js';

const CHUNK_BYTES = 1024 ** 2;
const LAYOUT_FILE = 'oci-layout';

/**
 * An image store in an OCI image layout folder (image-spec v1.0, image-layout). Several processes may use it at the same time.
 */
export class LayoutStore implements ImageStore {
  readonly #blobs: string;
  readonly #drafts: string;

  private constructor(readonly location: string) {
    this.#blobs = join(location, 'blobs/sha256');
    this.#drafts = join(location, '.drafts');
  }

  /** Opens a layout folder, and creates it if it does not exist. */
  static async open(folder: string): Promise<LayoutStore> {
    const store = new LayoutStore(resolve(folder));
    await mkdir(store.#blobs, { recursive: true });
    await mkdir(store.#drafts, { recursive: true });
    await removeOldDrafts(store.#drafts);
    if (!(await isLayout(folder)))
      await writeFileAtomic(join(folder, LAYOUT_FILE), '{"imageLayoutVersion":"1.0.0"}', 0o644);
    return store;
  }

  /**
   * Returns the path of a blob's file, whether it exists or not.
   *
   * @throws CleanRoomError `malformed` if `digest` is not a SHA-256 digest
   */
  blobPath(digest: Digest): string {
    if (!isDigest(digest)) throw new CleanRoomError('malformed', 'A blob is identified by a sha256 digest.');
    return join(this.#blobs, digest.slice('sha256:'.length));
  }

  async hasBlob(digest: Digest): Promise<boolean> {
    return access(this.blobPath(digest), constants.R_OK).then(
      () => true,
      (error: unknown) => {
        if (isMissing(error)) return false;
        throw error;
      }
    );
  }

  async *readBlob(digest: Digest): AsyncGenerator<Uint8Array> {
    try {
      yield* verifiedChunks(digest, createReadStream(this.blobPath(digest), { highWaterMark: CHUNK_BYTES }));
    } catch (error) {
      throw isMissing(error) ? unknownImage(this.location, digest) : error;
    }
  }

  async writeBlob(digest: Digest, size: number, bytes: ByteSource): Promise<void> {
    if (await this.hasBlob(digest)) return;
    await withDrafts(this.#drafts, async drafts => {
      const written = await this.#draft(drafts, size, bytes);
      requireDigest(written, digest);
    });
  }

  async copyBlob(from: ImageStore, digest: Digest, size: number): Promise<void> {
    if (await this.hasBlob(digest)) return;
    if (from instanceof LayoutStore) {
      const shared = await link(from.blobPath(digest), this.blobPath(digest)).then(
        () => true,
        () => false // Another file system, or one without links: the blob is copied instead.
      );
      if (shared) return;
    }
    await this.writeBlob(digest, size, () => from.readBlob(digest));
  }

  /** Deletes a blob or manifest, if the store has it. The caller knows that no other image needs it. */
  async deleteBlob(digest: Digest): Promise<void> {
    await rm(this.blobPath(digest), { force: true });
  }

  hasManifest(digest: Digest): Promise<boolean> {
    return this.hasBlob(digest);
  }

  async readManifest(digest: Digest): Promise<Uint8Array> {
    const path = this.blobPath(digest);
    let bytes: Uint8Array;
    try {
      if ((await stat(path)).size > MANIFEST_MAX_BYTES)
        throw new CleanRoomError('too-large', `The manifest ${digest} is larger than 4 MiB.`);
      bytes = new Uint8Array(await readFile(path));
    } catch (error) {
      throw isMissing(error) ? unknownImage(this.location, digest) : error;
    }
    requireDigest(nodeDigestOf(bytes), digest);
    return bytes;
  }

  async writeManifest(manifest: Uint8Array, name?: string): Promise<Digest> {
    if (name !== undefined) checkTag(name);
    const digest = nodeDigestOf(manifest);
    await this.writeBlob(digest, manifest.length, inMemory(manifest));
    await this.#publish(digest, manifest.length, name);
    return digest;
  }

  async writeImage<I extends ImageFiles>(
    { size, bytes }: NewLayer,
    describe: (layer: Digest) => I,
    name?: string
  ): Promise<I> {
    if (name !== undefined) checkTag(name);
    const image = await withDrafts(this.#drafts, async drafts => {
      const described = describe(await this.#draft(drafts, size, bytes));
      const { config, manifest } = described;
      // The manifest is written last, so that every image in the store is complete.
      for (const file of [config, manifest]) await this.#draft(drafts, file.length, inMemory(file));
      return described;
    });
    await this.#publish(nodeDigestOf(image.manifest), image.manifest.length, name);
    return image;
  }

  async resolve(name: string): Promise<Digest | undefined> {
    const { manifests } = await readLayoutIndex(this.location);
    return manifests.find(entry => entry.annotations?.[REFERENCE_NAME] === name)?.digest;
  }

  #draft(drafts: Drafts, size: number, bytes: ByteSource): Promise<Digest> {
    return drafts.write(async file => {
      const result = await writeChunks(file, bytes(), size);
      return { path: this.blobPath(result), result };
    });
  }

  /**
   * Flushes the image to disk and adds its tag to the index. An image without a tag is found by its digest only, as in a
   * registry, and does not need an entry.
   */
  async #publish(digest: Digest, size: number, name?: string): Promise<void> {
    if (name === undefined) return syncDirectory(this.#blobs);
    const annotations = { [REFERENCE_NAME]: name };
    await withLock(join(this.location, 'index.lock'), async () => {
      const index = await readLayoutIndex(this.location);
      const others = index.manifests.filter(entry => entry.annotations?.[REFERENCE_NAME] !== name);
      const manifests = [...others, { mediaType: MANIFEST_TYPE, digest, size, annotations }];
      await writeLayoutIndex(this.location, { ...index, manifests }, this.#blobs);
    });
  }
}

async function isLayout(folder: string): Promise<boolean> {
  return access(join(folder, LAYOUT_FILE)).then(
    () => true,
    () => false
  );
}
