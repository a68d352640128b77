import { randomUUID } from 'node:crypto';
import { access, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Returns whether a file or folder exists at `path` and can be reached. */
export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  );
}

/**
 * Flushes a folder's entries to disk, so that a file renamed into it survives a power cut.
 *
 * @throws the system error when the folder does not exist or cannot be opened
 */
export async function syncDirectory(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file completely or not at all, even when the power fails: the bytes go to a temporary file in the same folder,
 * which then replaces `file`.
 *
 * @param mode - permission bits of the file, 0600 by default
 * @throws the system error; the old file, if any, is then unchanged
 */
export async function writeFileAtomic(file: string, bytes: Uint8Array | string, mode = 0o600): Promise<void> {
  const folder = dirname(file);
  const temporary = join(folder, `.${basename(file)}.${randomUUID()}`);
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncDirectory(folder);
}
