import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { Writable, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isMissing, syncDirectory } from '@clean-room/node-support';
import { asDigest, type Digest } from '@clean-room/protocol/bytes';
import { notStored, Verification, type ObjectStore, type StoredObject } from './store.js';

/** Stores objects in a folder as `sha256/ab/cdef…`. They are written to `incoming/` and renamed once their digest has been verified. */
export class FolderStore implements ObjectStore {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Opens or creates the folder, and deletes unfinished files of a process that died. */
  static async open(folder: string): Promise<FolderStore> {
    const root = path.resolve(folder);
    const incoming = path.join(root, 'incoming');
    await mkdir(incoming, { recursive: true, mode: 0o700 });
    for (const name of await readdir(incoming)) await unlink(path.join(incoming, name));
    return new FolderStore(root);
  }

  #path(digest: Digest): string {
    const hex = asDigest(digest).slice('sha256:'.length);
    return path.join(this.#root, 'sha256', hex.slice(0, 2), hex.slice(2));
  }

  async put(digest: Digest, source: Readable, limit: number): Promise<number> {
    const target = this.#path(digest);
    const verification = new Verification(digest, limit);
    if ((await this.size(digest)) !== undefined) {
      await pipeline(source, verification, new Writable({ write: (_chunk, _encoding, done) => done() }));
      return verification.bytes;
    }
    const temporary = path.join(this.#root, 'incoming', randomUUID());
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await pipeline(source, verification, async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) await handle.writeFile(chunk);
      });
      await handle.sync();
    } catch (error) {
      await handle.close();
      await unlink(temporary);
      throw error;
    }
    await handle.close();
    const folder = path.dirname(target);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await rename(temporary, target);
    await syncDirectory(folder);
    return verification.bytes;
  }

  async get(digest: Digest): Promise<StoredObject> {
    const bytes = await this.size(digest);
    if (bytes === undefined) throw notStored(digest);
    return { bytes, stream: createReadStream(this.#path(digest)) };
  }

  async size(digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(this.#path(digest))).size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async delete(digest: Digest): Promise<void> {
    try {
      await unlink(this.#path(digest));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async ping(): Promise<void> {
    await stat(path.join(this.#root, 'incoming'));
  }
}
