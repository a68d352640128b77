import { chmod, lstat, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes a folder that a container wrote to. Ordinary users may not enter folders that a program (or overlayfs, for its
 * work folder) closed to everyone, so these are opened first. Links are removed, never followed.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 2 });
  } catch (error) {
    if (!isRefused(error)) throw error;
    await openAndRemove(path);
  }
}

async function openAndRemove(path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) return unlink(path);
  await chmod(path, 0o700);
  for (const name of await readdir(path)) await openAndRemove(join(path, name));
  return rmdir(path);
}

function isRefused(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EACCES' || code === 'EPERM';
}
