import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  type Dirent,
  type Stats
} from 'node:fs';
import { CleanRoomError } from '@clean-room/protocol/errors';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

export type EntryKind = 'file' | 'folder' | 'link' | 'other';

export function kindOf(entry: Dirent<Buffer> | Stats): EntryKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

/** Through this, names are looked up in an open folder and not along a path that others may change meanwhile. */
const DESCRIPTORS = '/proc/self/fd';
const hasDescriptors = existsSync(DESCRIPTORS);

/**
 * A folder held open. What is in it is opened by name, one part at a time, and never through a link; where the system
 * has no /proc, along its path.
 */
export class OpenFolder {
  readonly #descriptor: number;
  readonly #place: string;

  private constructor(path: string, flags: number) {
    this.#descriptor = openSync(path, O_RDONLY | O_DIRECTORY | flags);
    this.#place = hasDescriptors ? `${DESCRIPTORS}/${this.#descriptor}` : path;
  }

  /** The workspace itself, which may be reached through a link: the caller named it. */
  static open(path: string): OpenFolder {
    return new OpenFolder(path, 0);
  }

  /** @throws the system's error, ENOTDIR for a link */
  folder(name: string): OpenFolder {
    return new OpenFolder(`${this.#place}/${name}`, O_NOFOLLOW);
  }

  /** @returns a descriptor, of a regular file or not; a pipe is not waited for @throws the system's error, ELOOP for a link */
  file(name: string): number {
    return openSync(`${this.#place}/${name}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  }

  kindOf(name: string): EntryKind {
    return kindOf(lstatSync(`${this.#place}/${name}`));
  }

  /** @throws CleanRoomError `workspace-refused` for a name that is not text */
  list(): { readonly name: string; readonly kind: EntryKind }[] {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return readdirSync(this.#place, { withFileTypes: true, encoding: 'buffer' }).map(entry => {
      try {
        return { name: decoder.decode(entry.name), kind: kindOf(entry) };
      } catch (cause) {
        const shown = entry.name.toString('latin1').replace(/[^\x20-\x7e]/g, '?');
        throw new CleanRoomError(
          'workspace-refused',
          `"${shown}" can't be packaged: its name is not UTF-8.`,
          {
            remedy: 'Rename the file.',
            cause
          }
        );
      }
    });
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
