import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, readFile, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { imagePath, inBytewiseOrder, parentOf } from './path.js';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export const ROOT_OWNER: Owner = { uid: 0, gid: 0 };

/** What stands at a path of an image. Times are never kept: every entry of an image is of the epoch. */
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

/** Executable or not is all that is kept of a mode; set-user-id and the like are gone with the rest. */
export function plainMode(mode: number): number {
  return (mode & 0o111) === 0 ? 0o644 : 0o755;
}

/**
 * The files of one layer as they will stand in the image. Contents lie in an ordinary folder (`root`), owners, modes and
 * devices only in this map, so that an ordinary user can compose an image owned by root.
 */
export class FileTree {
  readonly #nodes = new Map<string, FileTreeNode>();

  constructor(
    readonly root: string,
    /** The layers below, which this one must not contradict. */
    private readonly below: readonly FileTree[] = []
  ) {}

  get size(): number {
    return this.#nodes.size;
  }

  /** All paths with what stands there, a folder always before what is in it. */
  *entries(): Generator<[path: string, node: FileTreeNode]> {
    for (const path of [...this.#nodes.keys()].sort(inBytewiseOrder)) {
      const node = this.#nodes.get(path);
      if (node !== undefined) yield [path, node];
    }
  }

  /** What stands at a path here or, if nothing does, in the layers below. */
  find(path: string): FileTreeNode | undefined {
    return this.#nodes.get(path) ?? this.below.map(tree => tree.find(path)).find(node => node !== undefined);
  }

  locate(path: string): string {
    return join(this.root, path);
  }

  async read(path: string): Promise<Uint8Array> {
    return readFile(this.locate(path));
  }

  stream(path: string): AsyncIterable<Uint8Array> {
    return createReadStream(this.locate(path), { highWaterMark: 1 << 20 });
  }

  /**
   * @throws CleanRoomError `conflict` where two inputs want different things at one path, or something below a path that
   * is no folder
   */
  async addDirectory(name: string, mode = 0o755, owner = ROOT_OWNER): Promise<void> {
    const path = imagePath(name);
    if (path === '') return;
    const known = this.#nodes.get(path);
    if (known?.kind === 'directory' && known.mode === mode && known.owner.uid === owner.uid) return;
    await this.#claim(path, { kind: 'directory', mode, owner });
    await mkdir(this.locate(path), { recursive: true });
  }

  async addFile(
    name: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    mode = 0o644,
    owner = ROOT_OWNER
  ): Promise<Digest> {
    const path = imagePath(name);
    await this.#makeRoom(path);
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

  /** Takes over a file that already lies in the tree's folder, such as one that a tool of the image made there. */
  async adopt(name: string): Promise<void> {
    const path = imagePath(name);
    this.#refuseTaken(path);
    await this.#addParents(path);
    const bytes = await readFile(this.locate(path));
    const digest = digestFromHash(createHash('sha256').update(bytes).digest());
    this.#nodes.set(path, { kind: 'file', mode: 0o644, owner: ROOT_OWNER, size: bytes.length, digest });
  }

  /** A second name of a file: kept as a copy, since links over layers do not survive every unpacker. */
  async addCopy(name: string, of: string): Promise<void> {
    const path = imagePath(name);
    const source = imagePath(of);
    const node = this.#nodes.get(source);
    if (node?.kind !== 'file') {
      throw new CleanRoomError('malformed', `/${path} is a second name of /${source}, which is no file.`);
    }
    await this.#makeRoom(path);
    await copyFile(this.locate(source), this.locate(path));
    this.#nodes.set(path, node);
  }

  async addSymlink(name: string, target: string): Promise<void> {
    const path = imagePath(name);
    const known = this.find(path);
    if (known?.kind === 'symlink' && known.target === target) return;
    await this.#claim(path, { kind: 'symlink', target });
    await symlink(target, this.locate(path));
  }

  async addCharacterDevice(name: string, mode: number, major: number, minor: number): Promise<void> {
    await this.#claim(imagePath(name), { kind: 'character-device', mode, major, minor });
  }

  async #claim(path: string, node: FileTreeNode): Promise<void> {
    await this.#makeRoom(path);
    this.#nodes.set(path, node);
  }

  async #makeRoom(path: string): Promise<void> {
    this.#refuseTaken(path);
    await this.#addParents(path);
    await mkdir(dirname(this.locate(path)), { recursive: true });
  }

  #refuseTaken(path: string): void {
    if (this.find(path) !== undefined || path === '') {
      throw new CleanRoomError('conflict', `Two inputs of the image want different things at /${path}.`);
    }
  }

  async #addParents(path: string): Promise<void> {
    const parent = parentOf(path);
    if (parent === '' || this.#nodes.get(parent)?.kind === 'directory') return;
    const known = this.find(parent);
    if (known !== undefined && known.kind !== 'directory') {
      throw new CleanRoomError('conflict', `/${path} would lie below /${parent}, which is no folder.`);
    }
    await this.#addParents(parent);
    this.#nodes.set(parent, known ?? { kind: 'directory', mode: 0o755, owner: ROOT_OWNER });
  }
}
