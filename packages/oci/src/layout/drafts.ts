import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import { nodeSha256, requireSize } from '../digests.js';

/** A file that was written as a draft. */
export interface WrittenFile<T> {
  /** The path to which it will be renamed. */
  readonly path: string;
  readonly result: T;
}

/**
 * Files that are written under temporary names and renamed together, so that a crash never leaves half a file under a final
 * name. Flushing to disk starts as soon as a file is written and is awaited once for all files.
 */
export class Drafts {
  readonly #open: FileHandle[] = [];
  /** Final path by temporary path. */
  readonly #paths = new Map<string, string>();
  readonly #synced: Promise<void>[] = [];

  constructor(readonly folder: string) {}

  /**
   * Creates a draft and lets `write` fill it.
   *
   * @returns the result of `write`
   */
  async write<T>(write: (file: FileHandle) => Promise<WrittenFile<T>>): Promise<T> {
    const draft = join(this.folder, `.draft-${randomUUID()}`);
    this.#paths.set(draft, draft); // registered first, so that close() removes it if writing fails
    const file = await open(draft, 'wx', 0o644);
    this.#open.push(file);
    const { path, result } = await write(file);
    this.#paths.set(draft, path);
    const synced = file.datasync();
    synced.catch(() => undefined); // rename() awaits it; until then a failure must not count as unhandled
    this.#synced.push(synced);
    return result;
  }

  /** Renames all drafts to their final paths, in the order in which they were begun, once they are on the disk. */
  async rename(): Promise<void> {
    await Promise.all(this.#synced);
    for (const [draft, path] of this.#paths) {
      await rename(draft, path);
      this.#paths.delete(draft);
    }
  }

  /** Closes all files and removes the drafts that were not renamed. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#synced);
    await Promise.all(this.#open.map(file => file.close()));
    for (const draft of this.#paths.keys()) await rm(draft, { force: true });
  }
}

/**
 * Runs `work`, then renames the drafts that it wrote to their final paths. If `work` fails, none of them remains.
 *
 * @param folder - the folder for the drafts, on the same file system as their final paths
 */
export async function withDrafts<T>(folder: string, work: (drafts: Drafts) => Promise<T>): Promise<T> {
  const drafts = new Drafts(folder);
  try {
    const result = await work(drafts);
    await drafts.rename();
    return result;
  } finally {
    await drafts.close();
  }
}

const DRAFT_DAYS = 2;

/** Removes drafts that were left by processes that were killed before they finished. */
export async function removeOldDrafts(folder: string): Promise<void> {
  const before = Date.now() - DRAFT_DAYS * 24 * 3600 * 1000;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined); // another process may have removed it
    if (found !== undefined && found.mtimeMs < before) await rm(path, { force: true });
  }
}

const BATCH_BYTES = 1024 ** 2;
/** The number of buffers that every system accepts in one `writev` call. */
const BATCH_CHUNKS = 256;

async function* batches(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    batch.push(chunk);
    bytes += chunk.length;
    if (bytes < BATCH_BYTES && batch.length < BATCH_CHUNKS) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

async function writeAll(file: FileHandle, batch: readonly Uint8Array[], bytes: number): Promise<void> {
  const { bytesWritten } = await file.writev(batch);
  if (bytesWritten < bytes) await file.writeFile(Buffer.concat(batch).subarray(bytesWritten));
}

/**
 * Writes chunks to a file and hashes each batch while it is being written.
 *
 * @param expectedSize - the exact total size of the chunks, in bytes
 * @returns the digest of all chunks
 * @throws CleanRoomError `digest-mismatch` if the size is wrong, as soon as it is exceeded
 */
export async function writeChunks(
  file: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  expectedSize: number
): Promise<Digest> {
  const hash = nodeSha256();
  let size = 0;
  let writing = Promise.resolve();
  try {
    for await (const batch of batches(chunks)) {
      await writing;
      const bytes = batch.reduce((sum, chunk) => sum + chunk.length, 0);
      writing = writeAll(file, batch, bytes);
      writing.catch(() => undefined); // awaited below; until then a failure must not count as unhandled
      for (const chunk of batch) hash.update(chunk);
      size += bytes;
      if (size > expectedSize) requireSize(size, expectedSize);
    }
  } finally {
    await writing;
  }
  requireSize(size, expectedSize);
  return digestFromHash(hash.digest());
}
