import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeSync,
  type Stats
} from 'node:fs';
import { join } from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Header } from 'tar-stream';
import { isRoot, TOOL_PATH } from './tools.js';

/** Thrown when a layer cannot be unpacked without those below it, for instance because it deletes files in them. */
export class NeedsLayersBelow extends Error {
  override readonly name = 'NeedsLayersBelow';
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Writes the content of a new file. `close` also sets its owner, mode and time. */
export interface FileWriter {
  write(chunk: Uint8Array): void;
  close(): void;
}

/**
 * A folder into which layers are unpacked. Every entry stays inside: names that contain `..` or lead through a symbolic link are
 * refused. File system calls are synchronous, because a promise for each of tens of thousands of calls would be slower.
 */
export class LayerTree {
  /** Paths that the current layer added. A whiteout removes only entries of the layers below. */
  private added = new Set<string>();
  /** The modes of folders, which are set last. */
  private readonly modes = new Map<string, number>();

  /**
   * @param root - the folder, which must be empty
   * @param isPartial - whether the image has layers below that are not in this tree
   */
  constructor(
    private readonly root: string,
    private readonly isPartial: boolean
  ) {}

  /** Begins the next layer. */
  beginLayer(): void {
    this.added = new Set();
  }

  /** Sets the modes of all folders. This comes last, because files cannot be added to a folder without write permission. */
  finish(): void {
    for (const [path, mode] of [...this.modes].reverse()) chmodSync(path, mode);
  }

  /**
   * Adds an entry.
   *
   * @returns the writer for the content of a regular file
   * @throws CleanRoomError `malformed` if the entry would be outside of the folder or is of an unsupported type
   * @throws NeedsLayersBelow
   */
  add(header: Header): FileWriter | undefined {
    const parts = partsOf(header.name);
    const name = parts.at(-1);
    if (name === undefined) return undefined;
    const folder = this.openFolder(parts.slice(0, -1), header.name);
    if (name.startsWith(WHITEOUT)) {
      this.whiteout(folder, name);
      return undefined;
    }
    const path = join(folder, name);
    const before = lstatSync(path, { throwIfNoEntry: false });
    this.added.add(path);
    if (header.type === 'directory') this.addFolder(path, before, header);
    else {
      if (before !== undefined) this.removePath(path);
      return this.addOther(path, header);
    }
    return undefined;
  }

  private addOther(path: string, header: Header): FileWriter | undefined {
    switch (header.type) {
      case 'file':
      case 'contiguous-file':
        return createFile(path, header);
      case 'symlink':
        symlinkSync(header.linkname, path);
        if (isRoot()) lchownSync(path, header.uid, header.gid);
        return undefined;
      case 'link':
        this.addLink(path, header.linkname);
        return undefined;
      case 'character-device':
        addCharacterDevice(path, header);
        return undefined;
      default:
        throw entryError(header.name, 'has an unsupported type');
    }
  }

  private addFolder(path: string, before: Stats | undefined, header: Header): void {
    if (before !== undefined && !before.isDirectory()) rmSync(path);
    if (!before?.isDirectory()) mkdirSync(path, 0o700);
    if (isRoot()) lchownSync(path, header.uid, header.gid);
    this.modes.set(path, modeOf(header));
  }

  private addLink(path: string, target: string): void {
    const parts = partsOf(target);
    const source = join(this.openFolder(parts.slice(0, -1), target), parts.at(-1) ?? '');
    const stats = lstatSync(source, { throwIfNoEntry: false });
    if (stats === undefined && this.isPartial) throw new NeedsLayersBelow();
    if (!stats?.isFile()) throw entryError(target, 'is the target of a hard link and is not a file');
    linkSync(source, path);
  }

  /** Returns the folder at `parts`. A folder without an entry of its own is in a layer below, or is created with mode 0755. */
  private openFolder(parts: readonly string[], name: string): string {
    let folder = this.root;
    for (const part of parts) {
      folder = join(folder, part);
      const stats = lstatSync(folder, { throwIfNoEntry: false });
      if (stats === undefined) {
        if (this.isPartial) throw new NeedsLayersBelow();
        mkdirSync(folder, 0o700);
        this.modes.set(folder, 0o755);
      } else if (!stats.isDirectory())
        throw entryError(name, 'has a path that contains something other than a folder');
    }
    return folder;
  }

  /** Applies a whiteout: removes one entry, or all entries of a folder (opaque whiteout). */
  private whiteout(folder: string, name: string): void {
    if (this.isPartial) throw new NeedsLayersBelow();
    if (name === OPAQUE) {
      for (const child of readdirSync(folder)) this.hide(join(folder, child));
    } else if (!name.startsWith(WHITEOUT + WHITEOUT)) {
      const hidden = name.slice(WHITEOUT.length);
      if (hidden === '' || hidden === '.' || hidden === '..')
        throw entryError(name, 'does not name an entry to remove');
      this.hide(join(folder, hidden));
    }
  }

  /** Removes the entries of the layers below at `path`, but none that the current layer added. */
  private hide(path: string): void {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return;
    if (!this.added.has(path)) {
      const hasAdded = [...this.added].some(other => other.startsWith(`${path}/`));
      if (!hasAdded) {
        this.removePath(path);
        return;
      }
    }
    if (stats.isDirectory()) for (const child of readdirSync(path)) this.hide(join(path, child));
  }

  private removePath(path: string): void {
    rmSync(path, { recursive: true, force: true });
    for (const known of this.modes.keys()) {
      if (known === path || known.startsWith(`${path}/`)) this.modes.delete(known);
    }
  }
}

function partsOf(name: string): string[] {
  const parts = name.split('/').filter(part => part !== '' && part !== '.');
  if (name.includes('\0') || parts.includes('..')) throw entryError(name, 'is outside of the image');
  return parts;
}

function modeOf(header: Header): number {
  return header.mode & 0o7777;
}

function createFile(path: string, header: Header): FileWriter {
  const file = openSync(path, NEW_FILE, 0o600);
  return {
    write: chunk => {
      for (let written = 0; written < chunk.length;) written += writeSync(file, chunk, written);
    },
    close: () => {
      if (isRoot()) fchownSync(file, header.uid, header.gid);
      fchmodSync(file, modeOf(header));
      futimesSync(file, header.mtime, header.mtime);
      closeSync(file);
    }
  };
}

/**
 * Creates a device. Only root can do that; an ordinary user gets an empty file instead. In a user namespace, the devices of an
 * image could not be opened anyway, and the warden mounts the machine's own devices over them.
 */
function addCharacterDevice(path: string, header: Header): void {
  if (isRoot()) {
    const numbers = [String(header.devmajor), String(header.devminor)];
    execFileSync('mknod', [path, 'c', ...numbers], { env: { PATH: TOOL_PATH } });
    lchownSync(path, header.uid, header.gid);
    chmodSync(path, modeOf(header));
  } else createFile(path, { ...header, mode: 0o600 }).close();
}

function entryError(name: string, reason: string): CleanRoomError {
  const shown = JSON.stringify(name.slice(0, 120));
  return new CleanRoomError('malformed', `The image cannot be unpacked: its entry ${shown} ${reason}.`);
}
