import { randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, link, mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf, isDigest, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { MANIFEST_TYPE } from '@clean-room/protocol/packaging';
import type { ImageStore } from '../store.js';
import { verified } from '../verified.js';
import { readIndex, writeIndex, REFERENCE_NAME } from './index-file.js';
import { withLock } from './lock.js';
import { isMissing } from './missing.js';

/** An OCI image layout folder (image-spec v1.0 image-layout). Several processes may use it at once. */
export class LayoutStore implements ImageStore {
  private constructor(readonly location: string) {}

  /** Opens a layout folder, and makes it when it is not there. */
  static async open(folder: string): Promise<LayoutStore> {
    await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
    const store = new LayoutStore(folder);
    await store.#place(join(folder, 'oci-layout'), async file =>
      file.writeFile('{"imageLayoutVersion":"1.0.0"}')
    );
    return store;
  }

  blobPath(digest: Digest): string {
    if (!isDigest(digest)) throw new CleanRoomError('malformed', 'Blobs are known by sha256 digests only.');
    return join(this.location, 'blobs/sha256', digest.slice('sha256:'.length));
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
      yield* verified(digest, createReadStream(this.blobPath(digest), { highWaterMark: 1024 ** 2 }));
    } catch (error) {
      if (isMissing(error))
        throw new CleanRoomError('image-unknown', `${this.location} does not hold ${digest}.`);
      throw error;
    }
  }

  async writeBlob(digest: Digest, size: number, chunks: () => AsyncIterable<Uint8Array>): Promise<void> {
    if (await this.hasBlob(digest)) return;
    await this.#place(this.blobPath(digest), async file => {
      let written = 0;
      for await (const chunk of verified(digest, chunks())) {
        await file.writeFile(chunk);
        written += chunk.length;
      }
      if (written !== size) {
        throw new CleanRoomError('digest-mismatch', `The blob is ${written} bytes long, not ${size}.`);
      }
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
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.readBlob(digest)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async writeManifest(manifest: Uint8Array, name?: string): Promise<Digest> {
    const digest = digestOf(manifest);
    await this.writeBlob(digest, manifest.length, async function* () {
      yield manifest;
    });
    await withLock(join(this.location, 'index.lock'), async () => {
      const index = await readIndex(this.location);
      const others = index.manifests.filter(entry =>
        name === undefined ? entry.digest !== digest : entry.annotations?.[REFERENCE_NAME] !== name
      );
      const annotations = name === undefined ? {} : { annotations: { [REFERENCE_NAME]: name } };
      const entry = { mediaType: MANIFEST_TYPE, digest, size: manifest.length, ...annotations };
      await writeIndex(this.location, { ...index, manifests: [...others, entry] });
    });
    return digest;
  }

  async resolve(name: string): Promise<Digest | undefined> {
    const { manifests } = await readIndex(this.location);
    return manifests.find(entry => entry.annotations?.[REFERENCE_NAME] === name)?.digest;
  }

  /** Writes beside the goal and moves into place, so that a crash leaves nothing half-written under a true name. */
  async #place(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
    const draft = join(dirname(path), `.draft-${randomUUID()}`);
    const file = await open(draft, 'wx', 0o644);
    try {
      await write(file);
      await file.sync();
      await file.close();
      await rename(draft, path);
    } catch (error) {
      await file.close();
      await rm(draft, { force: true });
      throw error;
    }
  }
}

/** Whether a folder is an image layout. */
export async function isLayout(folder: string): Promise<boolean> {
  return readFile(join(folder, 'oci-layout')).then(
    () => true,
    () => false
  );
}
