import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, readFile, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { imagePath, inBytewiseOrder, parentOf } from './path.js';

/** The owner of a file in an image. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The owner of most files. */
export const ROOT_OWNER: Owner = { uid: 0, gid: 0 };

/** An entry of an image. It has no time, because all entries of an image have the same one. */
export type FileTreeNode =
  | { readonly kind: 'directory'; readonly mode: number; readonly owner: Owner }
  | {
      readonly kind: 'file';
      readonly mode: number;
      readonly owner: Owner;
      readonly size: number;
      readonly digest: Digest;
    }
  | { readonly kind: 'symlink'; readonly target: string }
  | {
      readonly kind: 'character-device';
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

/** Returns 0755 for executable files and 0644 for others, without set-user-id and similar bits. */
export function plainMode(mode: number): number {
  return (mode & 0o111) === 0 ? 0o644 : 0o755;
}

/**
 * The files of one layer of an image. Contents are in an ordinary folder (`root`). Owners, modes and devices are only in memory,
 * so that an ordinary user can build an image whose files belong to root.
 */
export class FileTree {
  readonly #nodes = new Map<string, FileTreeNode>();

  constructor(
    readonly root: string,
    /** The layers below. A path in them cannot be added again. */
    private readonly below: readonly FileTree[] = []
  ) {}

  /** The number of entries. */
  get size(): number {
    return this.#nodes.size;
  }

  /** Returns all entries by path. A folder comes before its content. */
  *entries(): Generator<[path: string, node: FileTreeNode]> {
    for (const path of [...this.#nodes.keys()].sort(inBytewiseOrder)) {
      const node = this.#nodes.get(path);
      if (node !== undefined) yield [path, node];
    }
  }

  /** Returns the entry at a path in this layer or in the layers below. */
  find(path: string): FileTreeNode | undefined {
    return this.#nodes.get(path) ?? this.below.map(tree => tree.find(path)).find(node => node !== undefined);
  }

  /** Returns the path of a file on this machine. */
  locate(path: string): string {
    return join(this.root, path);
  }

  /** Returns the content of a file. */
  read(path: string): Promise<Uint8Array> {
    return readFile(this.locate(path));
  }

  /** Returns the content of a file in chunks. */
  stream(path: string): AsyncIterable<Uint8Array> {
    return createReadStream(this.locate(path), { highWaterMark: 1 << 20 });
  }

  /**
   * Adds a folder. The same folder may be added twice.
   *
   * @throws CleanRoomError `conflict` if there is a different entry at the path, or if a parent is not a folder
   */
  async addDirectory(name: string, mode = 0o755, owner = ROOT_OWNER): Promise<void> {
    const path = imagePath(name);
    if (path === '') return;
    const known = this.#nodes.get(path);
    if (known?.kind === 'directory' && known.mode === mode && known.owner.uid === owner.uid) return;
    await this.#addNode(path, { kind: 'directory', mode, owner });
    await mkdir(this.locate(path), { recursive: true });
  }

  /**
   * Adds a file.
   *
   * @returns the digest of its content
   * @throws CleanRoomError `conflict`
   */
  async addFile(
    name: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    mode = 0o644,
    owner = ROOT_OWNER
  ): Promise<Digest> {
    const path = imagePath(name);
    await this.#prepare(path);
    const hash = createHash('sha256');
    let size = 0;
    const file = await open(this.locate(path), 'wx', mode & 0o100 ? 0o755 : 0o644);
    try {
      for await (const chunk of content instanceof Uint8Array ? [content] : content) {
        hash.update(chunk);
        size += chunk.length;
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    const digest = digestFromHash(hash.digest());
    this.#nodes.set(path, { kind: 'file', mode, owner, size, digest });
    return digest;
  }

  /**
   * Adds a file that is already in the tree's folder, such as one that a program of the image wrote.
   *
   * @throws CleanRoomError `conflict`
   */
  async addExisting(name: string): Promise<void> {
    const path = imagePath(name);
    this.#requireFree(path);
    await this.#addParents(path);
    const bytes = await readFile(this.locate(path));
    const digest = digestFromHash(createHash('sha256').update(bytes).digest());
    this.#nodes.set(path, { kind: 'file', mode: 0o644, owner: ROOT_OWNER, size: bytes.length, digest });
  }

  /**
   * Adds a copy of a file, in place of a hard link. Not all programs that unpack images support hard links across layers.
   *
   * @throws CleanRoomError `conflict`, `malformed` if `of` is not a file
   */
  async addCopy(name: string, of: string): Promise<void> {
    const path = imagePath(name);
    const source = imagePath(of);
    const node = this.#nodes.get(source);
    if (node?.kind !== 'file') {
      throw new CleanRoomError('malformed', `/${path} is a hard link to /${source}, which is not a file.`);
    }
    await this.#prepare(path);
    await copyFile(this.locate(source), this.locate(path));
    this.#nodes.set(path, node);
  }

  /**
   * Adds a symbolic link. The same link may be added twice.
   *
   * @throws CleanRoomError `conflict`
   */
  async addSymlink(name: string, target: string): Promise<void> {
    const path = imagePath(name);
    const known = this.find(path);
    if (known?.kind === 'symlink' && known.target === target) return;
    await this.#addNode(path, { kind: 'symlink', target });
    await symlink(target, this.locate(path));
  }

  /**
   * Adds a character device.
   *
   * @throws CleanRoomError `conflict`
   */
  async addCharacterDevice(name: string, mode: number, major: number, minor: number): Promise<void> {
    await this.#addNode(imagePath(name), { kind: 'character-device', mode, major, minor });
  }

  async #addNode(path: string, node: FileTreeNode): Promise<void> {
    await this.#prepare(path);
    this.#nodes.set(path, node);
  }

  async #prepare(path: string): Promise<void> {
    this.#requireFree(path);
    await this.#addParents(path);
    await mkdir(dirname(this.locate(path)), { recursive: true });
  }

  #requireFree(path: string): void {
    if (this.find(path) !== undefined || path === '') {
      throw new CleanRoomError('conflict', `Two inputs of the image have different entries at /${path}.`);
    }
  }

  async #addParents(path: string): Promise<void> {
    const parent = parentOf(path);
    if (parent === '' || this.#nodes.get(parent)?.kind === 'directory') return;
    const known = this.find(parent);
    if (known !== undefined && known.kind !== 'directory') {
      throw new CleanRoomError('conflict', `/${path} would be below /${parent}, which is not a folder.`);
    }
    await this.#addParents(parent);
    this.#nodes.set(parent, known ?? { kind: 'directory', mode: 0o755, owner: ROOT_OWNER });
  }
}
