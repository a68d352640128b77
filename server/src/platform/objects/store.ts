import { createHash } from 'node:crypto';
import { Transform, type Readable } from 'node:stream';
import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';

export interface StoredObject {
  readonly bytes: number;
  /** The caller reads it to its end or destroys it. */
  readonly stream: Readable;
}

/** Bytes by their digest. An object is there in full or not at all, never changes, and is written to disk before `put` resolves. */
export interface ObjectStore {
  /**
   * Stores what `source` gives and resolves with its length. Putting what is already there is no error, and reads the
   * source all the same: who puts must have the bytes.
   * @param limit most bytes to take
   * @throws CleanRoomError `digest-mismatch` when the bytes are others than named, `too-large` beyond the limit
   */
  put(digest: Digest, source: Readable, limit: number): Promise<number>;
  /** @throws CleanRoomError `not-found` */
  get(digest: Digest): Promise<StoredObject>;
  /** Length in bytes, or nothing when it is not there. */
  size(digest: Digest): Promise<number | undefined>;
  /** Deleting what is not there is no error. */
  delete(digest: Digest): Promise<void>;
  /** Resolves when the store can be worked with. */
  ping(): Promise<void>;
}

export function notStored(digest: Digest): CleanRoomError {
  return new CleanRoomError('not-found', `The object ${digest} is not here.`);
}

/** Passes bytes on and fails at their end unless they are the ones `digest` names; at once when they are too many. */
export class Verification extends Transform {
  readonly #hash = createHash('sha256');
  readonly #digest: Digest;
  readonly #limit: number;
  bytes = 0;

  constructor(digest: Digest, limit: number) {
    super();
    this.#digest = digest;
    this.#limit = limit;
  }

  override _transform(
    chunk: Buffer,
    _encoding: string,
    done: (error?: Error | null, data?: Buffer) => void
  ): void {
    this.bytes += chunk.length;
    if (this.bytes > this.#limit) {
      done(new CleanRoomError('too-large', `The object is larger than ${this.#limit} bytes.`));
      return;
    }
    this.#hash.update(chunk);
    done(null, chunk);
  }

  override _flush(done: (error?: Error | null) => void): void {
    const found = `sha256:${this.#hash.digest('hex')}`;
    done(
      found === this.#digest
        ? null
        : new CleanRoomError('digest-mismatch', `The bytes sent are ${found}, not ${this.#digest}.`, {
            remedy: 'Send them again; they were damaged on the way, or named wrongly.'
          })
    );
  }
}
