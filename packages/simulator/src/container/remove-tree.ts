import { systemErrorCode } from '@clean-room/node-support';
import { chmod, lstat, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes a folder that a container wrote to. An ordinary user cannot enter folders whose permissions a program (or overlayfs,
 * for its work folder) removed, so their permissions are restored first. Symbolic links are removed, not followed.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 2 });
  } catch (error) {
    if (!isPermissionError(error)) throw error;
    await unlockAndRemove(path);
  }
}

async function unlockAndRemove(path: string): Promise<void> {
  if (!(await lstat(path)).isDirectory()) {
    await unlink(path);
    return;
  }
  await chmod(path, 0o700);
  for (const name of await readdir(path)) await unlockAndRemove(join(path, name));
  await rmdir(path);
}

function isPermissionError(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === 'EACCES' || code === 'EPERM';
}
