import { closeSync, fstatSync, readSync, type BigIntStats } from 'node:fs';
import { WORKSPACE_LIMITS } from '@clean-room/protocol/packaging';
import type { OpenFolder } from './open-folder.js';
import { fileError, throwFileRefused, throwNotRegular } from './errors.js';

/** The size and the state of a file, by which a later change is noticed. */
export interface Snapshot {
  readonly bytes: number;
  /** Device, inode, size and times. It changes whenever the file is written or replaced. */
  readonly state: string;
}

function snapshot({ size, dev, ino, mtimeNs, ctimeNs }: BigIntStats): Snapshot {
  return { bytes: Number(size), state: `${dev},${ino},${size},${mtimeNs},${ctimeNs}` };
}

/** An open regular file of the workspace. */
export class RegularFile {
  readonly #descriptor: number;
  /** The file's snapshot when it was opened. */
  readonly opened: Snapshot;

  /**
   * Opens a file.
   *
   * @param path - the path in the workspace, for messages
   * @throws CleanRoomError `workspace-refused` if it is not a regular file or is too large
   */
  constructor(
    folder: OpenFolder,
    name: string,
    readonly path: string
  ) {
    try {
      this.#descriptor = folder.file(name);
    } catch (error) {
      throw fileError(error, path);
    }
    const stats = fstatSync(this.#descriptor, { bigint: true });
    this.opened = snapshot(stats);
    if (stats.isFile() && this.opened.bytes <= WORKSPACE_LIMITS.bytesPerFile) return;
    this.close();
    if (!stats.isFile()) throwNotRegular(path);
    throwFileRefused(path, 'it is larger than 512 MiB', 'Leave it out.');
  }

  /**
   * Reads up to `limit` bytes from `offset` on. At the end of the file, the chunk is empty.
   *
   * @throws CleanRoomError `workspace-refused` if the file became shorter
   */
  read(offset: number, limit: number): Uint8Array {
    const left = this.opened.bytes - offset;
    const chunk = Buffer.allocUnsafe(Math.min(limit, left));
    let filled = 0;
    while (filled < chunk.length) {
      const count = readSync(this.#descriptor, chunk, filled, chunk.length - filled, offset + filled);
      if (count === 0) this.#throwChanged();
      filled += count;
    }
    return chunk;
  }

  /**
   * Reads the whole file.
   *
   * @throws CleanRoomError `workspace-refused` if the file changed since it was opened
   */
  readAll(): Uint8Array {
    const content = this.read(0, this.opened.bytes);
    this.requireUnchanged();
    return content;
  }

  /**
   * Checks that the file has not changed since it was opened.
   *
   * @throws CleanRoomError `workspace-refused`
   */
  requireUnchanged(): void {
    const now = snapshot(fstatSync(this.#descriptor, { bigint: true }));
    if (now.state !== this.opened.state) this.#throwChanged();
  }

  /** Closes the file. */
  close(): void {
    closeSync(this.#descriptor);
  }

  #throwChanged(): never {
    throwFileRefused(this.path, 'it changed while it was read', 'Save it, then try again.');
  }
}
