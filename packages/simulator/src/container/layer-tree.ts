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

/** A layer means something only together with those below it, so it can't be unpacked by itself. */
export class NeedsLayersBelow extends Error {
  override readonly name = 'NeedsLayersBelow';
}

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Takes the chunks of a file's content, and closes it. */
export interface FileWriter {
  write(chunk: Uint8Array): void;
  close(): void;
}

/**
 * A folder that layers are unpacked into. Every entry stays inside: names that climb, and names that lead through a
 * link, are refused. File system calls are synchronous: there are tens of thousands, and a promise each costs more.
 */
export class LayerTree {
  /** Paths that the present layer brought; a whiteout only hides what was there before. */
  private brought = new Set<string>();
  private readonly modes = new Map<string, number>();

  /** @param alone whether layers below exist that are not in this tree */
  constructor(
    private readonly root: string,
    private readonly alone: boolean
  ) {}

  beginLayer(): void {
    this.brought = new Set();
  }

  /** Folders get their modes last: one without write permission could not be filled. */
  finish(): void {
    for (const [path, mode] of [...this.modes].reverse()) chmodSync(path, mode);
  }

  /** @returns where the content of a regular file goes */
  add(header: Header): FileWriter | undefined {
    const parts = partsOf(header.name);
    const name = parts.at(-1);
    if (name === undefined) return undefined;
    const folder = this.enter(parts.slice(0, -1), header.name);
    if (name.startsWith(WHITEOUT)) {
      this.whiteout(folder, name);
      return undefined;
    }
    const path = join(folder, name);
    const before = lstatSync(path, { throwIfNoEntry: false });
    this.brought.add(path);
    if (header.type === 'directory') this.addFolder(path, before, header);
    else {
      if (before !== undefined) this.forget(path);
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
        symlinkSync(header.linkname ?? '', path);
        if (isRoot()) lchownSync(path, header.uid ?? 0, header.gid ?? 0);
        return undefined;
      case 'link':
        this.addLink(path, header.linkname ?? '');
        return undefined;
      case 'character-device':
        addCharacterDevice(path, header);
        return undefined;
      default:
        throw refused(header.name, `is a ${header.type ?? 'nameless kind of'} entry`);
    }
  }

  private addFolder(path: string, before: Stats | undefined, header: Header): void {
    if (before !== undefined && !before.isDirectory()) rmSync(path);
    if (!before?.isDirectory()) mkdirSync(path, 0o700);
    if (isRoot()) lchownSync(path, header.uid ?? 0, header.gid ?? 0);
    this.modes.set(path, modeOf(header, 0o755));
  }

  private addLink(path: string, target: string): void {
    const parts = partsOf(target);
    const source = join(this.enter(parts.slice(0, -1), target), parts.at(-1) ?? '');
    const stats = lstatSync(source, { throwIfNoEntry: false });
    if (stats === undefined && this.alone) throw new NeedsLayersBelow();
    if (!stats?.isFile()) throw refused(target, 'is linked to and is no file');
    linkSync(source, path);
  }

  /** The folder at `parts`. Folders that no entry described exist below, or are made plainly. */
  private enter(parts: readonly string[], name: string): string {
    let folder = this.root;
    for (const part of parts) {
      folder = join(folder, part);
      const stats = lstatSync(folder, { throwIfNoEntry: false });
      if (stats === undefined) {
        if (this.alone) throw new NeedsLayersBelow();
        mkdirSync(folder, 0o700);
        this.modes.set(folder, 0o755);
      } else if (!stats.isDirectory()) throw refused(name, 'leads through something that is no folder');
    }
    return folder;
  }

  private whiteout(folder: string, name: string): void {
    if (this.alone) throw new NeedsLayersBelow();
    if (name === OPAQUE) {
      for (const child of readdirSync(folder)) this.hide(join(folder, child));
    } else if (!name.startsWith(WHITEOUT + WHITEOUT)) {
      const hidden = name.slice(WHITEOUT.length);
      if (hidden === '' || hidden === '.' || hidden === '..') throw refused(name, 'hides no entry');
      this.hide(join(folder, hidden));
    }
  }

  private hide(path: string): void {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return;
    if (!this.brought.has(path)) {
      const kept = [...this.brought].some(other => other.startsWith(`${path}/`));
      if (!kept) return this.forget(path);
    }
    if (stats.isDirectory()) for (const child of readdirSync(path)) this.hide(join(path, child));
  }

  private forget(path: string): void {
    rmSync(path, { recursive: true, force: true });
    for (const known of this.modes.keys()) {
      if (known === path || known.startsWith(`${path}/`)) this.modes.delete(known);
    }
  }
}

function partsOf(name: string): string[] {
  const parts = name.split('/').filter(part => part !== '' && part !== '.');
  if (name.includes('\0') || parts.includes('..')) throw refused(name, 'leads out of the image');
  return parts;
}

function modeOf(header: Header, otherwise: number): number {
  return (header.mode ?? otherwise) & 0o7777;
}

function createFile(path: string, header: Header): FileWriter {
  const file = openSync(path, NEW_FILE, 0o600);
  return {
    write: chunk => {
      for (let written = 0; written < chunk.length;) written += writeSync(file, chunk, written);
    },
    close: () => {
      if (isRoot()) fchownSync(file, header.uid ?? 0, header.gid ?? 0);
      fchmodSync(file, modeOf(header, 0o644));
      const time = header.mtime ?? new Date(0);
      futimesSync(file, time, time);
      closeSync(file);
    }
  };
}

/**
 * Only root can make a device. For an ordinary user an empty file stands in its place: in a user namespace devices of an
 * image could not be opened anyway, and the warden binds the machine's own over these.
 */
function addCharacterDevice(path: string, header: Header): void {
  if (isRoot()) {
    const numbers = [String(header.devmajor ?? 0), String(header.devminor ?? 0)];
    execFileSync('mknod', [path, 'c', ...numbers], { env: { PATH: TOOL_PATH } });
    lchownSync(path, header.uid ?? 0, header.gid ?? 0);
    chmodSync(path, modeOf(header, 0o600));
  } else createFile(path, { ...header, mode: 0o600 }).close();
}

function refused(name: string, why: string): CleanRoomError {
  const shown = JSON.stringify(name.slice(0, 120));
  return new CleanRoomError('malformed', `The image can not be unpacked: its entry ${shown} ${why}.`);
}
