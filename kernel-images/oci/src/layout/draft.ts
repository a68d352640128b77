import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import { nodeSha256, requireSize } from '../verified.js';

/**
 * Writes beside the goal and moves into place, so that a crash leaves nothing half-written under a true name.
 * @param write gives the path to move to
 */
export async function place(folder: string, write: (file: FileHandle) => Promise<string>): Promise<void> {
  const draft = join(folder, `.draft-${randomUUID()}`);
  const file = await open(draft, 'wx', 0o644);
  try {
    const path = await write(file);
    await file.datasync();
    await file.close();
    await rename(draft, path);
  } catch (error) {
    await file.close();
    await rm(draft, { force: true });
    throw error;
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
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces a small file as a whole. */
export async function replaceFile(path: string, content: string): Promise<void> {
  await place(dirname(path), async file => {
    await file.writeFile(content);
    return path;
  });
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
