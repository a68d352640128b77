import { setImmediate } from 'node:timers/promises';
import { digestFromHash } from '@clean-room/protocol/bytes';
import {
  WORKSPACE_LIMITS,
  checkWorkspace,
  checkWorkspacePath,
  heldFile,
  type RevisionFile
} from '@clean-room/protocol/packaging';
import { sortedByName } from '@clean-room/protocol/submissions';
import { nodeSha256 } from '../verified.js';
import { OpenFolder, type EntryKind } from './open-folder.js';
import { refuse, translate } from './refuse.js';
import { RegularFile } from './regular-file.js';

const CHUNK_BYTES = 1024 ** 2;
/** Files up to this size are kept in memory, which saves reading and hashing them again. */
const HELD_FILE_BYTES = 4 * 1024 ** 2;
const HELD_BYTES = 64 * 1024 ** 2;
/** Reading is synchronous, for the sake of many small files; others get their turn after so much of it. */
const TURN_MS = 8;

class Reader {
  readonly files: RevisionFile[] = [];
  readonly #root: string;
  #seen = new Set<string>();
  #bytes = 0;
  #held = 0;
  #turn = performance.now();

  constructor(root: string) {
    this.#root = root;
  }

  async folder(folder: OpenFolder, path: string): Promise<void> {
    for (const { name, kind } of folder.list())
      await this.entry(folder, name, kind, path === '' ? name : `${path}/${name}`);
  }

  async entry(folder: OpenFolder, name: string, kind: EntryKind, path: string): Promise<void> {
    checkWorkspacePath(path);
    switch (kind) {
      case 'file':
        return this.#file(folder, name, path);
      case 'folder':
        return within(folder, name, path, below => this.folder(below, path));
      case 'link':
        return refuse(path, 'it is a link', 'Put a copy of the file in its place.');
      case 'other':
        return refuse(path, 'it is no regular file', 'Leave it out.');
    }
  }

  async #file(folder: OpenFolder, name: string, path: string): Promise<void> {
    if (this.#seen.has(path)) return;
    this.#seen.add(path);
    if (this.#seen.size > WORKSPACE_LIMITS.files)
      refuse(
        path,
        `there are more than ${WORKSPACE_LIMITS.files} files`,
        'Leave out what the notebook does not read.'
      );
    const file = new RegularFile(folder, name, path);
    try {
      this.#bytes += file.opened.bytes;
      if (this.#bytes > WORKSPACE_LIMITS.bytes)
        refuse(path, 'with it the workspace is larger than 1 GiB', 'Leave out large files.');
      this.files.push(this.#holds(file) ? held(file, path) : await this.#hashed(file, path));
    } finally {
      file.close();
    }
    await this.#giveTurn();
  }

  #holds({ opened: { bytes } }: RegularFile): boolean {
    if (bytes > HELD_FILE_BYTES || this.#held + bytes > HELD_BYTES) return false;
    this.#held += bytes;
    return true;
  }

  async #hashed(file: RegularFile, path: string): Promise<RevisionFile> {
    const hash = nodeSha256();
    const { bytes, state } = file.opened;
    for (let offset = 0; offset < bytes;) {
      const chunk = file.read(offset, CHUNK_BYTES);
      hash.update(chunk);
      offset += chunk.length;
      await this.#giveTurn();
    }
    file.requireUnchanged();
    return {
      path,
      bytes,
      digest: digestFromHash(hash.digest()),
      content: () => contentOf(this.#root, path, state)
    };
  }

  async #giveTurn(): Promise<void> {
    if (performance.now() - this.#turn < TURN_MS) return;
    await setImmediate();
    this.#turn = performance.now();
  }
}

function held(file: RegularFile, path: string): RevisionFile {
  const content = file.read(0, file.opened.bytes);
  file.requireUnchanged();
  return heldFile(path, content, nodeSha256);
}

/** Opens a folder below another for as long as `work` takes. */
async function within<T>(
  folder: OpenFolder,
  name: string,
  path: string,
  work: (below: OpenFolder) => Promise<T>
): Promise<T> {
  let below: OpenFolder;
  try {
    below = folder.folder(name);
  } catch (error) {
    throw translate(error, path);
  }
  try {
    return await work(below);
  } finally {
    below.close();
  }
}

/** Goes down from the workspace to the folder that a path lies in, one part at a time. */
async function reach<T>(
  folder: OpenFolder,
  path: string,
  work: (folder: OpenFolder, name: string) => Promise<T>
): Promise<T> {
  const go = async (at: OpenFolder, [name = '', ...rest]: readonly string[]): Promise<T> =>
    rest.length === 0 ? work(at, name) : within(at, name, path, below => go(below, rest));
  return go(folder, path.split('/'));
}

/** A large file's content, read anew; it must still be the file that was hashed. */
async function* contentOf(root: string, path: string, state: string): AsyncGenerator<Uint8Array> {
  const workspace = OpenFolder.open(root);
  let file: RegularFile;
  try {
    file = await reach(workspace, path, async (folder, name) => new RegularFile(folder, name, path));
  } finally {
    workspace.close();
  }
  try {
    if (file.opened.state !== state) refuse(path, 'it changed after it was read', 'Save it, then try again.');
    for (let offset = 0; offset < file.opened.bytes;) {
      const chunk = file.read(offset, CHUNK_BYTES);
      offset += chunk.length;
      yield chunk;
    }
  } finally {
    file.close();
  }
}

/**
 * Reads the files of a workspace, each with its digest, sorted by path. Nothing is followed: a link anywhere below the
 * workspace is refused. Small files stay in memory as they were read; large ones are read again when they are packaged,
 * and must then still be the same.
 * @param include files and folders to take, relative to the workspace; all that is there when absent
 * @throws CleanRoomError `not-found` when something to take is not there, `workspace-refused` for links, devices, pipes,
 * sockets, names and sizes that can't be packaged, and for what changes while it is read
 */
export async function readWorkspace(folder: string, include?: readonly string[]): Promise<RevisionFile[]> {
  const reader = new Reader(folder);
  const workspace = OpenFolder.open(folder);
  try {
    if (include === undefined) await reader.folder(workspace, '');
    for (const path of include ?? []) {
      checkWorkspacePath(path);
      await reach(workspace, path, async (at, name) => reader.entry(at, name, kindAt(at, name, path), path));
    }
  } finally {
    workspace.close();
  }
  const files = sortedByName(reader.files, file => file.path);
  checkWorkspace(files);
  return files;
}

function kindAt(folder: OpenFolder, name: string, path: string): EntryKind {
  try {
    return folder.kindOf(name);
  } catch (error) {
    throw translate(error, path);
  }
}
