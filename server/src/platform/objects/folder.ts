import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { Writable, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isMissing, syncDirectory } from '@clean-room/node-support';
import { asDigest, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { beyondEnd, notStored, Verification, type ObjectStore, type StoredObject } from './store.js';
import type { ObjectTransfers, RelayAddress } from './transfers.js';

/** Time without a write after which an unfinished file belongs to a process that died. */
const ABANDONED_MS = 3_600_000;

/** Deletes unfinished files that no process is writing any more. Other processes may be writing to the same folder. */
async function deleteAbandoned(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const file = path.join(incoming, name);
    const { mtimeMs } = await lstat(file).catch((error: unknown) => {
      if (isMissing(error)) return { mtimeMs: Infinity }; // Its process has just finished it.
      throw error;
    });
    if (mtimeMs < Date.now() - ABANDONED_MS) await rm(file, { force: true });
  }
}

/** Stores objects in a folder as `sha256/ab/cdef…`. They are written to `incoming/` and renamed once their digest has been verified. */
export class FolderStore implements ObjectStore {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /**
   * Opens or creates the folder, and deletes unfinished files of a process that died.
   *
   * @throws CleanRoomError `forbidden` when the folder cannot be created or read
   */
  static async open(folder: string): Promise<FolderStore> {
    const root = path.resolve(folder);
    const incoming = path.join(root, 'incoming');
    try {
      await mkdir(incoming, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw new CleanRoomError('forbidden', `The folder ${root} for objects cannot be used.`, {
        remedy: 'Configure a folder that this program can create and write to.',
        cause
      });
    }
    await deleteAbandoned(incoming);
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

  async get(digest: Digest, first = 0): Promise<StoredObject> {
    const bytes = await this.size(digest);
    if (bytes === undefined) throw notStored(digest);
    if (first > 0 && first >= bytes) throw beyondEnd(digest);
    return { bytes, stream: createReadStream(this.#path(digest), { start: first }) };
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

  /** Other programs cannot reach the folder, so everything passes through this server, which verifies it on arrival. */
  transfers(relay: RelayAddress): ObjectTransfers {
    return {
      download: (transfer, expires) => Promise.resolve(relay('download', transfer, expires)),
      upload: (transfer, expires) => Promise.resolve(relay('upload', transfer, expires)),
      accept: ({ digest }) => Promise.reject(notStored(digest)),
      discard: () => Promise.resolve()
    };
  }

  async ping(): Promise<void> {
    await stat(path.join(this.#root, 'incoming'));
  }
}
