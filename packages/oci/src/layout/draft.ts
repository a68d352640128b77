import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import { nodeSha256, requireSize } from '../verified.js';

/** What was written, and where it is to stand. */
export interface WrittenFile<T> {
  readonly path: string;
  readonly result: T;
}

/**
 * Files that are written beside their goals and moved there together, so that a crash leaves nothing half-written under a
 * true name. The disk takes each up as soon as it is written, and is waited for once for all of them.
 */
class Drafts {
  readonly #open: FileHandle[] = [];
  readonly #moves = new Map<string, string>();
  readonly #synced: Promise<void>[] = [];

  constructor(readonly folder: string) {}

  async write<T>(write: (file: FileHandle) => Promise<WrittenFile<T>>): Promise<T> {
    const draft = join(this.folder, `.draft-${randomUUID()}`);
    this.#moves.set(draft, draft); // so that it is removed when it can't be written
    const file = await open(draft, 'wx', 0o644);
    this.#open.push(file);
    const { path, result } = await write(file);
    this.#moves.set(draft, path);
    const synced = file.datasync();
    synced.catch(() => undefined); // awaited when it is placed; until then its failure is not an unhandled one
    this.#synced.push(synced);
    return result;
  }

  /** In the order in which they were begun. */
  async place(): Promise<void> {
    await Promise.all(this.#synced);
    for (const [draft, path] of this.#moves) {
      await rename(draft, path);
      this.#moves.delete(draft);
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#synced);
    await Promise.all(this.#open.map(file => file.close()));
    for (const draft of this.#moves.keys()) await rm(draft, { force: true });
  }
}

export type { Drafts };

/**
 * Moves what `work` wrote into place once all of it is on the disk; nothing is left of it when `work` fails.
 * @param folder on the same file system as what is written
 */
export async function placing<T>(folder: string, work: (drafts: Drafts) => Promise<T>): Promise<T> {
  const drafts = new Drafts(folder);
  try {
    const result = await work(drafts);
    await drafts.place();
    return result;
  } finally {
    await drafts.close();
  }
}

const DRAFT_DAYS = 2;

/** Removes what writers left behind that ended before they were done. */
export async function dropOldDrafts(folder: string): Promise<void> {
  const before = Date.now() - DRAFT_DAYS * 24 * 3600 * 1000;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined); // another process may have removed it
    if (found !== undefined && found.mtimeMs < before) await rm(path, { force: true });
  }
}

/** Makes what was moved into a folder outlast a power cut. */
export async function syncDirectory(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces a small file as a whole. */
export async function replaceFile(path: string, content: string): Promise<void> {
  await placing(dirname(path), drafts =>
    drafts.write(async file => ({ path, result: await file.writeFile(content) }))
  );
}

const BATCH_BYTES = 1024 ** 2;
/** As many pieces as one system call takes everywhere. */
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
 * Writes chunks, and hashes each while it is being written.
 * @param wanted how many bytes there must be
 * @throws CleanRoomError `digest-mismatch` as soon as there are more
 */
export async function pour(
  file: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  wanted: number
): Promise<Digest> {
  const hash = nodeSha256();
  let size = 0;
  let writing = Promise.resolve();
  try {
    for await (const batch of batches(chunks)) {
      await writing;
      const bytes = batch.reduce((sum, chunk) => sum + chunk.length, 0);
      writing = writeAll(file, batch, bytes);
      writing.catch(() => undefined); // awaited below; until then its failure is not an unhandled one
      for (const chunk of batch) hash.update(chunk);
      size += bytes;
      if (size > wanted) requireSize(size, wanted);
    }
  } finally {
    await writing;
  }
  requireSize(size, wanted);
  return digestFromHash(hash.digest());
}
