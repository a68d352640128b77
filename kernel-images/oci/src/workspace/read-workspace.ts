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
import { RegularFile } from './regular-file.js';
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

function held(file: RegularFile): RevisionFile {
  const content = file.read(0, file.opened.bytes);
  file.requireUnchanged();
  return heldFile(file.path, content, nodeSha256);
}

async function hashed(root: string, file: RegularFile, turns: Turns): Promise<RevisionFile> {
  const hash = nodeSha256();
  const { path, opened } = file;
  for (let offset = 0; offset < opened.bytes;) {
    const chunk = file.read(offset, CHUNK_BYTES);
    hash.update(chunk);
    offset += chunk.length;
    await turns.give();
  }
  file.requireUnchanged();
  const digest = digestFromHash(hash.digest());
  return { path, bytes: opened.bytes, digest, content: () => contentOf(root, path, opened.state) };
}

/** A large file's content, read anew; it must still be the file that was hashed. */
async function* contentOf(root: string, path: string, state: string): AsyncGenerator<Uint8Array> {
  for (const found of walk(root, [path])) {
    if (found.path !== path) refuse(path, 'it became a folder after it was read', 'Try again.');
    const file = new RegularFile(found.folder, found.name, path);
    try {
      if (file.opened.state !== state)
        refuse(path, 'it changed after it was read', 'Save it, then try again.');
      for (let offset = 0; offset < file.opened.bytes;) {
        const chunk = file.read(offset, CHUNK_BYTES);
        offset += chunk.length;
        yield chunk;
      }
    } finally {
      file.close();
    }
  }
}

/** Refuses what is too much, or named so that it can't be packaged, before anything is read. */
function survey(root: string, include: readonly string[] | undefined): void {
  const files: { readonly path: string; readonly bytes: number }[] = [];
  for (const { folder, name, path } of walk(root, include)) {
    files.push({ path, bytes: folder.sizeOf(name) });
    if (files.length > WORKSPACE_LIMITS.files) break; // no need to see how many more
  }
  checkWorkspace(files);
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
  survey(root, include);
  const turns = new Turns();
  const files: RevisionFile[] = [];
  let heldBytes = 0;
  for (const { folder, name, path } of walk(root, include)) {
    const file = new RegularFile(folder, name, path);
    try {
      const { bytes } = file.opened;
      const holds = bytes <= HELD_FILE_BYTES && heldBytes + bytes <= HELD_BYTES;
      if (holds) heldBytes += bytes;
      files.push(holds ? held(file) : await hashed(root, file, turns));
    } finally {
      file.close();
    }
    await turns.give();
  }
  checkWorkspace(files);
  return sortedByName(files, file => file.path);
}
