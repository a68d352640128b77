import { setImmediate } from 'node:timers/promises';
import { digestFromHash } from '@clean-room/protocol/bytes';
import {
  WORKSPACE_LIMITS,
  checkWorkspace,
  heldFile,
  type RevisionFile
} from '@clean-room/protocol/packaging';
import { sortedByName } from '@clean-room/protocol/submissions';
import { nodeSha256 } from '../digests.js';
import { throwFileRefused } from './errors.js';
import { RegularFile, type Snapshot } from './regular-file.js';
import { walk } from './walk.js';

const CHUNK_BYTES = 1024 ** 2;
/** Files up to this size are kept in memory, so that they need not be read and hashed again. */
const HELD_FILE_BYTES = 4 * 1024 ** 2;
/** The maximum total size of the files kept in memory. */
const HELD_BYTES = 64 * 1024 ** 2;
/** The time after which reading lets the event loop run. Reading is synchronous, which is faster for many small files. */
const SLICE_MS = 8;

/** Lets the event loop run from time to time. */
class TimeSlice {
  #since = performance.now();

  /** Yields to the event loop if the time slice is used up. */
  async yieldIfUsed(): Promise<void> {
    if (performance.now() - this.#since < SLICE_MS) return;
    await setImmediate();
    this.#since = performance.now();
  }
}

/** A file that is too large to be kept in memory. */
interface LargeFile {
  readonly path: string;
  readonly bytes: number;
  readonly snapshot: Snapshot;
}

/**
 * Reads the content of a large file when it is needed.
 *
 * @throws CleanRoomError `workspace-refused` if the file changed since its snapshot was taken
 */
async function* contentOf(root: string, { path, bytes, snapshot }: LargeFile): AsyncGenerator<Uint8Array> {
  for (const found of walk(root, [path])) {
    if (found.path !== path)
      throwFileRefused(path, 'it was replaced by a folder while the workspace was read', 'Try again.');
    const file = new RegularFile(found.folder, found.name, path);
    try {
      if (file.opened.state !== snapshot.state)
        throwFileRefused(path, 'it changed while the workspace was read', 'Save it, then try again.');
      for (let offset = 0; offset < bytes;) {
        const chunk = file.read(offset, CHUNK_BYTES);
        offset += chunk.length;
        yield chunk;
      }
      file.requireUnchanged();
    } finally {
      file.close();
    }
  }
}

async function hashLargeFile(root: string, file: LargeFile, slice: TimeSlice): Promise<RevisionFile> {
  const hash = nodeSha256();
  for await (const chunk of contentOf(root, file)) {
    hash.update(chunk);
    await slice.yieldIfUsed();
  }
  const digest = digestFromHash(hash.digest());
  return { path: file.path, bytes: file.bytes, digest, content: () => contentOf(root, file) };
}

/**
 * Reads the small files, and takes snapshots of the large ones. A workspace that is too large is refused before much of it
 * has been read.
 */
async function readSmallFiles(
  root: string,
  include: readonly string[] | undefined,
  slice: TimeSlice
): Promise<(RevisionFile | LargeFile)[]> {
  const files: (RevisionFile | LargeFile)[] = [];
  let heldBytes = 0;
  for (const { folder, name, path } of walk(root, include)) {
    const file = new RegularFile(folder, name, path);
    try {
      const { bytes } = file.opened;
      const holds = bytes <= HELD_FILE_BYTES && heldBytes + bytes <= HELD_BYTES;
      files.push(holds ? heldFile(path, file.readAll(), nodeSha256) : { path, bytes, snapshot: file.opened });
      if (holds) heldBytes += bytes;
    } finally {
      file.close();
    }
    if (files.length > WORKSPACE_LIMITS.files) break; // checkWorkspace() refuses these already
    await slice.yieldIfUsed();
  }
  return files;
}

/**
 * Reads the files of a workspace with their digests, sorted by path. A symbolic link anywhere below the workspace is refused.
 * Small files stay in memory. Large files are read again when they are packaged, and must not have changed until then.
 *
 * @param root - the folder of the workspace
 * @param include - files and folders to read, relative to the workspace; everything by default
 * @throws CleanRoomError `not-found` if a path of `include` does not exist, `workspace-refused` for symbolic links, devices,
 * pipes, sockets, names and sizes that cannot be packaged, and for files that change while they are read
 */
export async function readWorkspace(root: string, include?: readonly string[]): Promise<RevisionFile[]> {
  const slice = new TimeSlice();
  const found = await readSmallFiles(root, include, slice);
  checkWorkspace(found);
  const files: RevisionFile[] = [];
  for (const file of found) files.push('snapshot' in file ? await hashLargeFile(root, file, slice) : file);
  return sortedByName(files, file => file.path);
}
