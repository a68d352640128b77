import { closeSync, fstatSync, readSync, type BigIntStats } from 'node:fs';
import { WORKSPACE_LIMITS } from '@clean-room/protocol/packaging';
import type { OpenFolder } from './open-folder.js';
import { refuse, translate } from './refuse.js';

/** What tells that a file is still the one that was read. */
export interface Snapshot {
  readonly bytes: number;
  readonly state: string;
}

function snapshot({ size, dev, ino, mtimeNs, ctimeNs }: BigIntStats): Snapshot {
  return { bytes: Number(size), state: `${dev},${ino},${size},${mtimeNs},${ctimeNs}` };
}

/** A regular file of the workspace, held open while it is read. */
export class RegularFile {
  readonly #descriptor: number;
  readonly opened: Snapshot;

  /** @throws CleanRoomError `workspace-refused` for what is no regular file, or too large */
  constructor(
    folder: OpenFolder,
    name: string,
    readonly path: string
  ) {
    try {
      this.#descriptor = folder.file(name);
    } catch (error) {
      throw translate(error, path);
    }
    const stats = fstatSync(this.#descriptor, { bigint: true });
    this.opened = snapshot(stats);
    if (stats.isFile() && this.opened.bytes <= WORKSPACE_LIMITS.bytesPerFile) return;
    this.close();
    if (!stats.isFile()) refuse(path, 'it is no regular file', 'Leave it out.');
    refuse(path, 'it is larger than 512 MiB', 'Leave it out.');
  }

  /**
   * Reads up to `limit` bytes from where the last reading ended; an empty chunk is the end.
   * @throws CleanRoomError `workspace-refused` when the file became longer or shorter
   */
  read(offset: number, limit: number): Uint8Array {
    const left = this.opened.bytes - offset;
    const chunk = Buffer.allocUnsafe(Math.min(limit, left));
    let filled = 0;
    while (filled < chunk.length) {
      const count = readSync(this.#descriptor, chunk, filled, chunk.length - filled, offset + filled);
      if (count === 0) this.#refuseChanged();
      filled += count;
    }
    return chunk;
  }

  /** @throws CleanRoomError `workspace-refused` when the file changed meanwhile */
  readAll(): Uint8Array {
    const content = this.read(0, this.opened.bytes);
    this.requireUnchanged();
    return content;
  }

  /** @throws CleanRoomError `workspace-refused` when the file is no longer what it was when it was opened */
  requireUnchanged(): void {
    const now = snapshot(fstatSync(this.#descriptor, { bigint: true }));
    if (now.state !== this.opened.state) this.#refuseChanged();
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #refuseChanged(): never {
    return refuse(this.path, 'it changed while it was read', 'Save it, then try again.');
  }
}
