import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFromHash } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  WORKSPACE_LIMITS,
  checkWorkspace,
  checkWorkspacePath,
  type RevisionFile
} from '@clean-room/protocol/packaging';
import { sortedByName } from '@clean-room/protocol/submissions';

const CHUNK = 1024 ** 2;

function refuse(path: string, reason: string, remedy: string): never {
  throw new CleanRoomError('workspace-refused', `"${path.slice(0, 200)}" can't be packaged: ${reason}.`, {
    remedy
  });
}

/** Opens a regular file and nothing else: no link is followed, no pipe waited on, no device read. */
async function openRegular(folder: string, path: string): Promise<{ file: FileHandle; bytes: number }> {
  for (const [index] of path.split('/').entries()) {
    const part = path
      .split('/')
      .slice(0, index + 1)
      .join('/');
    const stats = await lstat(join(folder, part));
    if (stats.isSymbolicLink()) refuse(path, `"${part}" is a link`, 'Put a copy of the file in its place.');
  }
  const file = await open(
    join(folder, path),
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  );
  const stats = await file.stat();
  if (stats.isFile() && stats.size <= WORKSPACE_LIMITS.bytesPerFile) return { file, bytes: stats.size };
  await file.close();
  return stats.isFile()
    ? refuse(path, 'it is larger than 512 MiB', 'Leave it out.')
    : refuse(path, 'it is no regular file', 'Leave it out.');
}

async function* contentOf(folder: string, path: string): AsyncGenerator<Uint8Array> {
  const { file, bytes } = await openRegular(folder, path);
  try {
    let left = bytes;
    while (left > 0) {
      const { bytesRead, buffer } = await file.read(
        Buffer.allocUnsafe(Math.min(CHUNK, left)),
        0,
        Math.min(CHUNK, left)
      );
      if (bytesRead === 0) refuse(path, 'it became shorter while it was read', 'Submit again.');
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function readFileEntry(folder: string, path: string): Promise<RevisionFile> {
  checkWorkspacePath(path);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of contentOf(folder, path)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { path, digest: digestFromHash(hash.digest()), bytes, content: () => contentOf(folder, path) };
}

async function allPaths(folder: string, below = ''): Promise<string[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  const nested = entries.map(async entry => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    return entry.isDirectory() ? allPaths(folder, path) : [path];
  });
  return (await Promise.all(nested)).flat();
}

/**
 * Reads the files of a workspace, each with its digest, sorted by path. Content is read again when it is packaged, and
 * must then still have that digest.
 * @param include paths to take; all regular files below the folder when absent
 * @throws CleanRoomError `workspace-refused` for links, devices, pipes, sockets, names and sizes that can't be packaged
 */
export async function readWorkspace(folder: string, include?: readonly string[]): Promise<RevisionFile[]> {
  const paths = include ?? (await allPaths(folder));
  const files: RevisionFile[] = [];
  for (const path of sortedByName(paths, name => name)) files.push(await readFileEntry(folder, path));
  checkWorkspace(files);
  return files;
}
