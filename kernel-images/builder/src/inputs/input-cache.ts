import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** A file that an image is composed from, as its lock names it. */
export interface Input {
  /** What people know it by: `libc6 2.36-9`, `numpy 2.4.6`. */
  readonly title: string;
  readonly digest: Digest;
  readonly size?: number;
}

async function digestOfFile(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return digestFromHash(hash.digest());
}

/** Downloaded inputs by their digest. Nothing gets in without being hashed, so what is in can be used as it is. */
export class InputCache {
  constructor(private readonly folder: string) {}

  pathOf(digest: Digest): string {
    return join(this.folder, 'sha256', digest.slice('sha256:'.length));
  }

  async has(digest: Digest): Promise<boolean> {
    return stat(this.pathOf(digest)).then(
      found => found.isFile(),
      () => false
    );
  }

  /** A fresh path beside the cached files, for a download that is not yet checked. */
  async scratch(): Promise<string> {
    const path = join(this.folder, 'incoming', randomUUID());
    await mkdir(dirname(path), { recursive: true });
    return path;
  }

  /**
   * Moves a downloaded file in.
   * @throws CleanRoomError `digest-mismatch`: the file is deleted and not used
   */
  async admit(path: string, input: Input): Promise<string> {
    const found = await digestOfFile(path);
    const { size } = await stat(path);
    if (found !== input.digest || (input.size !== undefined && input.size !== size)) {
      await rm(path, { force: true });
      throw new CleanRoomError(
        'digest-mismatch',
        `${input.title} was fetched, but it is not the file that the lock names (${input.digest}). It was not used.`,
        {
          remedy: 'If its source has replaced the file on purpose, relock; else find out who changed it.',
          details: { expected: input.digest, found }
        }
      );
    }
    const target = this.pathOf(input.digest);
    await mkdir(dirname(target), { recursive: true });
    await rename(path, target);
    return target;
  }
}
