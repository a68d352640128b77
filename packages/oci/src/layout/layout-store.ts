import { constants, createReadStream } from 'node:fs';
import { access, link, mkdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isDigest, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { MANIFEST_MAX_BYTES, MANIFEST_TYPE, type ImageFiles } from '@clean-room/protocol/packaging';
import { checkTag, inMemory, type ByteSource, type ImageStore, type NewLayer } from '../store.js';
import { nodeDigestOf, requireDigest, verified } from '../verified.js';
import { dropOldDrafts, placing, pour, replaceFile, syncDirectory, type Drafts } from './draft.js';
import { REFERENCE_NAME, readLayoutIndex, writeLayoutIndex } from './index-file.js';
import { withLock } from './lock.js';
import { isMissing } from '../system-error.js';

const CHUNK_BYTES = 1024 ** 2;
const LAYOUT_FILE = 'oci-layout';

/** An OCI image layout folder (image-spec v1.0 image-layout). Several processes may use it at once. */
export class LayoutStore implements ImageStore {
  readonly #blobs: string;
  readonly #drafts: string;

  private constructor(readonly location: string) {
    this.#blobs = join(location, 'blobs/sha256');
    this.#drafts = join(location, '.drafts');
  }

  /** Opens a layout folder, and makes it when it is not there. */
  static async open(folder: string): Promise<LayoutStore> {
    const store = new LayoutStore(resolve(folder));
    await mkdir(store.#blobs, { recursive: true });
    await mkdir(store.#drafts, { recursive: true });
    await dropOldDrafts(store.#drafts);
    if (!(await isLayout(folder)))
      await replaceFile(join(folder, LAYOUT_FILE), '{"imageLayoutVersion":"1.0.0"}');
    return store;
  }

  /** @throws CleanRoomError `malformed` for anything but a SHA-256 digest */
  blobPath(digest: Digest): string {
    if (!isDigest(digest)) throw new CleanRoomError('malformed', 'Blobs are known by sha256 digests only.');
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
      yield* verified(digest, createReadStream(this.blobPath(digest), { highWaterMark: CHUNK_BYTES }));
    } catch (error) {
      throw isMissing(error) ? this.#unknown(digest) : error;
    }
  }

  async writeBlob(digest: Digest, size: number, bytes: ByteSource): Promise<void> {
    if (await this.hasBlob(digest)) return;
    await placing(this.#drafts, async drafts => {
      const written = await this.#draft(drafts, size, bytes);
      requireDigest(written, digest);
    });
  }

  async copyBlob(from: ImageStore, digest: Digest, size: number): Promise<void> {
    if (await this.hasBlob(digest)) return;
    if (from instanceof LayoutStore) {
      const shared = await link(from.blobPath(digest), this.blobPath(digest)).then(
        () => true,
        () => false // another file system, or a file system without links: copied instead
      );
      if (shared) return;
    }
    await this.writeBlob(digest, size, () => from.readBlob(digest));
  }

  hasManifest(digest: Digest): Promise<boolean> {
    return this.hasBlob(digest);
  }

  async readManifest(digest: Digest): Promise<Uint8Array> {
    const path = this.blobPath(digest);
    let bytes: Uint8Array;
    try {
      if ((await stat(path)).size > MANIFEST_MAX_BYTES)
        throw new CleanRoomError('too-large', `${digest} is over 4 MiB, too large for a manifest.`);
      bytes = new Uint8Array(await readFile(path));
    } catch (error) {
      throw isMissing(error) ? this.#unknown(digest) : error;
    }
    requireDigest(nodeDigestOf(bytes), digest);
    return bytes;
  }

  async writeManifest(manifest: Uint8Array, name?: string): Promise<Digest> {
    if (name !== undefined) checkTag(name);
    const digest = nodeDigestOf(manifest);
    await this.writeBlob(digest, manifest.length, inMemory(manifest));
    await this.#enter(digest, manifest.length, name);
    return digest;
  }

  async writeImage<I extends ImageFiles>(
    { size, bytes }: NewLayer,
    describe: (layer: Digest) => I,
    name?: string
  ): Promise<I> {
    if (name !== undefined) checkTag(name);
    const image = await placing(this.#drafts, async drafts => {
      const described = describe(await this.#draft(drafts, size, bytes));
      const { config, manifest } = described;
      // The manifest comes last, so that an image in the store is always whole.
      for (const file of [config, manifest]) await this.#draft(drafts, file.length, inMemory(file));
      return described;
    });
    await this.#enter(nodeDigestOf(image.manifest), image.manifest.length, name);
    return image;
  }

  async resolve(name: string): Promise<Digest | undefined> {
    const { manifests } = await readLayoutIndex(this.location);
    return manifests.find(entry => entry.annotations?.[REFERENCE_NAME] === name)?.digest;
  }

  #draft(drafts: Drafts, size: number, bytes: ByteSource): Promise<Digest> {
    return drafts.write(async file => {
      const result = await pour(file, bytes(), size);
      return { path: this.blobPath(result), result };
    });
  }

  /** The index is for names. What has none is known by its digest alone, as in a registry, and costs the index nothing. */
  async #enter(digest: Digest, size: number, name?: string): Promise<void> {
    if (name === undefined) return syncDirectory(this.#blobs);
    const annotations = { [REFERENCE_NAME]: name };
    await withLock(join(this.location, 'index.lock'), async () => {
      const index = await readLayoutIndex(this.location);
      const others = index.manifests.filter(entry => entry.annotations?.[REFERENCE_NAME] !== name);
      const manifests = [...others, { mediaType: MANIFEST_TYPE, digest, size, annotations }];
      await writeLayoutIndex(this.location, { ...index, manifests }, this.#blobs);
    });
  }

  #unknown(digest: Digest): CleanRoomError {
    return new CleanRoomError('image-unknown', `${this.location} does not hold ${digest}.`);
  }
}

/** Whether a folder is an image layout. */
export async function isLayout(folder: string): Promise<boolean> {
  return access(join(folder, LAYOUT_FILE)).then(
    () => true,
    () => false
  );
}
