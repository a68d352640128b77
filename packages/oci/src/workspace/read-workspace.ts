import { setImmediate } from 'node:timers/promises';
import { digestFromHash } from '@clean-room/protocol/bytes';
import {
  WORKSPACE_LIMITS,
  checkWorkspace,
  heldFile,
  type RevisionFile
} from '@clean-room/protocol/packaging';
import { sortedByName } from '@clean-room/protocol/submissions';
import { nodeSha256 } from '../verified.js';
import { refuse } from './refuse.js';
import { RegularFile, type Snapshot } from './regular-file.js';
import { walk } from './walk.js';

const CHUNK_BYTES = 1024 ** 2;
/** Files up to this size are kept in memory, which saves reading and hashing them again. */
const HELD_FILE_BYTES = 4 * 1024 ** 2;
const HELD_BYTES = 64 * 1024 ** 2;
/** Reading is synchronous, for the sake of many small files; others get their turn after so much of it. */
const TURN_MS = 8;

class Turns {
  #since = performance.now();

  async give(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return;
    await setImmediate();
    this.#since = performance.now();
  }
}

/** A file that was seen, but is too large to be kept in memory. */
interface Seen {
  readonly path: string;
  readonly bytes: number;
  readonly seen: Snapshot;
}

/** A large file's content, read when it is needed; it must still be the file that was seen. */
async function* contentOf(root: string, { path, seen }: Seen): AsyncGenerator<Uint8Array> {
  for (const found of walk(root, [path])) {
    if (found.path !== path) refuse(path, 'it became a folder after it was seen', 'Try again.');
    const file = new RegularFile(found.folder, found.name, path);
    try {
      if (file.opened.state !== seen.state)
        refuse(path, 'it changed after it was seen', 'Save it, then try again.');
      for (let offset = 0; offset < seen.bytes;) {
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

async function hashed(root: string, file: Seen, turns: Turns): Promise<RevisionFile> {
  const hash = nodeSha256();
  for await (const chunk of contentOf(root, file)) {
    hash.update(chunk);
    await turns.give();
  }
  const digest = digestFromHash(hash.digest());
  return { path: file.path, bytes: file.bytes, digest, content: () => contentOf(root, file) };
}

/** Reads the small files and only looks at the large ones: what is too much is known before much is read. */
async function look(
  root: string,
  include: readonly string[] | undefined,
  turns: Turns
): Promise<(RevisionFile | Seen)[]> {
  const files: (RevisionFile | Seen)[] = [];
  let heldBytes = 0;
  for (const { folder, name, path } of walk(root, include)) {
    const file = new RegularFile(folder, name, path);
    try {
      const { bytes } = file.opened;
      const holds = bytes <= HELD_FILE_BYTES && heldBytes + bytes <= HELD_BYTES;
      files.push(holds ? heldFile(path, file.readAll(), nodeSha256) : { path, bytes, seen: file.opened });
      if (holds) heldBytes += bytes;
    } finally {
      file.close();
    }
    if (files.length > WORKSPACE_LIMITS.files) break; // no need to see how many more
    await turns.give();
  }
  return files;
}

/**
 * Reads the files of a workspace, each with its digest, sorted by path. Nothing is followed: a link anywhere below the
 * workspace is refused. Small files stay in memory as they were read; large ones are read again when they are packaged,
 * and must then still be the same.
 * @param include files and folders to take, relative to the workspace; all that is there when absent
 * @throws CleanRoomError `not-found` when something to take is not there, `workspace-refused` for links, devices, pipes,
 * sockets, names and sizes that can't be packaged, and for what changes while it is read
 */
export async function readWorkspace(root: string, include?: readonly string[]): Promise<RevisionFile[]> {
  const turns = new Turns();
  const looked = await look(root, include, turns);
  checkWorkspace(looked);
  const files: RevisionFile[] = [];
  for (const file of looked) files.push('seen' in file ? await hashed(root, file, turns) : file);
  return sortedByName(files, file => file.path);
}
