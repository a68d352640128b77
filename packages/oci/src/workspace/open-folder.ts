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

/** The kind of an entry in a folder. `other` is a device, a pipe or a socket. */
export type EntryKind = 'file' | 'folder' | 'link' | 'other';

function kindOf(entry: Dirent<Buffer> | Stats): EntryKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

/** Paths below this one start at an open folder, not at a path that other processes may change in the meantime. */
const DESCRIPTORS = '/proc/self/fd';
const hasDescriptors = existsSync(DESCRIPTORS);

/**
 * An open folder. Its entries are opened relative to it, one path segment at a time, and never through a symbolic link. On
 * systems without `/proc`, they are opened along the folder's path instead.
 */
export class OpenFolder {
  readonly #descriptor: number;
  readonly #path: string;

  private constructor(path: string, flags: number) {
    this.#descriptor = openSync(path, O_RDONLY | O_DIRECTORY | flags);
    this.#path = hasDescriptors ? `${DESCRIPTORS}/${this.#descriptor}` : path;
  }

  /** Opens the workspace itself. Its path may contain symbolic links, because the caller chose it. */
  static open(path: string): OpenFolder {
    return new OpenFolder(path, 0);
  }

  /**
   * Opens a folder in this one.
   *
   * @throws the system error, ENOTDIR for a symbolic link
   */
  folder(name: string): OpenFolder {
    return new OpenFolder(`${this.#path}/${name}`, O_NOFOLLOW);
  }

  /**
   * Opens a file, which need not be a regular one. Opening a pipe does not block.
   *
   * @returns its descriptor
   * @throws the system error, ELOOP for a symbolic link
   */
  file(name: string): number {
    return openSync(`${this.#path}/${name}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  }

  /** Returns the kind of an entry, without following a symbolic link. */
  kindOf(name: string): EntryKind {
    return kindOf(lstatSync(`${this.#path}/${name}`));
  }

  /**
   * Returns the names and kinds of all entries.
   *
   * @throws CleanRoomError `workspace-refused` if a name is not UTF-8
   */
  list(): { readonly name: string; readonly kind: EntryKind }[] {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return readdirSync(this.#path, { withFileTypes: true, encoding: 'buffer' }).map(entry => {
      try {
        return { name: decoder.decode(entry.name), kind: kindOf(entry) };
      } catch (cause) {
        const shown = entry.name.toString('latin1').replace(/[^\x20-\x7e]/g, '?');
        throw new CleanRoomError(
          'workspace-refused',
          `"${shown}" cannot be packaged: its name is not UTF-8.`,
          {
            remedy: 'Rename the file.',
            cause
          }
        );
      }
    });
  }

  /** Closes the folder. */
  close(): void {
    closeSync(this.#descriptor);
  }
}
