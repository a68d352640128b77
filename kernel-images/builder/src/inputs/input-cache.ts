import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import { inputChanged } from './errors.js';

/** A file that an image is made of, as in its lock. */
export interface Input {
  /** Name and version for people, such as `libc6 2.36-9`. */
  readonly title: string;
  readonly digest: Digest;
  readonly size?: number;
}

async function digestOfFile(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return digestFromHash(hash.digest());
}

/** A cache of downloaded files by digest. Files are hashed before they are added, so files in the cache are trusted. */
export class InputCache {
  constructor(private readonly folder: string) {}

  /** Returns the path of a file in the cache, whether it exists or not. */
  pathOf(digest: Digest): string {
    return join(this.folder, 'sha256', digest.slice('sha256:'.length));
  }

  /** Returns whether the cache contains a file. */
  async has(digest: Digest): Promise<boolean> {
    return stat(this.pathOf(digest)).then(
      found => found.isFile(),
      () => false
    );
  }

  /** Returns a new path in the cache's folder, for a download that has not been hashed yet. */
  async temporaryPath(): Promise<string> {
    const path = join(this.folder, 'incoming', randomUUID());
    await mkdir(dirname(path), { recursive: true });
    return path;
  }

  /**
   * Moves a downloaded file into the cache.
   *
   * @returns its path in the cache
   * @throws CleanRoomError `digest-mismatch` if it is not the expected file; it is deleted then
   */
  async add(path: string, input: Input): Promise<string> {
    const found = await digestOfFile(path);
    const { size } = await stat(path);
    if (found !== input.digest || (input.size !== undefined && input.size !== size)) {
      await rm(path, { force: true });
      throw inputChanged(input.title, { details: { expected: input.digest, found } });
    }
    const target = this.pathOf(input.digest);
    await mkdir(dirname(target), { recursive: true });
    await rename(path, target);
    return target;
  }
}
