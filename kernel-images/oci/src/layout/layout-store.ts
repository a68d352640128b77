import { constants, createReadStream } from 'node:fs';
import { access, link, mkdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { digestOf, isDigest, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { MANIFEST_MAX_BYTES, MANIFEST_TYPE, type ImageFiles } from '@clean-room/protocol/packaging';
import { checkTag, inMemory, type Bytes, type ImageStore, type NewLayer } from '../store.js';
import { requireDigest, verified } from '../verified.js';
import { dropOldDrafts, placing, pour, replaceFile, syncFolder, type Drafts } from './draft.js';
import { REFERENCE_NAME, readIndex, writeIndex } from './index-file.js';
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

  writeBlob(digest: Digest, size: number, bytes: Bytes): Promise<void> {
    return placing(this.#drafts, drafts => this.#draft(drafts, digest, size, bytes));
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
    requireDigest(digestOf(bytes), digest);
    return bytes;
  }

  async writeManifest(manifest: Uint8Array, name?: string): Promise<Digest> {
    if (name !== undefined) checkTag(name);
    const digest = digestOf(manifest);
    await this.writeBlob(digest, manifest.length, inMemory(manifest));
    await this.#list(digest, manifest.length, name);
    return digest;
  }

  async writeImage<I extends ImageFiles>(
    { digest, size, bytes }: NewLayer,
    describe: (layer: Digest) => I,
    name?: string
  ): Promise<I> {
    if (name !== undefined) checkTag(name);
    const image = await placing(this.#drafts, async drafts => {
      const layer = digest ?? (await this.#draftUnknown(drafts, size, bytes));
      if (digest !== undefined) await this.#draft(drafts, digest, size, bytes);
      const described = describe(layer);
      const { config, manifest } = described;
      // The manifest comes last, so that an image in the store is always whole.
      for (const file of [config, manifest])
        await this.#draft(drafts, digestOf(file), file.length, inMemory(file));
      return described;
    });
    await this.#list(digestOf(image.manifest), image.manifest.length, name);
    return image;
  }

  async resolve(name: string): Promise<Digest | undefined> {
    const { manifests } = await readIndex(this.location);
    return manifests.find(entry => entry.annotations?.[REFERENCE_NAME] === name)?.digest;
  }

  async #draft(drafts: Drafts, digest: Digest, size: number, bytes: Bytes): Promise<void> {
    const path = this.blobPath(digest);
    if (await this.hasBlob(digest)) return;
    await drafts.write(async file => {
      const result = await pour(file, bytes(), size);
      requireDigest(result, digest);
      return { path, result };
    });
  }

  #draftUnknown(drafts: Drafts, size: number, bytes: Bytes): Promise<Digest> {
    return drafts.write(async file => {
      const result = await pour(file, bytes(), size);
      return { path: this.blobPath(result), result };
    });
  }

  async #list(digest: Digest, size: number, name?: string): Promise<void> {
    await withLock(join(this.location, 'index.lock'), async () => {
      const index = await readIndex(this.location);
      const isNamed = (entry: (typeof index.manifests)[number]): boolean =>
        name !== undefined && entry.annotations?.[REFERENCE_NAME] === name;
      if (index.manifests.some(entry => entry.digest === digest && (name === undefined || isNamed(entry))))
        return syncFolder(this.#blobs);
      const annotations = name === undefined ? {} : { annotations: { [REFERENCE_NAME]: name } };
      const entry = { mediaType: MANIFEST_TYPE, digest, size, ...annotations };
      const manifests = [...index.manifests.filter(other => !isNamed(other)), entry];
      return writeIndex(this.location, { ...index, manifests }, this.#blobs);
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
