import { createHash } from 'node:crypto';
import { Transform, type Readable } from 'node:stream';
import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ObjectTransfers, RelayAddress } from './transfers.js';

/** An object that is being read. */
export interface StoredObject {
  /** Length of the whole object in bytes. */
  readonly bytes: number;
  /** Content from the requested first byte. The caller must read it to the end or destroy it. */
  readonly stream: Readable;
}

/**
 * A store of immutable objects, addressed by their digest. An object exists completely or not at all, and is on disk before
 * `put` resolves.
 */
export interface ObjectStore {
  /**
   * Stores the bytes of `source`, and resolves with their number. An object that is already stored can be put again; its
   * source is still read and checked, because the caller has to prove that it has the bytes.
   *
   * @param limit - maximum number of bytes
   * @throws CleanRoomError `digest-mismatch` when the bytes do not have this digest, `too-large` beyond the limit
   */
  put(digest: Digest, source: Readable, limit: number): Promise<number>;
  /**
   * Opens an object for reading.
   *
   * @param first - offset of the first byte, 0 by default
   * @throws CleanRoomError `not-found`, `malformed` when the object is shorter
   */
  get(digest: Digest, first?: number): Promise<StoredObject>;
  /** Returns the length of an object in bytes, or undefined when it is not stored. */
  size(digest: Digest): Promise<number | undefined>;
  /** Deletes an object, if it is stored. */
  delete(digest: Digest): Promise<void>;
  /**
   * Returns the ways by which programs outside this server transfer objects.
   *
   * @param relay - gives addresses of this server, if the other programs cannot reach the store
   */
  transfers(relay: RelayAddress): ObjectTransfers;
  /** Resolves when the store is available. */
  ping(): Promise<void>;
}

const SEND_AGAIN =
  'Send the file again. It was damaged during the transfer, or it changed after its digest was computed.';

/** Returns the error for an object that is not stored. */
export function notStored(digest: Digest): CleanRoomError {
  return new CleanRoomError('not-found', `The object ${digest} is not stored on this server.`);
}

/** Returns the error for reading an object from an offset that it does not have. */
export function beyondEnd(digest: Digest): CleanRoomError {
  return new CleanRoomError('malformed', `The object ${digest} is shorter than the requested range.`);
}

/** Passes bytes on, and checks them: fails at the end if their digest is wrong, and at once if there are too many. */
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
        : new CleanRoomError(
            'digest-mismatch',
            `The bytes that were sent have the digest ${found}, not ${this.#digest}.`,
            { remedy: SEND_AGAIN }
          )
    );
  }
}
